"""What one version says of the validation examples: figures under weights, for resampling, and its errors. Pure."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tintype_api.spec.view import ViewType
from tintype_trainer.evaluation.detection import match
from tintype_trainer.learners.predictions import DetectionPredictions, Predictions, ScorePredictions
from tintype_trainer.metrics.bootstrap import mean_of_concepts
from tintype_trainer.metrics.coco_matches import AT_50, ConceptMatches, average_precisions
from tintype_trainer.metrics.curves import weighted_average_precisions

NOTHING: Final = "none"
HALF: Final = 0.5
Figures = Callable[[NDArray[np.int32]], NDArray[np.float64]]
"""From how often each example is drawn (R, N) to figures (1 + K, R): the performance indicator, then each concept's.

A concept's figure is its recall in Classification, where accuracy is the indicator, else its average precision, whose
mean is the indicator. NaN where no example allows one."""


@dataclass(frozen=True, slots=True)
class Side:
    """One version on the validation examples.

    Attributes:
        figures: Its figures under weights.
        errors_N: How many of its decisions on each example are wrong, at its own thresholds.
        said: What it decided on each, in words.
    """

    figures: Figures
    errors_N: NDArray[np.int64]
    said: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Truth:
    """What is annotated, the same for both versions.

    Attributes:
        support: Examples that each concept holds of; in Detection its boxes.
        said: What is annotated on each example, in words.
    """

    support: tuple[int, ...]
    said: tuple[str, ...]


def side_of(view_type: ViewType, predictions: Predictions, thresholds: Mapping[str, float]) -> Side:
    """Return a version's side.

    Args:
        view_type: Of its view.
        predictions: What it says of each validation example.
        thresholds: Of each concept, in the order of the predictions' concepts.
    """
    if isinstance(predictions, DetectionPredictions):
        return _detection(predictions, thresholds)
    return (_classification if view_type is ViewType.CLASSIFICATION else _tagging)(predictions, thresholds)


def truth_of(predictions: Predictions, concepts: Sequence[str]) -> Truth:
    """Return what is annotated."""
    if isinstance(predictions, DetectionPredictions):
        labels = [truth.labels_M[~truth.ignored_M].tolist() for truth in predictions.annotated]
        counts = Counter(label for each in labels for label in each)
        said = tuple(_counted([concepts[label] for label in each]) for each in labels)
        return Truth(tuple(counts[place] for place in range(len(concepts))), said)
    holds_NK = predictions.shares_NK >= HALF
    return Truth(tuple(holds_NK.sum(axis=0).tolist()), _names(holds_NK, concepts))


def _classification(predictions: ScorePredictions, thresholds: Mapping[str, float]) -> Side:
    """Return the side of a version whose highest score decides; its thresholds only reject, which accuracy ignores."""
    concepts = tuple(thresholds)
    labels_N = predictions.shares_NK.argmax(axis=1)
    decisions_N = _known(predictions.scores_NK).argmax(axis=1)
    right_N = decisions_N == labels_N
    counted_CN = np.vstack([np.ones_like(right_N), *(labels_N == place for place in range(len(concepts)))]).astype(int)

    def figures(weights_RN: NDArray[np.int32]) -> NDArray[np.float64]:
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(((counted_CN * right_N) @ weights_RN.T) / (counted_CN @ weights_RN.T))

    return Side(figures, (~right_N).astype(np.int64), tuple(concepts[place] for place in decisions_N))


def _tagging(predictions: ScorePredictions, thresholds: Mapping[str, float]) -> Side:
    scores_NK, holds_NK = _known(predictions.scores_NK), predictions.shares_NK >= HALF
    decided_NK = scores_NK >= np.array(list(thresholds.values()))

    def figures(weights_RN: NDArray[np.int32]) -> NDArray[np.float64]:
        columns = range(scores_NK.shape[1])
        each = [weighted_average_precisions(scores_NK[:, k], holds_NK[:, k], weights_RN) for k in columns]
        return _with_mean(np.stack(each))

    return Side(figures, (decided_NK != holds_NK).sum(axis=1), _names(decided_NK, tuple(thresholds)))


def _detection(predictions: DetectionPredictions, thresholds: Mapping[str, float]) -> Side:
    matches = match(predictions, tuple(thresholds)).matches
    errors_2N = sum(
        (_wrong_and_missed(of, thresholds[name]) for name, of in matches.items()),
        start=np.zeros((2, len(predictions.detected)), dtype=np.int64),
    )

    def figures(weights_RN: NDArray[np.int32]) -> NDArray[np.float64]:
        with np.errstate(invalid="ignore"):
            return _with_mean(np.stack([average_precisions(of, weights_RN).mean(axis=0) for of in matches.values()]))

    said = tuple(f"{wrong} wrong, {missed} missed" for wrong, missed in errors_2N.T.tolist())
    return Side(figures, errors_2N.sum(axis=0), said)


def _wrong_and_missed(matches: ConceptMatches, threshold: float) -> NDArray[np.int64]:
    """Return (2, N): detections that are wrong at IoU 0.5 and boxes that are missed, on each image."""
    images = len(matches.boxes_I)
    decided_N = (matches.scores_N >= threshold) & ~matches.ignored_TN[AT_50]
    right_N = matches.right_TN[AT_50]
    wrong_I = np.bincount(matches.images_N[decided_N & ~right_N], minlength=images)
    found_I = np.bincount(matches.images_N[decided_N & right_N], minlength=images)
    return np.stack([wrong_I, matches.boxes_I - found_I])


def _with_mean(figures_KR: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.vstack([mean_of_concepts(figures_KR), figures_KR])


def _names(holds_NK: NDArray[np.bool_], concepts: Sequence[str]) -> tuple[str, ...]:
    return tuple(
        ", ".join(name for name, holds in zip(concepts, row, strict=True) if holds) or NOTHING
        for row in holds_NK.tolist()
    )


def _counted(names: Sequence[str]) -> str:
    return ", ".join(f"{count} x {name}" for name, count in Counter(names).items()) or NOTHING


def _known(scores_NK: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(np.isfinite(scores_NK), scores_NK, -np.inf)
