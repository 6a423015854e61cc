"""Boxes that were detected and boxes that are annotated, in pixels of the original picture."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class DetectedBoxes:
    """What a detector says of one image.

    Attributes:
        boxes_N4: x0 y0 x1 y1.
        scores_N: Score of each, highest first.
        labels_N: Index of its concept.
    """

    boxes_N4: NDArray[np.float64]
    scores_N: NDArray[np.float64]
    labels_N: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class AnnotatedBoxes:
    """What is annotated on one image.

    Attributes:
        boxes_M4: x0 y0 x1 y1.
        labels_M: Index of its concept.
        ignored_M: Whether a detection on it is neither right nor wrong.
    """

    boxes_M4: NDArray[np.float64]
    labels_M: NDArray[np.int64]
    ignored_M: NDArray[np.bool_]


def areas(boxes_N4: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the area of each box (N)."""
    sides_N2 = boxes_N4[:, 2:] - boxes_N4[:, :2]
    return np.asarray(sides_N2.prod(axis=1))


def intersections(boxes_N4: NDArray[np.float64], others_M4: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the area that each box shares with each other (N, M)."""
    upper_left_NM2 = np.maximum(boxes_N4[:, None, :2], others_M4[None, :, :2])
    lower_right_NM2 = np.minimum(boxes_N4[:, None, 2:], others_M4[None, :, 2:])
    return np.asarray((lower_right_NM2 - upper_left_NM2).clip(min=0).prod(axis=2))


def overlaps(
    boxes_N4: NDArray[np.float64], others_M4: NDArray[np.float64], crowds_M: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the IoU of each box with each other (N, M); with a crowd the share of the box that lies in it, as COCO."""
    shared_NM = intersections(boxes_N4, others_M4)
    own_N1, other_1M = areas(boxes_N4)[:, None], areas(others_M4)[None, :]
    whole_NM = np.where(crowds_M[None, :], own_N1, own_N1 + other_1M - shared_NM)
    return np.divide(shared_NM, whole_NM, out=np.zeros_like(shared_NM), where=whole_NM > 0)
