"""Versions to report on that nobody had to train: drawn pictures, and predictions made up around what is annotated."""

import gzip
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from support.modelversions import modelversion
from tintype_api.modelversion import ModelVersion, resolve
from tintype_api.spec.view import ViewType
from tintype_api.status import Best, HistoryEntry
from tintype_trainer.datasets.dataset import Split
from tintype_trainer.evaluation.document import Evaluation
from tintype_trainer.evaluation.making import Evaluated, evaluate_training
from tintype_trainer.learners.predictions import DetectionPredictions, Predictions, ScorePredictions
from tintype_trainer.metrics.boxes import AnnotatedBoxes, DetectedBoxes
from tintype_trainer.metrics.classification import measure_classification
from tintype_trainer.metrics.detection import measure_detection
from tintype_trainer.metrics.tagging import measure_tagging
from tintype_trainer.output.predictions import predictions_jsonl_gz
from tintype_trainer.pixels.images import Picture
from tintype_trainer.report.making import make_report
from tintype_trainer.report.sources import Sources, read_sources

HOSTILE: Final = (
    "</script><script>document.title='owned'</script>",
    "<img src=x onerror=\"document.title='owned'\">",
    "\"quoted\" & 'single' `back`",
    "🦊 fox\u2028line",
    "צבע אדום",
    "\u202edesrever",
    "{{constructor}} ${1+1} @@data@@",
    "a" * 60,
)
"""Names as a data set may have them."""
WIDTH, HEIGHT = 320, 240


@dataclass(frozen=True)
class Reported:
    """A version to report on.

    Attributes:
        sources: Its files.
        evaluation: What evaluation.json says.
        predictions: Of its validation set.
        picture_of: Pictures of its examples.
    """

    sources: Sources
    evaluation: Evaluation
    predictions: Predictions
    picture_of: Callable[[int], Picture]

    @property
    def places(self) -> dict[str, int]:
        """The place of each example's picture."""
        return {line["id"]: place for place, line in enumerate(self.sources.predictions_of(Split.VALIDATION))}

    def html(self, picture_of: Callable[[int], Picture] | None = None) -> bytes:
        """Return report.html."""
        return make_report(self.sources, self.places, picture_of or self.picture_of, workers=2)


def reported(
    view_type: ViewType,
    examples: int = 60,
    concepts: Sequence[str] = ("circle", "square", "triangle"),
    *,
    ids: Sequence[str] = (),
    seed: int = 0,
    noise: float = 0.25,
) -> Reported:
    """Return a version of a view, whose network is right more often than not.

    Args:
        view_type: Of the view.
        examples: In each of the validation and test sets.
        concepts: Of the model.
        ids: Names of the first examples, instead of numbers.
        seed: Of what is made up.
        noise: How far scores are from the truth.
    """
    rng = np.random.default_rng(seed)
    make = _boxes if view_type is ViewType.DETECTION else _scores
    names = [*ids, *(f"pictures/{number:05}.jpg" for number in range(len(ids), examples))]
    splits = {
        split: _evaluated(
            view_type,
            [f"{prefix}{name}" for name in names],
            make(rng, view_type, concepts, len(names), noise),
            concepts,
        )
        for split, prefix in ((Split.VALIDATION, ""), (Split.TEST, "test/"))
    }
    best = Best(
        epoch=2, iteration=20, selected_by="accuracy", performance_indicator=0.9, performance_indicator_name="accuracy"
    )
    evaluation = evaluate_training(view_type, tuple(concepts), best, splits)
    sources = read_sources(
        "file:///models/team/made-up",
        _version(view_type, concepts),
        card=json.dumps(_card(view_type, concepts, evaluation)).encode(),
        evaluation=evaluation.to_bytes(),
        metrics=_metrics(view_type),
        dataset_gz=_dataset(splits, concepts),
        predictions_gz=predictions_jsonl_gz(splits, evaluation.thresholds),
        onnx=view_type is not ViewType.TAGGING,
    )
    return Reported(sources, evaluation, splits[Split.VALIDATION].predictions, _picture_of)


def flat(index: int) -> Picture:
    """Return a picture of one colour, made small in no time."""
    return np.full((HEIGHT, WIDTH, 1), index % 256, dtype=np.uint8)


def _picture_of(index: int) -> Picture:
    """Return a photograph of sorts: soft colours, something on it, and noise, which costs bytes as a real one does."""
    rng = np.random.default_rng(index)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    waves = [np.sin(x / rng.uniform(9, 60) + y / rng.uniform(9, 60) + rng.uniform(0, 6)) for _ in range(3)]
    picture_HW3 = 128 + 60 * np.stack(waves, axis=2) + rng.normal(0, 12, (HEIGHT, WIDTH, 3))
    return picture_HW3.clip(0, 255).astype(np.uint8)


def _scores(
    rng: np.random.Generator, view_type: ViewType, concepts: Sequence[str], examples: int, noise: float
) -> ScorePredictions:
    if view_type is ViewType.CLASSIFICATION:
        shares_NK = np.eye(len(concepts), dtype=np.float32)[rng.integers(len(concepts), size=examples)]
        logits_NK = rng.normal(0, 1, shares_NK.shape) + shares_NK / noise
        scores_NK = np.exp(logits_NK) / np.exp(logits_NK).sum(axis=1, keepdims=True)
    else:
        shares_NK = (rng.random((examples, len(concepts))) < 0.3).astype(np.float32)
        scores_NK = 1 / (1 + np.exp(-(rng.normal(0, 1, shares_NK.shape) + (shares_NK - 0.5) / noise)))
    return ScorePredictions(np.ones(examples), scores_NK, shares_NK)


