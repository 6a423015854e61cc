"""Localisation recall precision error of a detector: 0 is best, 1 is worst (Oksuz et al. 2018; 2021). Pure.

At a threshold, with the matches of IoU tau = 0.5:
LRP = (sum over TP of (1 - IoU) / (1 - tau) + FP + FN) / (TP + FP + FN).
Optimal LRP is its lowest value over all thresholds, and that threshold is the optimal one.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tintype_trainer.metrics.coco_matches import AT_50, ConceptMatches

TAU: Final = 0.5


@dataclass(frozen=True, slots=True)
class Lrp:
    """Optimal LRP of one concept.

    Attributes:
        error: The lowest LRP; 1 where nothing is right at any threshold.
        threshold: Where it is reached; None where nothing is right at any threshold.
        localisation: Mean of 1 - IoU over the right detections there; None without one.
        false_positives: 1 - precision there; None without a detection.
        false_negatives: 1 - recall there.
    """

    error: float
    threshold: float | None
    localisation: float | None
    false_positives: float | None
    false_negatives: float


def optimal_lrp(matches: ConceptMatches) -> Lrp | None:
    """Return the optimal LRP; None where the concept has no box. Of equal errors the highest threshold counts."""
    positives = int(matches.boxes_I.sum())
    if not positives:
        return None
    counted_N = ~matches.ignored_TN[AT_50]
    scores_N, right_N = matches.scores_N[counted_N], matches.right_TN[AT_50][counted_N]
    if not right_N.any():
        return Lrp(1.0, None, None, None, 1.0)
    far_N = np.cumsum(np.where(right_N, 1 - matches.overlaps_N[counted_N], 0.0))
    last_of_ties_T = np.append(np.flatnonzero(np.diff(scores_N)), len(scores_N) - 1)
    errors_T = _errors(far_N, right_N, positives)[last_of_ties_T]
    place = int(last_of_ties_T[int(errors_T.argmin())])
    right = int(right_N[: place + 1].sum())
    return Lrp(
        error=float(errors_T.min()),
        threshold=float(scores_N[place]),
        localisation=float(far_N[place]) / right if right else None,
        false_positives=1 - right / (place + 1),
        false_negatives=1 - right / positives,
    )


def _errors(far_N: NDArray[np.float64], right_N: NDArray[np.bool_], positives: int) -> NDArray[np.float64]:
    """Return LRP with the first 1 to N detections."""
    right_sum_N = np.cumsum(right_N)
    wrong_N = np.arange(1, len(right_N) + 1) - right_sum_N
    return np.asarray((far_N / (1 - TAU) + wrong_N + positives - right_sum_N) / (wrong_N + positives))
