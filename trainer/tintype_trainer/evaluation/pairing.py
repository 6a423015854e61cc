"""Which decided box of an image is which annotated one, over all concepts, for the confusion matrix. Pure.

First the boxes of each concept as COCO matches them at IoU 0.5; what is left on both sides is matched over concepts,
the highest score first, to the free box that it overlaps most, from the same IoU on.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tintype_trainer.metrics.boxes import AnnotatedBoxes, DetectedBoxes, overlaps
from tintype_trainer.metrics.coco_matches import OVERLAPS


@dataclass(frozen=True, slots=True)
class Pairs:
    """The decided boxes of one image.

    Attributes:
        boxes: For each decided box, its index in the detections and that of its annotated box, None where nothing is.
        missed: Indices of the annotated boxes that none of them is.
    """

    boxes: tuple[tuple[int, int | None], ...]
    missed: tuple[int, ...]


def pair(found: DetectedBoxes, truth: AnnotatedBoxes, thresholds_K: NDArray[np.float64]) -> Pairs:
    """Return the pairs of an image; boxes that lie on one to be ignored are in none.

    Args:
        found: What was detected.
        truth: What is annotated.
        thresholds_K: From which score on each concept is decided for.
    """
    decided = np.flatnonzero(found.scores_N >= thresholds_K[found.labels_N])
    decided = decided[np.argsort(-found.scores_N[decided], kind="stable")]
    overlaps_NM = overlaps(found.boxes_N4[decided], truth.boxes_M4, truth.ignored_M)
    same_NM = found.labels_N[decided][:, None] == truth.labels_M[None, :]
    free_M = ~truth.ignored_M
    box_of: dict[int, int] = {}
    for allowed_NM in (same_NM, np.ones_like(same_NM)):
        _match_free(range(len(decided)), np.where(allowed_NM, overlaps_NM, 0.0), free_M, box_of)
    on_ignored_N = ((overlaps_NM >= OVERLAPS[0]) & truth.ignored_M[None, :]).any(axis=1)
    boxes = tuple(
        (int(decided[place]), box_of.get(place))
        for place in range(len(decided))
        if place in box_of or not on_ignored_N[place]
    )
    return Pairs(boxes, tuple(np.flatnonzero(free_M).tolist()))


def _match_free(
    places: Sequence[int], overlaps_NM: NDArray[np.float64], free_M: NDArray[np.bool_], box_of: dict[int, int]
) -> None:
    """Match what is in no pair yet to free boxes; both are changed in place."""
    for place in places:
        reached_M = np.where(free_M, overlaps_NM[place], 0.0)
        if place not in box_of and len(reached_M) and reached_M.max() >= OVERLAPS[0]:
            box_of[place] = int(reached_M.argmax())
            free_M[box_of[place]] = False
