"""From scores and thresholds to decisions, and what they are worth. Pure.

A decision for a concept is a score of at least its threshold. Precision = TP / (TP + FP), recall = TP / (TP + FN),
F1 = 2 TP / (2 TP + FP + FN) (van Rijsbergen 1979); a number that no example allows is None.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tintype_trainer.metrics.measures import mean_or_none, share_or_none

USUAL_THRESHOLD: Final = 0.5


@dataclass(frozen=True, slots=True)
class Counts:
    """Decisions for one concept, counted.

    Attributes:
        right: True positives.
        wrong: False positives.
        missed: False negatives.
    """

    right: int
    wrong: int
    missed: int

    @property
    def precision(self) -> float | None:
        """Share of right ones among the decisions for it."""
        return share_or_none(self.right, self.right + self.wrong)

    @property
    def recall(self) -> float | None:
        """Share of its examples that were decided for it."""
        return share_or_none(self.right, self.right + self.missed)

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall; None where nothing is annotated and nothing decided."""
        return share_or_none(2 * self.right, 2 * self.right + self.wrong + self.missed)


@dataclass(frozen=True, slots=True)
class Means:
    """Precision, recall and F1 of several concepts together."""

    precision: float | None
    recall: float | None
    f1: float | None


def micro_mean(counts: Sequence[Counts]) -> Means:
    """Return the figures of all decisions taken together."""
    total = Counts(
        sum(each.right for each in counts), sum(each.wrong for each in counts), sum(each.missed for each in counts)
    )
    return Means(total.precision, total.recall, total.f1)


def macro_mean(counts: Sequence[Counts]) -> Means:
    """Return the unweighted means over the concepts that have examples; a precision that no decision allows is 0."""
    there = [each for each in counts if each.right + each.missed]
    return Means(
        mean_or_none([each.precision or 0.0 for each in there]),
        mean_or_none([each.recall for each in there]),
        mean_or_none([each.f1 for each in there]),
    )


def counts_at(scores_N: NDArray[np.float64], holds_N: NDArray[np.bool_], threshold: float) -> Counts:
    """Return the decisions at a threshold; a score that is no number decides for nothing."""
    decided_N = scores_N >= threshold
    right = int((decided_N & holds_N).sum())
    return Counts(right, int(decided_N.sum()) - right, int(holds_N.sum()) - right)


def f1_optimal_threshold(scores_N: NDArray[np.float64], right_N: NDArray[np.bool_], positives: int) -> float:
    """Return the threshold with the highest F1, midway between the neighbouring scores.

    Of equal F1 the highest threshold is taken, which decides for the fewest. Below the lowest score lies 0. 0.5 where
    there are no positives or no scores.

    Args:
        scores_N: Scores; one that is no number decides for nothing at any threshold.
        right_N: Whether a decision for it is right.
        positives: How many could be right; more than `right_N` has where some are in no score at all.
    """
    known_N = np.isfinite(scores_N)
    order_N = np.argsort(-scores_N[known_N], kind="stable")
    sorted_N, right_sorted_N = scores_N[known_N][order_N], right_N[known_N][order_N]
    if not positives or not right_sorted_N.any():
        return USUAL_THRESHOLD
    last_of_ties_T = np.append(np.flatnonzero(np.diff(sorted_N)), len(sorted_N) - 1)
    # F1 is 2 TP / (decided + positives).
    f1_T = 2 * np.cumsum(right_sorted_N)[last_of_ties_T] / (last_of_ties_T + 1 + positives)
    best = last_of_ties_T[int(f1_T.argmax())]
    below = sorted_N[best + 1] if best + 1 < len(sorted_N) else 0.0
    return float((sorted_N[best] + below) / 2)
