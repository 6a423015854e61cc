"""What is published of an evaluation: evaluation.json and predictions.jsonl.gz. Pure."""

import gzip
import json
from collections.abc import Mapping, Sequence
from typing import Any

from tintype_api.status import Best, SplitMetrics
from tintype_trainer.classifier import Scores
from tintype_trainer.dataset import Example, Split
from tintype_trainer.metrics import ConceptMetrics, SplitResult, evaluate_scores

SCORE_DIGITS = 6


def split_result(scores: Scores, concepts: Sequence[str]) -> SplitResult:
    """Return the metrics of a split."""
    return evaluate_scores(scores.losses_N, scores.scores_NK, scores.labels_N, concepts)


def status_metrics(result: SplitResult) -> SplitMetrics:
    """Return what status shows of a split."""
    return SplitMetrics(
        loss=result.loss,
        accuracy=result.accuracy,
        examples=result.examples,
        accuracy_interval=result.accuracy_interval,
    )


def evaluation_json(best: Best, results: Mapping[Split, SplitResult], concepts: Sequence[str]) -> bytes:
    """Return evaluation.json: the best epoch, and each evaluated split with its matrix and its concepts.

    Rows of `confusionMatrix` are the annotated concepts, columns the decided ones, both in the order of `concepts`.
    A precision or recall of null has no example that it could be a share of.
    """
    document: dict[str, Any] = {"concepts": list(concepts), "best": best.to_wire()}
    for split, result in results.items():
        document[split.value] = _split(result)
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False).encode() + b"\n"


def predictions_jsonl_gz(
    examples: Mapping[Split, Sequence[Example]], scores: Mapping[Split, Scores], concepts: Sequence[str]
) -> bytes:
    """Return predictions.jsonl.gz: id, split, annotated concept and all scores of each evaluated example."""
    lines = [
        json.dumps(_prediction(example, row, concepts), ensure_ascii=False)
        for split, split_scores in scores.items()
        for example, row in zip(examples[split], split_scores.scores_NK, strict=True)
    ]
    return gzip.compress("".join(line + "\n" for line in lines).encode(), mtime=0)


def _split(result: SplitResult) -> dict[str, Any]:
    return {
        "examples": result.examples,
        "loss": result.loss,
        "accuracy": result.accuracy,
        "accuracyInterval": list(result.accuracy_interval),
        "confusionMatrix": [list(row) for row in result.confusion],
        "perConcept": [_concept(concept) for concept in result.concepts],
    }


def _concept(concept: ConceptMetrics) -> dict[str, Any]:
    return {
        "name": concept.concept,
        "support": concept.support,
        "precision": concept.precision,
        "recall": concept.recall,
    }


def _prediction(example: Example, scores_K: Sequence[float], concepts: Sequence[str]) -> dict[str, Any]:
    scores = {concept: round(float(score), SCORE_DIGITS) for concept, score in zip(concepts, scores_K, strict=True)}
    return {"id": example.id, "split": example.split.value, "concept": example.concepts[0], "scores": scores}
