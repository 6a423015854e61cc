"""Operations that need boxes: cut-outs, and changes of the inside of boxes alone. Pure.

The paper states lengths in pixels of pictures of about 640 pixels; here they are shares of the larger side, so that
small pictures are not emptied.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np

from tintype_trainer.pixels.images import Picture
from tintype_trainer.pixels.samples import Sample

PAPER_SIDE: Final = 640
CUTOUT_MOST: Final = 100 / PAPER_SIDE
"""Half the side of the square cut out of a picture, as a share of its larger side."""
CUTOUT_BOX_MOST: Final = 50 / PAPER_SIDE
"""The same inside of a box, as a share of the picture's larger side."""
CUTOUT_OF_BOX_MOST: Final = 0.75
"""Half the sides of what is cut out at a box, as a share of half of the box's sides."""
GREY: Final = 128

Change = Callable[[Picture, np.random.Generator], Picture]


def larger_side(picture: Picture) -> int:
    """Return the larger side in pixels."""
    return int(max(picture.shape[:2]))


def cutout(picture: Picture, half_side: float, random: np.random.Generator) -> Picture:
    """Return the picture with a grey square around a random place, cut off at the borders."""
    height, width, _ = picture.shape
    centre = (int(random.integers(width)), int(random.integers(height)))
    return _filled(picture, centre, (round(half_side), round(half_side)))


def cutout_in_box(sample: Sample, strength: float, random: np.random.Generator) -> Sample:
    """Return the sample with a grey rectangle around a random place of one of its boxes, in the box's proportions."""
    if not len(sample.boxes_N4):
        return sample
    left, top, right, bottom = _whole_pixels(sample, int(random.integers(len(sample.boxes_N4))))
    centre = (int(random.integers(left, right)), int(random.integers(top, bottom)))
    share = strength * CUTOUT_OF_BOX_MOST
    half = (max(1, int(share * (right - left) / 2)), max(1, int(share * (bottom - top) / 2)))
    return replace(sample, picture=_filled(sample.picture, centre, half))


def only_in_boxes(sample: Sample, probability: float, change: Change, random: np.random.Generator) -> Sample:
    """Return the sample with the inside of each box changed, by a probability of each; the boxes stay."""
    picture = sample.picture.copy()
    for number in range(len(sample.boxes_N4)):
        if random.random() < probability:
            left, top, right, bottom = _whole_pixels(sample, number)
            picture[top:bottom, left:right] = change(picture[top:bottom, left:right].copy(), random)
    return replace(sample, picture=picture)


def _filled(picture: Picture, centre_xy: tuple[int, int], half_xy: tuple[int, int]) -> Picture:
    (x, y), (across, down) = centre_xy, half_xy
    filled = picture.copy()
    filled[max(0, y - down) : y + down, max(0, x - across) : x + across] = GREY
    return filled


def _whole_pixels(sample: Sample, number: int) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom of the pixels that a box touches, one each way at least."""
    height, width, _ = sample.picture.shape
    x0, y0, x1, y1 = sample.boxes_N4[number].tolist()
    left, top = min(int(x0), width - 1), min(int(y0), height - 1)
    return left, top, max(left + 1, int(np.ceil(x1))), max(top + 1, int(np.ceil(y1)))