def _boxes(
    rng: np.random.Generator, _view_type: ViewType, concepts: Sequence[str], images: int, noise: float
) -> DetectionPredictions:
    found, truth = [], []
    for _ in range(images):
        truth_M4 = _some_boxes(rng, int(rng.integers(0, 5)))
        labels_M = rng.integers(len(concepts), size=len(truth_M4))
        truth.append(AnnotatedBoxes(truth_M4, labels_M, rng.random(len(truth_M4)) < 0.1))
        near_M4 = truth_M4 + rng.normal(0, 40 * noise, truth_M4.shape)
        near_labels_M = np.where(
            rng.random(len(labels_M)) < noise / 2, rng.integers(len(concepts), size=len(labels_M)), labels_M
        )
        stray_S4 = _some_boxes(rng, int(rng.integers(0, 4)))
        scores_N = np.concatenate([rng.beta(5, 2, len(near_M4)), rng.beta(1, 4, len(stray_S4))])
        order_N = np.argsort(-scores_N, kind="stable")
        boxes_N4 = np.concatenate([near_M4, stray_S4])[order_N]
        labels_N = np.concatenate([near_labels_M, rng.integers(len(concepts), size=len(stray_S4))])[order_N]
        found.append(DetectedBoxes(boxes_N4, scores_N[order_N], labels_N))
    return DetectionPredictions(np.ones(images), tuple(found), tuple(truth))


def _some_boxes(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    corners_N2 = rng.uniform((0, 0), (WIDTH - 90, HEIGHT - 90), (count, 2))
    return np.concatenate([corners_N2, corners_N2 + rng.uniform(30, 90, (count, 2))], axis=1)


def _evaluated(view_type: ViewType, ids: list[str], predictions: Predictions, concepts: Sequence[str]) -> Evaluated:
    if isinstance(predictions, DetectionPredictions):
        measures = measure_detection(predictions.losses_N, predictions.detected, predictions.annotated, concepts)
    elif view_type is ViewType.CLASSIFICATION:
        measures = measure_classification(predictions.losses_N, predictions.scores_NK, predictions.shares_NK, concepts)
    else:
        measures = measure_tagging(predictions.losses_N, predictions.scores_NK, predictions.shares_NK, concepts)
    return Evaluated(ids, predictions, measures)


def _version(view_type: ViewType, concepts: Sequence[str]) -> ModelVersion:
    document = modelversion(
        {
            "spec.view": {"name": "made up", "type": view_type},
            "spec.concepts": list(concepts),
            "spec.dataset.uri": "s3://datasets/made-up.jsonl",
            "spec.training": {"epochs": 3, "optimizer": {"type": "AdamW"}},
            "spec.output": {"uri": "file:///models"},
        },
        name="made-up",
    )
    document["metadata"]["namespace"] = "team"
    return resolve(ModelVersion.parse(document))


def _card(view_type: ViewType, concepts: Sequence[str], evaluation: Evaluation) -> dict[str, Any]:
    return {
        "view": {"name": "made up", "type": view_type},
        "concepts": list(concepts),
        "architecture": {"name": "resnet18", "library": "torchvision"},
        "input": {"width": 64, "height": 64, "resizer": {"type": "Fixed", "width": 64, "height": 64}},
        "output": {"thresholds": evaluation.thresholds},
        "initialWeights": {"source": "Random", "head": "drawn", "keptConcepts": []},
        "dataset": {"uri": "s3://datasets/made-up.jsonl", "digest": "sha256:1", "validationDigest": "sha256:2"},
        "training": {
            "seed": 0,
            "device": "cuda",
            "precision": "bf16",
            "threads": 8,
            "frozen": {"batchNorms": 0, "parameters": 0},
        },
        "versions": {"tintype": "0.1.0", "torch": "2.15.0"},
    }


def _metrics(view_type: ViewType) -> bytes:
    entries = [
        HistoryEntry(
            epoch=number,
            iteration=10 * number,
            learning_rate=0.01 / number,
            train_loss=1 / number,
            validation_loss=1.2 / number,
            validation_accuracy=0.9 - abs(number - 2) / 10,
            validation_map=None if view_type is ViewType.CLASSIFICATION else 0.8 - abs(number - 2) / 10,
            seconds=60.0,
        )
        for number in (1, 2, 3)
    ]
    return "".join(json.dumps(entry.to_wire()) + "\n" for entry in entries).encode()


def _dataset(splits: dict[Split, Evaluated], concepts: Sequence[str]) -> bytes:
    lines = [
        {"id": name, "split": split.value, "concepts": [], "sha256": "0" * 64}
        for split, of in splits.items()
        for name in of.ids
    ]
    lines += [{"id": f"train/{name}", "split": "train", "concepts": [name], "sha256": "0" * 64} for name in concepts]
    return gzip.compress("".join(json.dumps(line) + "\n" for line in lines).encode())
