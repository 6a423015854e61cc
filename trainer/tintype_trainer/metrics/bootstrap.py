"""95 % intervals by resampling whole images (Efron and Tibshirani 1993, the percentile method). Pure.

An image is drawn with all that was decided on it, since its decisions are not independent. 1,000 resamples; 200 above
2,000 images. The draws are those of one seed, so that equal predictions give equal intervals.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

SEED: Final = 0
RESAMPLES: Final = 1000
FEW_RESAMPLES: Final = 200
MANY_IMAGES: Final = 2000
_AT_ONCE: Final = 100


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95 % interval, and how many resamples it is from."""

    lower: float
    upper: float
    resamples: int


def resample_count(images: int) -> int:
    """Return how many resamples are made of so many images."""
    return FEW_RESAMPLES if images > MANY_IMAGES else RESAMPLES


def resamples(images: int) -> Iterator[NDArray[np.int32]]:
    """Yield how often each image is drawn, (R, images), a hundred resamples at a time."""
    random = np.random.default_rng(SEED)
    for _ in range(resample_count(images) // _AT_ONCE):
        drawn_RN = random.integers(0, images, (_AT_ONCE, images))
        yield np.stack([np.bincount(drawn_N, minlength=images).astype(np.int32) for drawn_N in drawn_RN])


def interval_of(values_R: NDArray[np.float64]) -> Interval | None:
    """Return the interval of a figure over all resamples; None where most of them do not have it."""
    known = values_R[np.isfinite(values_R)]
    if 2 * len(known) <= len(values_R):
        return None
    lower, upper = np.quantile(known, [0.025, 0.975])
    return Interval(float(lower), float(upper), len(values_R))


def share_interval(right_N: NDArray[np.int64], all_N: NDArray[np.int64]) -> Interval | None:
    """Return the interval of sum(right) / sum(all), each image having a number of both."""
    drawn = (weights_RN for weights_RN in resamples(len(all_N)))
    with np.errstate(invalid="ignore", divide="ignore"):
        return interval_of(np.concatenate([(weights @ right_N) / (weights @ all_N) for weights in drawn]))


def mean_of_concepts(values_KR: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean over the concepts that have a figure, for each resample; NaN where none has."""
    known_KR = np.isfinite(values_KR)
    counts_R = known_KR.sum(axis=0)
    sums_R = np.where(known_KR, values_KR, 0.0).sum(axis=0)
    return np.asarray(np.divide(sums_R, counts_R, out=np.full(len(counts_R), np.nan), where=counts_R > 0))
