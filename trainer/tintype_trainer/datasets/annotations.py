"""What every format comes down to: images with annotations, and boxes that are checked. Pure."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeGuard

from tintype_trainer.datasets.dataset import Region, Split

OVERSHOOT: Final = 1e-3
"""How far beyond the picture a box may reach, as a share: the rounding of other programs, which is clipped."""
_FLOATS: Final = {float}


class BrokenBoxError(Exception):
    """A box is none; the message says what is wrong with it, as the end of a sentence."""


@dataclass(frozen=True, slots=True)
class Annotation:
    """One annotation of an image.

    Attributes:
        holds: Whether each concept holds that it names; empty where somebody looked and found none.
        bbox: What it says to be the box of its region: left, top, right and bottom as shares of the width and height of
            the picture, not checked; None where it is about the whole image.
        ignore: Whether its region is a crowd (COCO), which is neither trained on nor right or wrong.
    """

    holds: Mapping[str, bool]
    bbox: Any = None
    ignore: bool = False


@dataclass(frozen=True, slots=True)
class AnnotatedImage:
    """One image of a data set, as its format gives it.

    Attributes:
        where: Where it stands, such as "line 7", for messages.
        name: Its name within the data set.
        uri: Where its picture is.
        split: The set that the data set puts it in.
        annotations: What is said of it.
        metadata: What else is said of it, for groups.
    """

    where: str
    name: str
    uri: str
    split: Split
    annotations: Sequence[Annotation]
    metadata: Mapping[str, Any]


def region_of(bbox: Any) -> Region:  # noqa: ANN401  # it is what a user's file holds
    """Return the box [left, top, right, bottom] as a region, clipped where it reaches a little beyond the picture.

    Raises:
        BrokenBoxError: where it is not four numbers, reaches beyond the picture by more than a thousandth of its width
            or height, or is empty.
    """
    if isinstance(bbox, list) and len(bbox) == 4:
        # Nearly all are right; told by themselves they take a third of the time, which a million lines are made of.
        left, top, right, bottom = bbox
        if (
            {type(left), type(top), type(right), type(bottom)} == _FLOATS
            and 0 <= left < right <= 1
            and 0 <= top < bottom <= 1
        ):
            return Region(left, top, right, bottom)
    if not isinstance(bbox, list | tuple) or len(bbox) != 4 or not all(is_number(value) for value in bbox):
        raise BrokenBoxError("is not [left, top, right, bottom], four numbers")
    x0, y0, x1, y1 = (min(1.0, max(0.0, float(value))) for value in bbox)
    if min(bbox) < -OVERSHOOT or max(bbox) > 1 + OVERSHOOT:
        raise BrokenBoxError(f"{_shown(bbox)} reaches beyond the picture, whose sides are 0 and 1")
    if x0 >= x1 or y0 >= y1:
        raise BrokenBoxError(f"{_shown(bbox)} is empty; left must be less than right and top less than bottom")
    return Region(x0, y0, x1, y1)


def is_number(value: object) -> TypeGuard[int | float]:
    """Return whether a value of JSON is a number that is finite as a float."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def _shown(bbox: Sequence[float]) -> str:
    return "[" + ", ".join(f"{value:.6g}" for value in bbox) + "]"
