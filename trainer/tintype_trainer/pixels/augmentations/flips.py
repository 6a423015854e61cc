"""HorizontalFlip, VerticalFlip and Rotate90. Pure."""

from dataclasses import replace

import numpy as np

from tintype_api.spec.augmentations import HorizontalFlip, Rotate90, VerticalFlip
from tintype_trainer.pixels.samples import Sample


def horizontal_flip(_option: HorizontalFlip, sample: Sample, _random: np.random.Generator) -> Sample:
    """Mirror left and right."""
    width = sample.picture.shape[1]
    x0_N, y0_N, x1_N, y1_N = sample.boxes_N4.T
    boxes_N4 = np.stack([width - x1_N, y0_N, width - x0_N, y1_N], axis=1)
    return replace(sample, picture=sample.picture[:, ::-1], boxes_N4=boxes_N4)


def vertical_flip(_option: VerticalFlip, sample: Sample, _random: np.random.Generator) -> Sample:
    """Mirror top and bottom."""
    height = sample.picture.shape[0]
    x0_N, y0_N, x1_N, y1_N = sample.boxes_N4.T
    boxes_N4 = np.stack([x0_N, height - y1_N, x1_N, height - y0_N], axis=1)
    return replace(sample, picture=sample.picture[::-1], boxes_N4=boxes_N4)


def rotate90(_option: Rotate90, sample: Sample, _random: np.random.Generator) -> Sample:
    """Turn by a quarter, counterclockwise."""
    width = sample.picture.shape[1]
    x0_N, y0_N, x1_N, y1_N = sample.boxes_N4.T
    boxes_N4 = np.stack([y0_N, width - x1_N, y1_N, width - x0_N], axis=1)
    return replace(sample, picture=np.rot90(sample.picture), boxes_N4=boxes_N4)
