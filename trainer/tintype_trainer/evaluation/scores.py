"""Evaluation of Classification and Tagging, whose networks give each concept a score. Pure.

A score that is no number decides for nothing and stands below all others.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tintype_api.spec.view import ViewType
from tintype_trainer.evaluation.document import (
    ConceptEvaluation,
    ConfusionMatrix,
    IntervalDocument,
    LikelyError,
    SplitEvaluation,
)
from tintype_trainer.evaluation.parts import (
    calibration_document,
    curve_document,
    interval_document,
    rates,
    surest,
)
from tintype_trainer.learners.predictions import ScorePredictions
from tintype_trainer.metrics.bootstrap import Interval, interval_of, mean_of_concepts, resamples, share_interval
from tintype_trainer.metrics.calibration import calibration
from tintype_trainer.metrics.curves import precision_recall_curve, weighted_average_precisions
from tintype_trainer.metrics.decisions import (
    USUAL_THRESHOLD,
    Counts,
    counts_at,
    f1_optimal_threshold,
    macro_mean,
    micro_mean,
)
from tintype_trainer.metrics.measures import Measures
from tintype_trainer.metrics.tagging import average_precision

REJECTS_NOTHING: Final = 0.0
NONE: Final = "none"


def default_score_thresholds(view_type: ViewType, concepts: Sequence[str]) -> dict[str, float]:
    """Return the thresholds where nothing chooses them: Classification rejects nothing, Tagging decides at 0.5."""
    usual = REJECTS_NOTHING if view_type is ViewType.CLASSIFICATION else USUAL_THRESHOLD
    return dict.fromkeys(concepts, usual)


def best_score_thresholds(
    view_type: ViewType, predictions: ScorePredictions, concepts: Sequence[str]
) -> dict[str, float]:
    """Return Tagging's F1-optimal threshold of each concept; in Classification the highest score decides."""
    if view_type is ViewType.CLASSIFICATION:
        return default_score_thresholds(view_type, concepts)
    scores_NK, holds_NK = _known(predictions.scores_NK), _holds(predictions)
    return {
        name: f1_optimal_threshold(scores_NK[:, place], holds_NK[:, place], int(holds_NK[:, place].sum()))
        for place, name in enumerate(concepts)
    }


def evaluate_classification(
    predictions: ScorePredictions,
    measures: Measures,
    thresholds: dict[str, float],
    ids: Sequence[str],
    *,
    chosen_here: bool,
) -> SplitEvaluation:
    """Return the evaluation of a split of a Classification view.

    Args:
        predictions: What the network says of each example.
        measures: Their metrics.
        thresholds: Of each concept, in the spec's order; a decision below its threshold is "none".
        ids: Of the examples.
        chosen_here: Whether the thresholds are the best on this very split.
    """
    concepts = tuple(thresholds)
    scores_NK, labels_N = _known(predictions.scores_NK), predictions.shares_NK.argmax(axis=1)
    decisions_N, top_N = scores_NK.argmax(axis=1), scores_NK.max(axis=1)
    accepted_N = top_N >= np.array(list(thresholds.values()))[decisions_N]
    matrix_KC = _matrix(labels_N, np.where(accepted_N, decisions_N, len(concepts)), len(concepts))
    counts = [_of_matrix(matrix_KC, place) for place in range(len(concepts))]
    right_N = decisions_N == labels_N
    return SplitEvaluation(
        examples=measures.examples,
        loss=measures.loss,
        accuracy=measures.accuracy,
        accuracy_interval=_share_interval(right_N.astype(np.int64), np.ones_like(labels_N), measures),
        thresholds_chosen_here=chosen_here,
        concepts_without_examples=measures.concepts_without_examples,
        micro=rates(micro_mean(counts)),
        macro=rates(macro_mean(counts)),
        per_concept=tuple(
            _concept(name, scores_NK[:, place], labels_N == place, thresholds[name], counts[place])
            for place, name in enumerate(concepts)
        ),
        confusion_matrix=_confusion_matrix(concepts, matrix_KC),
        calibration=calibration_document(calibration(top_N, right_N)),
        likely_errors=surest(
            LikelyError(
                id=ids[int(place)],
                annotated=concepts[labels_N[place]],
                predicted=concepts[decisions_N[place]],
                score=float(top_N[place]),
            )
            for place in np.flatnonzero(accepted_N & ~right_N)
        ),
    )


def _matrix(labels_N: NDArray[np.int64], decisions_N: NDArray[np.int64], concepts: int) -> NDArray[np.int64]:
    """Count examples by annotated concept and decision, (K, K + 1); the last column is no decision."""
    matrix_KC = np.zeros((concepts, concepts + 1), dtype=np.int64)
    np.add.at(matrix_KC, (labels_N, decisions_N), 1)
    return matrix_KC


