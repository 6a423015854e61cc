"""What is published of an evaluation: evaluation.json and predictions.jsonl.gz. Pure."""

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tintype_api.status import Best, ConceptMetrics, SplitMetrics
from tintype_trainer.datasets.dataset import Example, Split
from tintype_trainer.learners.predictions import Predictions, ScorePredictions
from tintype_trainer.metrics.boxes import AnnotatedBoxes, DetectedBoxes
from tintype_trainer.metrics.measures import ConceptMeasures, Measures
from tintype_trainer.sentences import NO_VALIDATION

SCORE_DIGITS: Final = 6
PIXEL_DIGITS: Final = 2
LOWEST_SCORE: Final = 0.05
"""Detections below it are not published: each image has a hundred, and hardly any of them is looked at."""


def status_metrics(measures: Measures) -> SplitMetrics:
    """Return what status shows of a split."""
    detailed = measures.mean_average_precision is not None or measures.confusion is None
    return SplitMetrics(
        loss=measures.loss,
        accuracy=measures.accuracy,
        mean_average_precision=measures.mean_average_precision,
        concepts_without_examples=len(measures.concepts_without_examples) if detailed else None,
        concepts=tuple(_concept_status(concept) for concept in measures.concepts),
        examples=measures.examples,
        accuracy_interval=measures.accuracy_interval,
    )


def evaluation_json(best: Best, results: Mapping[Split, Measures], concepts: Sequence[str]) -> bytes:
    """Return evaluation.json: the best epoch, and each evaluated split with its concepts.

    In Classification, rows of `confusionMatrix` are the annotated concepts, columns the decided ones, both in the order
    of `concepts`. A number that no example allows is null.
    """
    document: dict[str, Any] = {"concepts": list(concepts), "best": best.to_wire()}
    if Split.VALIDATION not in results:
        document["note"] = NO_VALIDATION
    for split, measures in results.items():
        document[split.value] = _split(measures)
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False).encode() + b"\n"


def predictions_jsonl_gz(
    examples: Mapping[Split, Sequence[Example]], predictions: Mapping[Split, Predictions], concepts: Sequence[str]
) -> bytes:
    """Return predictions.jsonl.gz: a line for each evaluated example, with what is annotated and what was predicted.

    Classification and Tagging: `concepts` that hold and `scores` of all. Detection: `boxes` that are annotated and
    `detections` with a score of at least 0.05, each with its `concept` and `box`, x0 y0 x1 y1 in pixels of the picture.
    """
    lines = [
        json.dumps({"id": example.id, "split": example.split.value, **predicted}, ensure_ascii=False)
        for split, of_split in predictions.items()
        for example, predicted in zip(examples[split], _predicted(of_split, concepts), strict=True)
    ]
    return gzip.compress("".join(line + "\n" for line in lines).encode(), mtime=0)


def _concept_status(concept: ConceptMeasures) -> ConceptMetrics:
    return ConceptMetrics(
        name=concept.name,
        support=concept.support,
        average_precision=concept.average_precision,
        precision=concept.precision,
        recall=concept.recall,
    )


def _split(measures: Measures) -> dict[str, Any]:
    optional = {
        "accuracyInterval": list(measures.accuracy_interval) if measures.accuracy_interval else None,
        "exactMatch": measures.exact_match,
        "confusionMatrix": [list(row) for row in measures.confusion] if measures.confusion else None,
    }
    return {
        "examples": measures.examples,
        "loss": measures.loss,
        "accuracy": measures.accuracy,
        "mAP": measures.mean_average_precision,
        **{name: value for name, value in optional.items() if value is not None},
        "conceptsWithoutExamples": list(measures.concepts_without_examples),
        "perConcept": [_concept(concept) for concept in measures.concepts],
    }


def _concept(concept: ConceptMeasures) -> dict[str, Any]:
    return {
        "name": concept.name,
        "support": concept.support,
        "averagePrecision": concept.average_precision,
        "precision": concept.precision,
        "recall": concept.recall,
    }


def _predicted(predictions: Predictions, concepts: Sequence[str]) -> Iterator[dict[str, Any]]:
    if isinstance(predictions, ScorePredictions):
        for scores_K, shares_K in zip(predictions.scores_NK, predictions.shares_NK, strict=True):
            yield _scored(scores_K, shares_K, concepts)
    else:
        for detected, annotated in zip(predictions.detected, predictions.annotated, strict=True):
            yield _located(detected, annotated, concepts)


def _scored(scores_K: NDArray[np.float64], shares_K: NDArray[np.float32], concepts: Sequence[str]) -> dict[str, Any]:
    return {
        "concepts": [concept for concept, share in zip(concepts, shares_K, strict=True) if share],
        "scores": {concept: _score(score) for concept, score in zip(concepts, scores_K, strict=True)},
    }


def _located(detected: DetectedBoxes, annotated: AnnotatedBoxes, concepts: Sequence[str]) -> dict[str, Any]:
    boxes = zip(annotated.boxes_M4, annotated.labels_M, annotated.ignored_M, strict=True)
    found = zip(detected.boxes_N4, detected.labels_N, detected.scores_N, strict=True)
    return {
        "boxes": [
            {"concept": concepts[label], "box": _pixels(box_4), **({"ignored": True} if ignored else {})}
            for box_4, label, ignored in boxes
        ],
        "detections": [
            {"concept": concepts[label], "box": _pixels(box_4), "score": _score(score)}
            for box_4, label, score in found
            if score >= LOWEST_SCORE
        ],
    }


def _score(score: float) -> float | None:
    return round(float(score), SCORE_DIGITS) if np.isfinite(score) else None


def _pixels(box_4: NDArray[np.float64]) -> list[float]:
    return [round(float(number), PIXEL_DIGITS) for number in box_4]
