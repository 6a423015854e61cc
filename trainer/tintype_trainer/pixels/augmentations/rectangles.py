"""Rectangles inside a picture, drawn by area and aspect ratio. Pure."""

import math
from dataclasses import dataclass

import numpy as np

from tintype_trainer.pixels.geometry import centres_inside, clip_boxes
from tintype_trainer.pixels.samples import Sample


@dataclass(frozen=True, slots=True)
class Rectangle:
    """Whole pixels from left and top up to, and without, right and bottom."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def area(self) -> int:
        """Pixels inside."""
        return (self.right - self.left) * (self.bottom - self.top)


def draw_rectangle(
    random: np.random.Generator,
    size: tuple[int, int],
    areas: tuple[float, float],
    aspect_ratios: tuple[float, float],
) -> Rectangle:
    """Return a rectangle somewhere in a picture.

    The area is drawn evenly, then the aspect ratio log-evenly from those of its range with which that area fits, so
    that nothing need be rejected and the area stays even. Where none fits, it is the ratio nearest to one that does,
    in the largest rectangle that it allows.

    Args:
        random: Draws.
        size: Width and height of the picture in pixels.
        areas: Lower and upper end, as a share of the picture's.
        aspect_ratios: Lower and upper end of width by height, relative to the picture's own.
    """
    width, height = size
    area = random.uniform(*areas)
    lowest, highest = (min(max(ratio, area), 1 / area) for ratio in aspect_ratios)
    ratio = math.exp(random.uniform(math.log(lowest), math.log(highest)))
    ratio = min(max(ratio, aspect_ratios[0]), aspect_ratios[1])
    area = min(area, ratio, 1 / ratio)
    across = max(1, round(width * math.sqrt(area * ratio)))
    down = max(1, round(height * math.sqrt(area / ratio)))
    left = int(random.integers(0, width - across, endpoint=True))
    top = int(random.integers(0, height - down, endpoint=True))
    return Rectangle(left, top, left + across, top + down)


def cut(sample: Sample, rectangle: Rectangle) -> Sample:
    """Return the part of the sample inside a rectangle, as `inside` treats its boxes."""
    picture = sample.picture[rectangle.top : rectangle.bottom, rectangle.left : rectangle.right]
    offset_4 = np.array([rectangle.left, rectangle.top] * 2, dtype=np.float32)
    return inside(Sample(picture, sample.boxes_N4 - offset_4, sample.labels_N))


def inside(sample: Sample) -> Sample:
    """Return the sample with its boxes clipped to its picture, those whose centre is outside being dropped."""
    height, width, _ = sample.picture.shape
    kept = sample.only(centres_inside(sample.boxes_N4, width, height))
    return Sample(kept.picture, clip_boxes(kept.boxes_N4, width, height), kept.labels_N)
