"""PatchNoise, RandomErasing and Blur. Pure."""

from dataclasses import replace
from typing import Final

import numpy as np
from PIL import ImageFilter

from tintype_api.spec.augmentations import Blur, PatchNoise, RandomErasing
from tintype_trainer.pixels.augmentations.pixels import image_of, picture_of, rounded
from tintype_trainer.pixels.augmentations.rectangles import draw_rectangle
from tintype_trainer.pixels.samples import Sample

ERASED_ASPECT_RATIOS: Final = (0.3, 1 / 0.3)
"""Width by height in pixels of what is erased, as in the paper."""
WHITE: Final = 255


def patch_noise(option: PatchNoise, sample: Sample, random: np.random.Generator) -> Sample:
    """Add Gaussian noise to one square patch, its side drawn evenly up to the picture's smaller side."""
    height, width, channels = sample.picture.shape
    deviation = np.float32(WHITE * random.uniform(0, option.max_standard_deviation))
    side = int(random.integers(1, min(height, width), endpoint=True))
    top = int(random.integers(0, height - side, endpoint=True))
    left = int(random.integers(0, width - side, endpoint=True))
    noise_HWC = deviation * random.standard_normal((side, side, channels), dtype=np.float32)
    picture = sample.picture.copy()
    patch_HWC = picture[top : top + side, left : left + side]
    patch_HWC[:] = rounded(patch_HWC + noise_HWC)
    return replace(sample, picture=picture)


def random_erasing(option: RandomErasing, sample: Sample, random: np.random.Generator) -> Sample:
    """Fill one rectangle with even noise (Zhong et al. 2017); boxes stay."""
    height, width, channels = sample.picture.shape
    ratios = (ERASED_ASPECT_RATIOS[0] * height / width, ERASED_ASPECT_RATIOS[1] * height / width)
    hole = draw_rectangle(random, (width, height), (option.min_area, option.max_area), ratios)
    picture = sample.picture.copy()
    shape = (hole.bottom - hole.top, hole.right - hole.left, channels)
    picture[hole.top : hole.bottom, hole.left : hole.right] = random.integers(0, 256, shape, dtype=np.uint8)
    return replace(sample, picture=picture)


def blur(option: Blur, sample: Sample, random: np.random.Generator) -> Sample:
    """Blur by a Gaussian, which PIL makes of three box blurs: as fast for any standard deviation."""
    sigma = random.uniform(0, option.max_sigma)
    return replace(sample, picture=picture_of(image_of(sample.picture).filter(ImageFilter.GaussianBlur(sigma))))
