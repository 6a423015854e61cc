"""Evaluation of Detection, whose network gives boxes with a concept and a score. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tintype_trainer.evaluation.document import ConceptEvaluation, ConfusionMatrix, LikelyError, SplitEvaluation
from tintype_trainer.evaluation.pairing import pair
from tintype_trainer.evaluation.parts import (
    calibration_document,
    curve_document,
    interval_document,
    lrp_document,
    rates,
    surest,
)
from tintype_trainer.learners.predictions import DetectionPredictions
from tintype_trainer.metrics.bootstrap import Interval, interval_of, mean_of_concepts, resamples, share_interval
from tintype_trainer.metrics.calibration import Calibration, calibration
from tintype_trainer.metrics.coco_matches import AT_50, AT_75, ConceptMatches, average_precisions, match_concept
from tintype_trainer.metrics.curves import precision_recall_curve
from tintype_trainer.metrics.decisions import Counts, f1_optimal_threshold, macro_mean, micro_mean
from tintype_trainer.metrics.detection import matches as matches_at_half
from tintype_trainer.metrics.lrp import optimal_lrp
from tintype_trainer.metrics.measures import Measures, mean_or_none

MISSED: Final = "missed"
NOTHING_THERE: Final = "nothing there"
LOWEST_SCORE: Final = 0.05
"""Detections below it are neither published nor in the calibration: each image has a hundred, hardly any looked at."""


@dataclass(frozen=True, slots=True)
class Matched:
    """The predictions of a split, with the matches of each concept; made once, since matching takes most of the time.

    Attributes:
        predictions: Of the split.
        matches: Of each concept, in the spec's order.
    """

    predictions: DetectionPredictions
    matches: Mapping[str, ConceptMatches]


def match(predictions: DetectionPredictions, concepts: Sequence[str]) -> Matched:
    """Return predictions with their matches."""
    detected, annotated = predictions.detected, predictions.annotated
    return Matched(
        predictions, {name: match_concept(detected, annotated, place) for place, name in enumerate(concepts)}
    )


def best_detection_thresholds(matched: Matched) -> dict[str, float]:
    """Return the threshold with the highest F1 at IoU 0.5 of each concept."""
    return {name: _best_threshold(each) for name, each in matched.matches.items()}


def evaluate_detection(
    matched: Matched, measures: Measures, thresholds: Mapping[str, float], ids: Sequence[str], *, chosen_here: bool
) -> SplitEvaluation:
    """Return the evaluation of a split of a Detection view.

    Args:
        matched: What the network says of each image.
        measures: Its metrics.
        thresholds: Of each concept, in the spec's order.
        ids: Of the images.
        chosen_here: Whether the thresholds are the best on this very split.
    """
    predictions, concepts = matched.predictions, tuple(matched.matches)
    each = tuple(_concept(name, of, thresholds[name]) for name, of in matched.matches.items())
    counts = [Counts(one.true_positives, one.false_positives, one.false_negatives) for one in each]
    known = measures.mean_average_precision is not None
    limits_K = np.array([thresholds[name] for name in concepts])
    return SplitEvaluation(
        examples=measures.examples,
        loss=measures.loss,
        accuracy=measures.accuracy,
        accuracy_interval=interval_document(_accuracy_interval(predictions, len(concepts), measures)),
        mean_average_precision=measures.mean_average_precision,
        mean_average_precision_interval=interval_document(_map_interval(matched)) if known else None,
        mean_average_precision50=mean_or_none([one.average_precision50 for one in each]) if known else None,
        mean_average_precision75=mean_or_none([one.average_precision75 for one in each]) if known else None,
        mean_overlap=_mean_overlap([_right(of, thresholds[name]) for name, of in matched.matches.items()]),
        mean_optimal_lrp=mean_or_none([one.lrp.error if one.lrp else None for one in each]),
        thresholds_chosen_here=chosen_here,
        concepts_without_examples=measures.concepts_without_examples,
        micro=rates(micro_mean(counts)),
        macro=rates(macro_mean(counts)),
        per_concept=each,
        confusion_matrix=_confusion(predictions, concepts, limits_K),
        calibration=calibration_document(_calibration(matched)),
        likely_errors=surest(_errors(predictions, concepts, limits_K, ids)),
    )


def _concept(name: str, matches: ConceptMatches, threshold: float) -> ConceptEvaluation:
    boxes = int(matches.boxes_I.sum())
    counted_N = ~matches.ignored_TN[AT_50]
    scores_N, right_N = matches.scores_N[counted_N], matches.right_TN[AT_50][counted_N]
    decided_N = scores_N >= threshold
    right = int((decided_N & right_N).sum())
    counts = Counts(right, int(decided_N.sum()) - right, boxes - right)
    everything = np.ones((1, len(matches.boxes_I)), dtype=np.int32)
    precisions_T = average_precisions(matches, everything)[:, 0] if boxes else None
    return ConceptEvaluation(
        name=name,
        support=boxes,
        threshold=threshold,
        true_positives=counts.right,
        false_positives=counts.wrong,
        false_negatives=counts.missed,
        precision=counts.precision,
        recall=counts.recall,
        f1=counts.f1,
        average_precision=float(precisions_T.mean()) if precisions_T is not None else None,
        average_precision50=float(precisions_T[AT_50]) if precisions_T is not None else None,
        average_precision75=float(precisions_T[AT_75]) if precisions_T is not None else None,
        mean_overlap=_mean_overlap([_right(matches, threshold)]),
        lrp=lrp_document(optimal_lrp(matches)),
        curve=curve_document(precision_recall_curve(scores_N, right_N, boxes)),
    )


def _best_threshold(matches: ConceptMatches) -> float:
    counted_N = ~matches.ignored_TN[AT_50]
    return f1_optimal_threshold(
        matches.scores_N[counted_N], matches.right_TN[AT_50][counted_N], int(matches.boxes_I.sum())
    )


def _right(matches: ConceptMatches, threshold: float) -> NDArray[np.float64]:
    """Return the IoU of each right detection at a threshold."""
    return np.asarray(matches.overlaps_N[matches.right_TN[AT_50] & (matches.scores_N >= threshold)])


def _mean_overlap(overlaps: Sequence[NDArray[np.float64]]) -> float | None:
    together = np.concatenate(overlaps)
    return float(together.mean()) if len(together) else None


def _map_interval(matched: Matched) -> Interval | None:
    images = len(matched.predictions.detected)
    means = []
    for weights_RI in resamples(images):
        with np.errstate(invalid="ignore"):
            each = [average_precisions(of, weights_RI).mean(axis=0) for of in matched.matches.values()]
        means.append(mean_of_concepts(np.stack(each)))
    return interval_of(np.concatenate(means))


def _accuracy_interval(predictions: DetectionPredictions, concepts: int, measures: Measures) -> Interval | None:
    if measures.accuracy is None:
        return None
    tables_I3 = np.stack(
        [
            matches_at_half(found, truth, concepts).sum(axis=0)
            for found, truth in zip(predictions.detected, predictions.annotated, strict=True)
        ]
    )
    return share_interval(tables_I3[:, 0], tables_I3.sum(axis=1))


def _calibration(matched: Matched) -> Calibration | None:
    scores, right = [], []
    for of in matched.matches.values():
        counted_N = ~of.ignored_TN[AT_50] & (of.scores_N >= LOWEST_SCORE)
        scores.append(of.scores_N[counted_N])
        right.append(of.right_TN[AT_50][counted_N])
    return calibration(np.concatenate(scores), np.concatenate(right))


def _confusion(
    predictions: DetectionPredictions, concepts: tuple[str, ...], limits_K: NDArray[np.float64]
) -> ConfusionMatrix:
    counts = np.zeros((len(concepts) + 1, len(concepts) + 1), dtype=np.int64)
    for found, truth in zip(predictions.detected, predictions.annotated, strict=True):
        pairs = pair(found, truth, limits_K)
        for place, box in pairs.boxes:
            row = len(concepts) if box is None else truth.labels_M[box]
            counts[row, found.labels_N[place]] += 1
        for box in pairs.missed:
            counts[truth.labels_M[box], len(concepts)] += 1
    return ConfusionMatrix(
        rows=(*concepts, NOTHING_THERE),
        columns=(*concepts, MISSED),
        counts=tuple(tuple(row) for row in counts.tolist()),
    )


def _errors(
    predictions: DetectionPredictions, concepts: tuple[str, ...], limits_K: NDArray[np.float64], ids: Sequence[str]
) -> Iterator[LikelyError]:
    for image, found, truth in zip(ids, predictions.detected, predictions.annotated, strict=True):
        for place, box in pair(found, truth, limits_K).boxes:
            annotated = None if box is None else concepts[truth.labels_M[box]]
            predicted = concepts[found.labels_N[place]]
            if annotated != predicted:
                x0, y0, x1, y1 = found.boxes_N4[place].round(2).tolist()
                yield LikelyError(
                    id=image,
                    annotated=annotated,
                    predicted=predicted,
                    score=float(found.scores_N[place]),
                    box=(x0, y0, x1, y1),
                )
