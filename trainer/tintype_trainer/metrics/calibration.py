"""Whether scores are probabilities: the reliability table and the expected calibration error. Pure.

ECE = sum over bins of n_b / N * |share of right ones in b - mean score of b|, over fifteen bins of equal width (Naeini,
Cooper, Hauskrecht 2015; Guo et al. 2017).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

BINS: Final = 15


@dataclass(frozen=True, slots=True)
class Bin:
    """The decisions whose score lies in one bin: above `lower`, at most `upper`; the first bin has 0 as well.

    Attributes:
        lower: Lower end.
        upper: Upper end.
        count: How many.
        score: Their mean score.
        right: The share of them that is right.
    """

    lower: float
    upper: float
    count: int
    score: float
    right: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """How far scores are from shares of right ones.

    Attributes:
        error: The expected calibration error, 0 to 1.
        bins: Those that are not empty.
    """

    error: float
    bins: tuple[Bin, ...]


def calibration(scores_N: NDArray[np.float64], right_N: NDArray[np.bool_]) -> Calibration | None:
    """Return the calibration of scores in 0 to 1; None without a score. Scores that are no numbers are left out."""
    known_N = np.isfinite(scores_N)
    scores_M, right_M = scores_N[known_N].clip(0, 1), right_N[known_N]
    if not len(scores_M):
        return None
    edges = np.linspace(0, 1, BINS + 1)
    places_M = np.clip(np.searchsorted(edges, scores_M, side="left") - 1, 0, BINS - 1)
    bins = tuple(_bin(edges, place, scores_M, right_M, places_M == place) for place in np.unique(places_M))
    error = sum(each.count * abs(each.right - each.score) for each in bins) / len(scores_M)
    return Calibration(error, bins)


def _bin(
    edges: NDArray[np.float64],
    place: int,
    scores_M: NDArray[np.float64],
    right_M: NDArray[np.bool_],
    inside_M: NDArray[np.bool_],
) -> Bin:
    return Bin(
        lower=float(edges[place]),
        upper=float(edges[place + 1]),
        count=int(inside_M.sum()),
        score=float(scores_M[inside_M].mean()),
        right=float(right_M[inside_M].mean()),
    )
