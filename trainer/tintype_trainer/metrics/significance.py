"""Whether a difference between two versions is more than chance. Pure."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

LEVEL: Final = 0.05
"""Below it a difference is called more than chance, as is usual."""


def mcnemar_exact(only_first: int, only_second: int) -> float:
    """Return the two-sided p-value of McNemar's exact test.

    Under the hypothesis that neither is better, an example that only one of two versions decides rightly is as likely
    the one's as the other's: the smaller count is a draw of Binomial(only_first + only_second, 1/2), and p is twice the
    probability of at most that count, at most 1. (McNemar 1947, Psychometrika 12; exact form: Agresti 2013, Categorical
    Data Analysis, 11.1.)

    Args:
        only_first: Examples that the first decides rightly and the second does not.
        only_second: The reverse.
    """
    pairs = only_first + only_second
    term = total = 1
    for drawn in range(1, min(only_first, only_second) + 1):
        term = term * (pairs - drawn + 1) // drawn
        total += term
    return min(1.0, total / (1 << (pairs - 1))) if pairs else 1.0


def bootstrap_p(changes_R: NDArray[np.float64]) -> float | None:
    """Return the two-sided p-value of a change from its paired resamples; None where most of them do not have it.

    Twice the smaller of the shares of resamples in which the change is at most and at least 0, at most 1: the level at
    which the percentile interval just reaches 0 (Efron and Tibshirani 1993, An Introduction to the Bootstrap, 15.4);
    one is added to both counts, so that no finite number of draws gives 0 (Davison and Hinkley 1997, Bootstrap Methods
    and their Application, 4.11).

    Args:
        changes_R: The change in each resample of the same examples for both versions; NaN where it has none.
    """
    known = changes_R[np.isfinite(changes_R)]
    if 2 * len(known) <= len(changes_R):
        return None
    smaller = min(int((known <= 0).sum()), int((known >= 0).sum()))
    return min(1.0, 2 * (smaller + 1) / (len(known) + 1))