def _confusion_matrix(concepts: tuple[str, ...], matrix_KC: NDArray[np.int64]) -> ConfusionMatrix:
    counts = tuple(tuple(row) for row in matrix_KC.tolist())
    return ConfusionMatrix(rows=concepts, columns=(*concepts, NONE), counts=counts)


def evaluate_tagging(
    predictions: ScorePredictions,
    measures: Measures,
    thresholds: dict[str, float],
    ids: Sequence[str],
    *,
    chosen_here: bool,
) -> SplitEvaluation:
    """Return the evaluation of a split of a Tagging view; arguments as `evaluate_classification` has them."""
    concepts = tuple(thresholds)
    scores_NK, holds_NK = _known(predictions.scores_NK), _holds(predictions)
    limits_K = np.array(list(thresholds.values()))
    counts = [counts_at(scores_NK[:, k], holds_NK[:, k], limit) for k, limit in enumerate(limits_K.tolist())]
    right_NK = (scores_NK >= USUAL_THRESHOLD) == holds_NK
    all_N = np.full(len(right_NK), right_NK.shape[1])
    precision = _mean_interval(scores_NK, holds_NK) if measures.mean_average_precision is not None else None
    return SplitEvaluation(
        examples=measures.examples,
        loss=measures.loss,
        accuracy=measures.accuracy,
        accuracy_interval=_share_interval(right_NK.sum(axis=1), all_N, measures),
        mean_average_precision=measures.mean_average_precision,
        mean_average_precision_interval=interval_document(precision),
        exact_match=measures.exact_match,
        thresholds_chosen_here=chosen_here,
        concepts_without_examples=measures.concepts_without_examples,
        micro=rates(micro_mean(counts)),
        macro=rates(macro_mean(counts)),
        per_concept=tuple(
            _tag(name, scores_NK[:, place], holds_NK[:, place], thresholds[name], counts[place])
            for place, name in enumerate(concepts)
        ),
        likely_errors=surest(_wrong_tags(scores_NK, holds_NK, limits_K, concepts, ids)),
    )


def _tag(
    name: str, scores_N: NDArray[np.float64], holds_N: NDArray[np.bool_], threshold: float, counts: Counts
) -> ConceptEvaluation:
    plain = _concept(name, scores_N, holds_N, threshold, counts)
    return plain.model_copy(update={"calibration": calibration_document(calibration(scores_N, holds_N))})


def _concept(
    name: str, scores_N: NDArray[np.float64], holds_N: NDArray[np.bool_], threshold: float, counts: Counts
) -> ConceptEvaluation:
    return ConceptEvaluation(
        name=name,
        support=int(holds_N.sum()),
        threshold=threshold,
        true_positives=counts.right,
        false_positives=counts.wrong,
        false_negatives=counts.missed,
        precision=counts.precision,
        recall=counts.recall,
        f1=counts.f1,
        average_precision=average_precision(scores_N, holds_N),
        curve=curve_document(precision_recall_curve(scores_N, holds_N, int(holds_N.sum()))),
    )


def _wrong_tags(
    scores_NK: NDArray[np.float64],
    holds_NK: NDArray[np.bool_],
    limits_K: NDArray[np.float64],
    concepts: Sequence[str],
    ids: Sequence[str],
) -> Iterable[LikelyError]:
    wrong_NK = ((scores_NK >= limits_K) != holds_NK) & np.isfinite(scores_NK)
    for place, concept in np.argwhere(wrong_NK):
        name, score, held = concepts[concept], float(scores_NK[place, concept]), bool(holds_NK[place, concept])
        yield LikelyError(
            id=ids[place],
            annotated=name if held else None,
            predicted=None if held else name,
            score=1 - score if held else score,
        )


def _of_matrix(matrix_KC: NDArray[np.int64], place: int) -> Counts:
    right = int(matrix_KC[place, place])
    return Counts(right, int(matrix_KC[:, place].sum()) - right, int(matrix_KC[place].sum()) - right)


def _share_interval(
    right_N: NDArray[np.int64], all_N: NDArray[np.int64], measures: Measures
) -> IntervalDocument | None:
    return interval_document(share_interval(right_N, all_N)) if measures.accuracy is not None else None


def _mean_interval(scores_NK: NDArray[np.float64], holds_NK: NDArray[np.bool_]) -> Interval | None:
    return interval_of(
        np.concatenate(
            [
                mean_of_concepts(
                    np.stack(
                        [
                            weighted_average_precisions(scores_NK[:, k], holds_NK[:, k], weights_RN)
                            for k in range(scores_NK.shape[1])
                        ]
                    )
                )
                for weights_RN in resamples(len(scores_NK))
            ]
        )
    )


def _known(scores_NK: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(np.isfinite(scores_NK), scores_NK, -np.inf)


def _holds(predictions: ScorePredictions) -> NDArray[np.bool_]:
    return np.asarray(predictions.shares_NK >= USUAL_THRESHOLD)
