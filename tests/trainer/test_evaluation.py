"""What is published and shown of an evaluation, for every kind of view."""

import gzip
import json
from typing import Any

import numpy as np
import pytest

from tintype_api.status import Best
from tintype_trainer.datasets.dataset import Example, Split
from tintype_trainer.learners.predictions import DetectionPredictions, Predictions, ScorePredictions
from tintype_trainer.metrics.boxes import AnnotatedBoxes, DetectedBoxes
from tintype_trainer.metrics.classification import measure_classification
from tintype_trainer.metrics.detection import measure_detection
from tintype_trainer.metrics.tagging import measure_tagging
from tintype_trainer.output.evaluation import evaluation_json, predictions_jsonl_gz, status_metrics

CONCEPTS = ("glass", "metal", "paper")
BEST = Best(epoch=2, iteration=20, selected_by="mAP", performance_indicator=0.75, performance_indicator_name="mAP")
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
EXAMPLES = {
    Split.VALIDATION: [Example("a.png", "", Split.VALIDATION, ()), Example("b.png#1", "", Split.VALIDATION, ())]
}


def published_lines(predictions: Predictions) -> list[dict[str, Any]]:
    content = predictions_jsonl_gz(EXAMPLES, {Split.VALIDATION: predictions}, CONCEPTS)
    return [json.loads(line) for line in gzip.decompress(content).splitlines()]


def test_predictions_of_scores() -> None:
    assert published_lines(SCORED) == [
        {
            "id": "a.png",
            "split": "validation",
            "concepts": ["glass"],
            "scores": {"glass": 0.75, "metal": 0.25, "paper": 0.0},
        },
        {
            "id": "b.png#1",
            "split": "validation",
            "concepts": ["metal"],
            "scores": {"glass": 0.125, "metal": 0.875, "paper": 0.0},
        },
    ]


def test_predictions_of_boxes_from_a_score_of_a_twentieth() -> None:
    assert published_lines(LOCATED) == [
        {
            "id": "a.png",
            "split": "validation",
            "boxes": [
                {"concept": "glass", "box": [0, 0, 10, 10]},
                {"concept": "metal", "box": [3, 3, 4, 4], "ignored": True},
            ],
            "detections": [
                {"concept": "glass", "box": [0, 0, 10, 10], "score": 0.9},
                {"concept": "metal", "box": [0, 0, 5, 5], "score": 0.05},
            ],
        },
        {"id": "b.png#1", "split": "validation", "boxes": [], "detections": []},
    ]


def test_a_score_that_is_no_number_is_null() -> None:
    scores_NK = np.array([[np.nan, 0.5, np.inf], [0.5, 0.5, 0.5]])
    lines = published_lines(ScorePredictions(np.zeros(2), scores_NK, np.zeros((2, 3), dtype=np.float32)))
    assert lines[0]["scores"] == {"glass": None, "metal": 0.5, "paper": None}


def test_the_same_predictions_are_the_same_bytes() -> None:
    assert len({predictions_jsonl_gz(EXAMPLES, {Split.VALIDATION: LOCATED}, CONCEPTS) for _ in range(2)}) == 1


GLASS = {"name": "glass", "support": 1, "precision": 1.0, "recall": 1.0}
METAL = {"name": "metal", "support": 1, "precision": 1.0, "recall": 1.0}
NONE = {"name": "paper", "support": 0, "averagePrecision": None, "precision": None, "recall": None}


def test_evaluation_of_classification() -> None:
    measures = measure_classification(SCORED.losses_N, SCORED.scores_NK, SCORED.shares_NK, CONCEPTS)
    document = json.loads(evaluation_json(BEST, {Split.VALIDATION: measures}, CONCEPTS))
    assert document["best"] == BEST.to_wire()
    interval = document["validation"].pop("accuracyInterval")
    assert interval == pytest.approx([0.3424, 1.0], abs=1e-4)
    assert document["validation"] == {
        "examples": 2,
        "loss": 0.5,
        "accuracy": 1.0,
        "mAP": None,
        "confusionMatrix": [[1, 0, 0], [0, 1, 0], [0, 0, 0]],
        "conceptsWithoutExamples": ["paper"],
        "perConcept": [GLASS | {"averagePrecision": None}, METAL | {"averagePrecision": None}, NONE],
    }
    status = status_metrics(measures)
    assert (status.accuracy, status.mean_average_precision, status.concepts_without_examples) == (1.0, None, None)


def test_evaluation_of_tagging() -> None:
    measures = measure_tagging(SCORED.losses_N, SCORED.scores_NK, SCORED.shares_NK, CONCEPTS)
    document = json.loads(evaluation_json(BEST, {Split.TEST: measures}, CONCEPTS))
    assert document["test"] == {
        "examples": 2,
        "loss": 0.5,
        "accuracy": 1.0,
        "mAP": 1.0,
        "exactMatch": 1.0,
        "conceptsWithoutExamples": ["paper"],
        "perConcept": [GLASS | {"averagePrecision": 1.0}, METAL | {"averagePrecision": 1.0}, NONE],
    }
    assert status_metrics(measures).concepts_without_examples == 1


def test_evaluation_of_detection() -> None:
    measures = measure_detection(LOCATED.losses_N, LOCATED.detected, LOCATED.annotated, CONCEPTS)
    document = json.loads(evaluation_json(BEST, {Split.VALIDATION: measures}, CONCEPTS))
    nothing = {"support": 0, "averagePrecision": None, "precision": None, "recall": None}
    assert document["validation"] == {
        "examples": 2,
        "loss": 1.5,
        "accuracy": 1.0,
        "mAP": 1.0,
        "conceptsWithoutExamples": ["metal", "paper"],
        "perConcept": [GLASS | {"averagePrecision": 1.0}, {"name": "metal"} | nothing, {"name": "paper"} | nothing],
    }
    status = status_metrics(measures).to_wire()
    assert (status["mAP"], status["conceptsWithoutExamples"]) == (1.0, 2)
    assert status["concepts"][1] == {"name": "metal", "support": 0}


def test_without_a_validation_set_it_says_so() -> None:
    last = Best(epoch=2, iteration=20, selected_by="LastIteration")
    document = json.loads(evaluation_json(last, {}, CONCEPTS))
    assert document.keys() == {"concepts", "best", "note"}
    assert "there is no validation set" in document["note"]
