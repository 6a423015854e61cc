"""Brightness, Contrast and ColorJitter. Pure."""

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tintype_api.spec.augmentations import Brightness, ColorJitter, Contrast
from tintype_trainer.pixels.augmentations.pixels import LEVELS_256, channel_means, image_of, is_rgb, mapped, picture_of
from tintype_trainer.pixels.images import Picture
from tintype_trainer.pixels.samples import Sample

LUMA_3: Final = np.array([0.299, 0.587, 0.114])
"""How much of each channel makes the grey of a colour (ITU-R BT.601)."""
WHITE: Final = 255


def brightness(option: Brightness, sample: Sample, random: np.random.Generator) -> Sample:
    """Add one number to all pixels."""
    delta = WHITE * random.uniform(-option.max_delta, option.max_delta)
    return replace(sample, picture=mapped(sample.picture, (LEVELS_256 + delta)[np.newaxis]))


def contrast(option: Contrast, sample: Sample, random: np.random.Generator) -> Sample:
    """Scale the distance of each pixel from the mean of its channel."""
    factor = random.uniform(option.min_factor, option.max_factor)
    means_C1 = channel_means(sample.picture)[:, np.newaxis]
    return replace(sample, picture=mapped(sample.picture, means_C1 + factor * (LEVELS_256 - means_C1)))


def color_jitter(option: ColorJitter, sample: Sample, random: np.random.Generator) -> Sample:
    """Scale brightness, contrast and saturation, then turn the hue; grey pictures have only the first two."""
    bright, strong, saturated = (
        1 + random.uniform(-most, most) for most in (option.brightness, option.contrast, option.saturation)
    )
    turn = random.uniform(-option.hue, option.hue)
    picture = scaled_contrast(scaled_brightness(sample.picture, bright), strong)
    return replace(sample, picture=recoloured(picture, hue_33(turn) @ saturation_33(saturated)))


def scaled_brightness(picture: Picture, factor: float) -> Picture:
    """Return the picture with all pixels multiplied by a factor."""
    return mapped(picture, (LEVELS_256 * factor)[np.newaxis])


def scaled_contrast(picture: Picture, factor: float) -> Picture:
    """Return the picture with the distance of each pixel from the picture's mean grey multiplied by a factor."""
    means_C = channel_means(picture)
    mean = means_C @ LUMA_3 if is_rgb(picture) else means_C[0]
    return mapped(picture, (mean + factor * (LEVELS_256 - mean))[np.newaxis])


def recoloured(picture: Picture, matrix_33: NDArray[np.float64]) -> Picture:
    """Return the picture with each colour multiplied by a matrix; grey pictures as they are."""
    if not is_rgb(picture):
        return picture
    matrix_34 = np.concatenate([matrix_33, np.zeros((3, 1))], axis=1)
    a, b, c, d, e, f, g, h, i, j, k, m = matrix_34.ravel().tolist()
    return picture_of(image_of(picture).convert("RGB", (a, b, c, d, e, f, g, h, i, j, k, m)))


def saturation_33(factor: float) -> NDArray[np.float64]:
    """Return the matrix that scales the distance of a colour from the grey of its luma."""
    return factor * np.eye(3) + (1 - factor) * np.tile(LUMA_3, (3, 1))


def hue_33(turn: float) -> NDArray[np.float64]:
    """Return the matrix that turns colours about the grey axis by a share of the circle (Rodrigues' formula).

    A third of the circle makes red green. Unlike a detour by HSV it keeps the mean of the channels, has no rounding
    in between, and costs a tenth.
    """
    angle = 2 * np.pi * turn
    cross_33 = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / np.sqrt(3)
    mean_33 = np.full((3, 3), 1 / 3)
    turned_33: NDArray[np.float64] = np.cos(angle) * (np.eye(3) - mean_33) + mean_33 + np.sin(angle) * cross_33
    return turned_33
