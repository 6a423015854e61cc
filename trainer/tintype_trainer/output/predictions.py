"""Lines of predictions: of predictions.jsonl.gz and of `tintype predict`. Pure."""

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tintype_trainer.datasets.dataset import Split
from tintype_trainer.evaluation.detection import LOWEST_SCORE
from tintype_trainer.evaluation.making import Evaluated
from tintype_trainer.learners.predictions import ScorePredictions
from tintype_trainer.metrics.boxes import AnnotatedBoxes, DetectedBoxes

SCORE_DIGITS: Final = 6
PIXEL_DIGITS: Final = 2


def predictions_jsonl_gz(splits: Mapping[Split, Evaluated], thresholds: Mapping[str, float]) -> bytes:
    """Return predictions.jsonl.gz: a line for each evaluated example, with what is annotated and what was predicted.

    Classification and Tagging: `annotated`, the concepts that hold, and `scores` of all. Detection: `annotated` boxes
    and `detections` with a score of at least 0.05, or of their concept's threshold where that is lower; each box is x0
    y0 x1 y1 in pixels of the picture.

    Args:
        splits: What was evaluated.
        thresholds: Of each concept, in the spec's order.
    """
    lines = [
        json.dumps({"id": example, "split": split.value, **line}, ensure_ascii=False)
        for split, evaluated in splits.items()
        for example, line in zip(evaluated.ids, _lines(evaluated, thresholds), strict=True)
    ]
    return gzip.compress("".join(line + "\n" for line in lines).encode(), mtime=0)


def scores_line(scores_K: NDArray[np.float64], concepts: Sequence[str]) -> dict[str, float | None]:
    """Return the score of each concept; null where it is no number."""
    return {concept: _score(score) for concept, score in zip(concepts, scores_K.tolist(), strict=True)}


def detections_line(
    detected: DetectedBoxes, concepts: Sequence[str], lowest_K: NDArray[np.float64]
) -> list[dict[str, Any]]:
    """Return the detections with a score of at least their concept's lowest, each with concept, box and score."""
    found = zip(detected.boxes_N4, detected.labels_N.tolist(), detected.scores_N.tolist(), strict=True)
    return [
        {"concept": concepts[label], "box": _pixels(box_4), "score": _score(score)}
        for box_4, label, score in found
        if score >= lowest_K[label]
    ]


def _lines(evaluated: Evaluated, thresholds: Mapping[str, float]) -> Iterator[dict[str, Any]]:
    predictions, concepts = evaluated.predictions, tuple(thresholds)
    if isinstance(predictions, ScorePredictions):
        for scores_K, shares_K in zip(predictions.scores_NK, predictions.shares_NK, strict=True):
            annotated = [concept for concept, share in zip(concepts, shares_K, strict=True) if share]
            yield {"annotated": annotated, "scores": scores_line(scores_K, concepts)}
    else:
        lowest_K = np.minimum(LOWEST_SCORE, list(thresholds.values()))
        for detected, truth in zip(predictions.detected, predictions.annotated, strict=True):
            yield {
                "annotated": _boxes(truth, concepts),
                "detections": detections_line(detected, concepts, lowest_K),
            }


def _boxes(truth: AnnotatedBoxes, concepts: Sequence[str]) -> list[dict[str, Any]]:
    boxes = zip(truth.boxes_M4, truth.labels_M, truth.ignored_M, strict=True)
    return [
        {"concept": concepts[label], "box": _pixels(box_4), **({"ignored": True} if ignored else {})}
        for box_4, label, ignored in boxes
    ]


def _score(score: float) -> float | None:
    return round(score, SCORE_DIGITS) if np.isfinite(score) else None


def _pixels(box_4: NDArray[np.float64]) -> list[float]:
    return [round(float(number), PIXEL_DIGITS) for number in box_4]
