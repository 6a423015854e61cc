"""Lines of predictions.jsonl.gz."""

import gzip
import json
from typing import Any

import numpy as np

from tintype_trainer.datasets.dataset import Split
from tintype_trainer.evaluation.making import Evaluated
from tintype_trainer.learners.predictions import DetectionPredictions, Predictions, ScorePredictions
from tintype_trainer.metrics.boxes import AnnotatedBoxes, DetectedBoxes
from tintype_trainer.metrics.measures import Measures
from tintype_trainer.output.predictions import predictions_jsonl_gz

CONCEPTS = ("glass", "metal", "paper")
SCORED = ScorePredictions(
    losses_N=np.array([0.25, 0.75]),
    scores_NK=np.array([[0.75, 0.25, 0.0], [0.125, 0.8750004, 0.0]]),
    shares_NK=np.array([[1, 0, 0], [0, 1, 0]], dtype=np.float32),
)
LOCATED = DetectionPredictions(
    losses_N=np.array([1.0, 2.0]),
    detected=(
        DetectedBoxes(
            np.array([[0, 0, 10, 10.004], [0, 0, 5, 5], [1, 1, 2, 2]]),
            np.array([0.9, 0.05, 0.049]),
            np.array([0, 1, 1]),
        ),
        DetectedBoxes(np.zeros((0, 4)), np.zeros(0), np.zeros(0, dtype=np.int64)),
    ),
    annotated=(
        AnnotatedBoxes(np.array([[0.0, 0, 10, 10], [3, 3, 4, 4]]), np.array([0, 1]), np.array([False, True])),
        AnnotatedBoxes(np.zeros((0, 4)), np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.bool_)),
    ),
)


def published(predictions: Predictions, threshold: float = 0.5) -> bytes:
    evaluated = Evaluated(["a.png", "b.png#1"], predictions, Measures(2, None, None, None, ()))
    return predictions_jsonl_gz({Split.VALIDATION: evaluated}, dict.fromkeys(CONCEPTS, threshold))


def published_lines(predictions: Predictions, threshold: float = 0.5) -> list[dict[str, Any]]:
    return [json.loads(line) for line in gzip.decompress(published(predictions, threshold)).splitlines()]


def test_predictions_of_scores() -> None:
    assert published_lines(SCORED) == [
        {
            "id": "a.png",
            "split": "validation",
            "annotated": ["glass"],
            "scores": {"glass": 0.75, "metal": 0.25, "paper": 0.0},
        },
        {
            "id": "b.png#1",
            "split": "validation",
            "annotated": ["metal"],
            "scores": {"glass": 0.125, "metal": 0.875, "paper": 0.0},
        },
    ]


def test_predictions_of_boxes_from_a_score_of_a_twentieth() -> None:
    assert published_lines(LOCATED) == [
        {
            "id": "a.png",
            "split": "validation",
            "annotated": [
                {"concept": "glass", "box": [0, 0, 10, 10]},
                {"concept": "metal", "box": [3, 3, 4, 4], "ignored": True},
            ],
            "detections": [
                {"concept": "glass", "box": [0, 0, 10, 10], "score": 0.9},
                {"concept": "metal", "box": [0, 0, 5, 5], "score": 0.05},
            ],
        },
        {"id": "b.png#1", "split": "validation", "annotated": [], "detections": []},
    ]


def test_what_is_decided_for_is_there_however_low_its_threshold() -> None:
    image, _ = published_lines(LOCATED, threshold=0.049)
    assert [found["score"] for found in image["detections"]] == [0.9, 0.05, 0.049]


def test_a_score_that_is_no_number_is_null() -> None:
    scores_NK = np.array([[np.nan, 0.5, np.inf], [0.5, 0.5, 0.5]])
    lines = published_lines(ScorePredictions(np.zeros(2), scores_NK, np.zeros((2, 3), dtype=np.float32)))
    assert lines[0]["scores"] == {"glass": None, "metal": 0.5, "paper": None}


def test_the_same_predictions_are_the_same_bytes() -> None:
    assert published(LOCATED) == published(LOCATED)
