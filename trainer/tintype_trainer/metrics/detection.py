"""Metrics of Detection: COCO's average precision, and an accuracy at one score and one overlap.

Accuracy is our own definition: TP / (TP + FP + FN) over detections of a score of at least 0.5, each matched, highest
score first, to the annotated box of its concept that it overlaps most, if that is at least 0.5 of IoU and not taken. A
detection on an ignored box is neither right nor wrong.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tintype_trainer.metrics.boxes import AnnotatedBoxes, DetectedBoxes, overlaps
from tintype_trainer.metrics.coco import coco_average_precisions
from tintype_trainer.metrics.measures import (
    ConceptMeasures,
    Measures,
    finite_or_none,
    mean_or_none,
    share_or_none,
)

SCORE: Final = 0.5
OVERLAP: Final = 0.5


def measure_detection(
    losses_N: NDArray[np.float64],
    detected: Sequence[DetectedBoxes],
    annotated: Sequence[AnnotatedBoxes],
    concepts: Sequence[str],
) -> Measures:
    """Return the metrics of at least one image.

    Args:
        losses_N: Validation loss of each image.
        detected: What was detected on each.
        annotated: What is annotated on each.
        concepts: Names of the concepts.
    """
    loss = finite_or_none(float(losses_N.mean()))
    counts_K3 = sum(
        (matches(found, truth, len(concepts)) for found, truth in zip(detected, annotated, strict=True)),
        start=np.zeros((len(concepts), 3), dtype=np.int64),
    )
    precisions = coco_average_precisions(detected, annotated, len(concepts))
    each = tuple(
        _concept(name, counts_3, ap if loss is not None else None)
        for name, counts_3, ap in zip(concepts, counts_K3, precisions, strict=True)
    )
    right, wrong, missed = (int(number) for number in counts_K3.sum(axis=0))
    return Measures(
        examples=len(detected),
        loss=loss,
        accuracy=share_or_none(right, right + wrong + missed) if loss is not None else None,
        mean_average_precision=mean_or_none([concept.average_precision for concept in each]),
        concepts=each,
    )


def matches(detected: DetectedBoxes, annotated: AnnotatedBoxes, concepts: int) -> NDArray[np.int64]:
    """Return (K, 3): right detections, wrong ones and missed boxes of each concept on one image."""
    table_K3 = np.zeros((concepts, 3), dtype=np.int64)
    sure_N = detected.scores_N >= SCORE
    for concept in np.union1d(detected.labels_N[sure_N], annotated.labels_M):
        found_N = sure_N & (detected.labels_N == concept)
        truth_M = annotated.labels_M == concept
        table_K3[concept] = _match(
            detected.boxes_N4[found_N],
            detected.scores_N[found_N],
            annotated.boxes_M4[truth_M],
            annotated.ignored_M[truth_M],
        )
    return table_K3


def _match(
    boxes_N4: NDArray[np.float64],
    scores_N: NDArray[np.float64],
    truth_M4: NDArray[np.float64],
    ignored_M: NDArray[np.bool_],
) -> tuple[int, int, int]:
    free_M = ~ignored_M
    if not len(boxes_N4) or not len(truth_M4):
        return 0, len(boxes_N4), int(free_M.sum())
    overlaps_NM = overlaps(boxes_N4, truth_M4, ignored_M)
    right = wrong = 0
    for place in np.argsort(-scores_N, kind="stable"):
        candidates_M = np.where(free_M & (overlaps_NM[place] >= OVERLAP), overlaps_NM[place], 0.0)
        if candidates_M.any():
            free_M[candidates_M.argmax()] = False
            right += 1
        elif not (ignored_M & (overlaps_NM[place] >= OVERLAP)).any():
            wrong += 1
    return right, wrong, int(free_M.sum())


def _concept(name: str, counts_3: NDArray[np.int64], average_precision: float | None) -> ConceptMeasures:
    right, wrong, missed = (int(number) for number in counts_3)
    support = right + missed
    return ConceptMeasures(
        name=name,
        support=support,
        average_precision=average_precision,
        precision=share_or_none(right, right + wrong),
        recall=share_or_none(right, support),
    )
