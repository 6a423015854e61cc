"""Which detections are right at COCO's ten overlaps, image by image, and what follows for average precision. Pure.

COCO's matching (cocoeval): in each image and concept, at most 100 detections, the highest score first, each to the free
box that it overlaps most if that is at least the wanted IoU; a box to ignore takes any number of detections, which then
are neither right nor wrong. What is matched depends on its own image alone, so that resampling images matches nothing
anew: `coco_average_precisions` of `metrics.coco` is what these must equal with every weight 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tintype_trainer.metrics.boxes import AnnotatedBoxes, DetectedBoxes, overlaps

OVERLAPS: Final = np.linspace(0.5, 0.95, 10)
AT_50: Final = 0
AT_75: Final = 5
RECALLS: Final = np.linspace(0, 1, 101)
MAX_DETECTIONS: Final = 100
AT_ONCE: Final = 10_000_000
"""Detections of all rows of weights together that are summed up at once, which takes about 200 MB."""
_ALMOST: Final = 1e-10


@dataclass(frozen=True, slots=True)
class ConceptMatches:
    """The detections of one concept on all images, the highest score first.

    Attributes:
        scores_N: Score of each.
        images_N: Index of its image.
        overlaps_N: IoU with the box that it is matched to at IoU 0.5; 0 without one.
        right_TN: Whether it is right, at each of the ten overlaps.
        ignored_TN: Whether it counts neither way.
        boxes_I: How many boxes each image has that are not to be ignored.
    """

    scores_N: NDArray[np.float64]
    images_N: NDArray[np.int64]
    overlaps_N: NDArray[np.float64]
    right_TN: NDArray[np.bool_]
    ignored_TN: NDArray[np.bool_]
    boxes_I: NDArray[np.int64]


def match_concept(
    detected: Sequence[DetectedBoxes], annotated: Sequence[AnnotatedBoxes], concept: int
) -> ConceptMatches:
    """Return the matches of one concept over all images."""
    scores, images, best, right, ignored = [], [], [], [], []
    boxes_I = np.zeros(len(annotated), dtype=np.int64)
    for image, (found, truth) in enumerate(zip(detected, annotated, strict=True)):
        of_concept_M = truth.labels_M == concept
        boxes_I[image] = int((of_concept_M & ~truth.ignored_M).sum())
        boxes_N4, scores_N = _highest(found, concept)
        if not len(scores_N):
            continue
        overlaps_NM = overlaps(boxes_N4, truth.boxes_M4[of_concept_M], truth.ignored_M[of_concept_M])
        right_TN, ignored_TN, best_N = _match(overlaps_NM, truth.ignored_M[of_concept_M])
        scores.append(scores_N)
        images.append(np.full(len(scores_N), image))
        best.append(best_N)
        right.append(right_TN)
        ignored.append(ignored_TN)
    if not scores:
        none = np.zeros((len(OVERLAPS), 0), dtype=np.bool_)
        return ConceptMatches(np.zeros(0), np.zeros(0, dtype=np.int64), np.zeros(0), none, none, boxes_I)
    order_N = np.argsort(-np.concatenate(scores), kind="stable")
    return ConceptMatches(
        scores_N=np.concatenate(scores)[order_N],
        images_N=np.concatenate(images)[order_N],
        overlaps_N=np.concatenate(best)[order_N],
        right_TN=np.concatenate(right, axis=1)[:, order_N],
        ignored_TN=np.concatenate(ignored, axis=1)[:, order_N],
        boxes_I=boxes_I,
    )


def average_precisions(matches: ConceptMatches, weights_RI: NDArray[np.int32]) -> NDArray[np.float64]:
    """Return AP at each of the ten overlaps (T, R) under rows of weights of the images; NaN where no box has weight.

    As COCO: the mean over 101 recalls of the highest precision at that recall or a higher one.
    """
    at_once = max(1, AT_ONCE // max(1, len(matches.images_N)))
    rows = (weights_RI[first : first + at_once] for first in range(0, len(weights_RI), at_once))
    return np.concatenate([_precisions(matches, each_RI) for each_RI in rows], axis=1)


def _precisions(matches: ConceptMatches, weights_RI: NDArray[np.int32]) -> NDArray[np.float64]:
    positives_R = weights_RI @ matches.boxes_I
    drawn_RN = weights_RI[:, matches.images_N]
    all_RN = np.cumsum(drawn_RN, axis=1, dtype=np.int64)
    return np.stack(
        [
            _at_overlap(drawn_RN, all_RN, right_N, ignored_N, positives_R)
            for right_N, ignored_N in zip(matches.right_TN, matches.ignored_TN, strict=True)
        ]
    )


def _highest(found: DetectedBoxes, concept: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    finite_N = np.isfinite(found.scores_N) & np.isfinite(found.boxes_N4).all(axis=1)
    chosen_N = np.flatnonzero(finite_N & (found.labels_N == concept))
    order_N = chosen_N[np.argsort(-found.scores_N[chosen_N], kind="stable")][:MAX_DETECTIONS]
    return found.boxes_N4[order_N], found.scores_N[order_N]


def _match(
    overlaps_NM: NDArray[np.float64], ignored_M: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.float64]]:
    """Return right (T, N), ignored (T, N), and the IoU of each match at 0.5 (N)."""
    right_TN = np.zeros((len(OVERLAPS), len(overlaps_NM)), dtype=np.bool_)
    ignored_TN, best_N = np.zeros_like(right_TN), np.zeros(len(overlaps_NM))
    candidates_N = np.flatnonzero((overlaps_NM >= OVERLAPS[0] - _ALMOST).any(axis=1))
    for level, wanted in enumerate(OVERLAPS):
        free_M = ~ignored_M
        for place in candidates_N:
            reached_M = overlaps_NM[place] >= min(wanted, 1 - _ALMOST)
            if (reached_M & free_M).any():
                box = _last_best(np.where(reached_M & free_M, overlaps_NM[place], -1.0))
                free_M[box] = False
                right_TN[level, place] = True
                if level == AT_50:
                    best_N[place] = overlaps_NM[place, box]
            else:
                ignored_TN[level, place] = bool((reached_M & ignored_M).any())
    return right_TN, ignored_TN, best_N


def _last_best(overlaps_M: NDArray[np.float64]) -> int:
    """Return the place of the largest overlap; of equal ones the last, as cocoeval."""
    return len(overlaps_M) - 1 - int(overlaps_M[::-1].argmax())


def _at_overlap(
    drawn_RN: NDArray[np.int32],
    all_RN: NDArray[np.int64],
    right_N: NDArray[np.bool_],
    ignored_N: NDArray[np.bool_],
    positives_R: NDArray[np.int64],
) -> NDArray[np.float64]:
    # The highest precision from a recall on is always that of a right detection: only those are looked at.
    places_P = np.flatnonzero(right_N)
    right_RP = np.cumsum(drawn_RN[:, places_P], axis=1)
    counted_RP = all_RN[:, places_P]
    if ignored_N.any():
        counted_RP = counted_RP - np.cumsum(drawn_RN * ignored_N, axis=1)[:, places_P]
    precision_RP = right_RP / np.maximum(counted_RP, 1)
    envelope_RP = np.maximum.accumulate(precision_RP[:, ::-1], axis=1)[:, ::-1]
    return np.array([_mean_precision(*each) for each in zip(right_RP, envelope_RP, positives_R.tolist(), strict=True)])


def _mean_precision(right_P: NDArray[np.int64], envelope_P: NDArray[np.float64], positives: int) -> float:
    if not positives:
        return float("nan")
    places = np.searchsorted(right_P / positives, RECALLS, side="left")
    return float(envelope_P[places[places < len(envelope_P)]].sum() / len(RECALLS))
