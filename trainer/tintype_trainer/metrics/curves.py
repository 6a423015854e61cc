"""Precision over recall, and average precision under weights of the examples, for resampling. Pure."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

POINTS: Final = 200


@dataclass(frozen=True, slots=True)
class Curve:
    """Precision and recall at falling thresholds, at most 200 of them; each tuple has one number a threshold."""

    thresholds: tuple[float, ...]
    precision: tuple[float, ...]
    recall: tuple[float, ...]


def precision_recall_curve(scores_N: NDArray[np.float64], right_N: NDArray[np.bool_], positives: int) -> Curve | None:
    """Return precision and recall at each score, equal scores being one threshold; None without positives or scores.

    Args:
        scores_N: Scores; those that are no numbers are left out.
        right_N: Whether a decision for it is right.
        positives: How many could be right.
    """
    known_N = np.isfinite(scores_N)
    order_N = np.argsort(-scores_N[known_N], kind="stable")
    sorted_N, right_sorted_N = scores_N[known_N][order_N], right_N[known_N][order_N]
    if not positives or not len(sorted_N):
        return None
    places_T = _evenly(np.append(np.flatnonzero(np.diff(sorted_N)), len(sorted_N) - 1))
    right_T = np.cumsum(right_sorted_N)[places_T]
    return Curve(
        thresholds=tuple(sorted_N[places_T].tolist()),
        precision=tuple((right_T / (places_T + 1)).tolist()),
        recall=tuple((right_T / positives).tolist()),
    )


def weighted_average_precisions(
    scores_N: NDArray[np.float64], holds_N: NDArray[np.bool_], weights_RN: NDArray[np.int32]
) -> NDArray[np.float64]:
    """Return scikit-learn's average precision (R) under each row of weights; NaN where nothing that holds has weight.

    Args:
        scores_N: Score of each example.
        holds_N: Whether the concept holds of it.
        weights_RN: How often each example is drawn, in each resample.
    """
    order_N = np.argsort(-scores_N, kind="stable")
    last_of_ties_T = np.append(np.flatnonzero(np.diff(scores_N[order_N])), len(scores_N) - 1)
    drawn_RN = weights_RN[:, order_N]
    decided_RT = np.cumsum(drawn_RN, axis=1)[:, last_of_ties_T]
    right_RT = np.cumsum(drawn_RN * holds_N[order_N], axis=1)[:, last_of_ties_T]
    gained_RT = np.diff(right_RT, axis=1, prepend=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        precision_RT = np.where(decided_RT > 0, right_RT / decided_RT, 0.0)
        return np.asarray((gained_RT * precision_RT).sum(axis=1) / right_RT[:, -1])


def _evenly(places_T: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return at most 200 of the places, evenly, the first and the last among them."""
    if len(places_T) <= POINTS:
        return places_T
    return np.asarray(places_T[np.linspace(0, len(places_T) - 1, POINTS).round().astype(np.int64)])
