"""Operations on the pixels of a picture, by a strength of 0 to 1: the magnitude's share of the largest. Pure."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import ImageFilter

from tintype_trainer.pixels.augmentations.colours import recoloured, saturation_33
from tintype_trainer.pixels.augmentations.pixels import LEVELS_256, histogram, image_of, mapped, picture_of, rounded
from tintype_trainer.pixels.images import Picture

SMOOTH: Final = ImageFilter.Kernel((3, 3), (1, 1, 1, 1, 5, 1, 1, 1, 1))
"""What sharpness goes away from, as in the papers' own code."""
SOLARIZE_ADD_MOST: Final = 110
MIDDLE: Final = 128
WHITE: Final = 255


def color(picture: Picture, factor: float) -> Picture:
    """Scale saturation."""
    return recoloured(picture, saturation_33(factor))


def sharpness(picture: Picture, factor: float) -> Picture:
    """Scale the distance from a smoothed picture: above 1 sharpens, below 1 blurs."""
    smooth = picture_of(image_of(picture).filter(SMOOTH)).astype(np.float32)
    return rounded(smooth + np.float32(factor) * (picture - smooth))


def auto_contrast(picture: Picture) -> Picture:
    """Stretch each channel so that its darkest pixel becomes black and its brightest white."""
    return mapped(picture, np.stack([_stretched(counts_256) for counts_256 in histogram(picture)]))


def _stretched(counts_256: NDArray[np.int64]) -> NDArray[np.float64]:
    present = np.flatnonzero(counts_256)
    darkest, brightest = int(present[0]), int(present[-1])
    if darkest == brightest:
        return LEVELS_256
    return (LEVELS_256 - darkest) * WHITE / (brightest - darkest)


def equalize(picture: Picture) -> Picture:
    """Even out the histogram of each channel, by its cumulative sum."""
    return mapped(picture, np.stack([_equalized(counts_256) for counts_256 in histogram(picture)]))


def _equalized(counts_256: NDArray[np.int64]) -> NDArray[np.float64]:
    present = counts_256[counts_256 > 0]
    step = int(counts_256.sum() - present[-1]) // WHITE
    if step == 0:
        return LEVELS_256
    below_256 = np.cumsum(counts_256) - counts_256
    table_256: NDArray[np.float64] = np.minimum((below_256 + step // 2) // step, WHITE).astype(np.float64)
    return table_256


def invert(picture: Picture) -> Picture:
    """Make a negative."""
    return WHITE - picture


def solarize(picture: Picture, threshold: float) -> Picture:
    """Invert what is as bright as the threshold or brighter."""
    return mapped(picture, np.where(threshold <= LEVELS_256, WHITE - LEVELS_256, LEVELS_256)[np.newaxis])


def solarize_add(picture: Picture, strength: float) -> Picture:
    """Brighten what is darker than the middle."""
    added = int(strength * SOLARIZE_ADD_MOST)
    return mapped(picture, np.where(LEVELS_256 < MIDDLE, LEVELS_256 + added, LEVELS_256)[np.newaxis])


def posterize(picture: Picture, bits: int) -> Picture:
    """Keep the upper bits of each pixel."""
    return picture & np.uint8(256 - (1 << (8 - bits)))
