"""Metrics of Tagging: each concept is decided for itself, at a score of 0.5."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tintype_trainer.metrics.measures import (
    ConceptMeasures,
    Measures,
    finite_or_none,
    mean_or_none,
    share_or_none,
)

THRESHOLD: Final = 0.5


def measure_tagging(
    losses_N: NDArray[np.float64],
    scores_NK: NDArray[np.float64],
    shares_NK: NDArray[np.float32],
    concepts: Sequence[str],
) -> Measures:
    """Return the metrics of at least one example.

    Accuracy is the share of right decisions over all examples and concepts; exact match the share of examples all of
    whose decisions are right.

    Args:
        losses_N: Validation loss of each.
        scores_NK: Score of each concept.
        shares_NK: 1 for each concept that holds, else 0.
        concepts: Their names.
    """
    holds_NK = shares_NK >= THRESHOLD
    loss = finite_or_none(float(losses_N.mean()))
    right_NK = (scores_NK >= THRESHOLD) == holds_NK
    each = tuple(
        _concept(name, scores_NK[:, index], holds_NK[:, index], known=loss is not None)
        for index, name in enumerate(concepts)
    )
    return Measures(
        examples=len(losses_N),
        loss=loss,
        accuracy=float(right_NK.mean()) if loss is not None else None,
        mean_average_precision=mean_or_none([concept.average_precision for concept in each]),
        concepts=each,
        exact_match=float(right_NK.all(axis=1).mean()),
    )


def average_precision(scores_N: NDArray[np.float64], holds_N: NDArray[np.bool_]) -> float | None:
    """Return sum_n (R_n - R_(n-1)) P_n over the thresholds, without interpolation, as scikit-learn has it.

    Equal scores are one threshold, so that their order does not matter. None where nothing holds.
    """
    positives = int(holds_N.sum())
    if not positives:
        return None
    order_N = np.argsort(-scores_N, kind="stable")
    right_N = np.cumsum(holds_N[order_N])
    last_of_ties_T = np.append(np.flatnonzero(np.diff(scores_N[order_N])), len(scores_N) - 1)
    right_T = right_N[last_of_ties_T]
    precision_T = right_T / (last_of_ties_T + 1)
    recall_T = right_T / positives
    return float(np.sum(np.diff(recall_T, prepend=0.0) * precision_T))


def _concept(name: str, scores_N: NDArray[np.float64], holds_N: NDArray[np.bool_], *, known: bool) -> ConceptMeasures:
    decided_N = scores_N >= THRESHOLD
    right, support = int((decided_N & holds_N).sum()), int(holds_N.sum())
    return ConceptMeasures(
        name=name,
        support=support,
        average_precision=average_precision(scores_N, holds_N) if known else None,
        precision=share_or_none(right, int(decided_N.sum())),
        recall=share_or_none(right, support),
    )
