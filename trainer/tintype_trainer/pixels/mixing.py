"""MixUp, CutMix and Mosaic: what several examples make together, after all else. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from tintype_api.spec.augmentations import Augmentation, CutMix, MixUp
from tintype_api.spec.resizer import ImageResizer
from tintype_trainer.pixels.augmentations.rectangles import Rectangle, cut
from tintype_trainer.pixels.geometry import canvas_size, content_size
from tintype_trainer.pixels.images import Picture, scaled
from tintype_trainer.pixels.reading import Seen, shown
from tintype_trainer.pixels.samples import Sample

MIX_LEVELS: Final = 256
"""MixUp's share is a multiple of 1 / 256: pixels are blended in 16-bit integers, and labels by the very same share."""
CENTRE_FROM, CENTRE_TO = 0.25, 0.75
"""Where Mosaic's four pictures meet, as shares of width and height."""
MOSAIC_PICTURES: Final = 4


def mix(batch: Sequence[Seen], augmentations: Sequence[Augmentation], random: np.random.Generator) -> list[Seen]:
    """Return the batch after MixUp and CutMix in their order, each by its probability of a batch.

    Each example is mixed with the one before it in the batch, whose order is random already. An example alone in its
    batch stays as it is.
    """
    mixed = list(batch)
    for augmentation in augmentations:
        if augmentation.type in _KINDS and random.random() < augmentation.probability:
            mixed = _KINDS[augmentation.type](augmentation, mixed, random)
    return mixed


def mix_up(option: MixUp, batch: Sequence[Seen], random: np.random.Generator) -> list[Seen]:
    """Return each example blended with the one before, its share drawn from beta(alpha, alpha) for the batch."""
    own = round(MIX_LEVELS * random.beta(option.alpha, option.alpha))
    return [_blended(seen, batch[number - 1], own) for number, seen in enumerate(batch)]


def _blended(seen: Seen, other: Seen, own: int) -> Seen:
    rest = MIX_LEVELS - own
    sum_HW3 = seen.canvas * np.uint16(own) + other.canvas * np.uint16(rest) + np.uint16(MIX_LEVELS // 2)
    share = np.float32(own / MIX_LEVELS)
    shares_K = share * seen.shares_K + (1 - share) * other.shares_K
    return replace(seen, canvas=(sum_HW3 // np.uint16(MIX_LEVELS)).astype(np.uint8), shares_K=shares_K)


def cut_mix(option: CutMix, batch: Sequence[Seen], random: np.random.Generator) -> list[Seen]:
    """Return each example with a rectangle of the one before pasted over, labels by the pixels that are covered.

    The rectangle is one for the batch: its area is 1 - beta(alpha, alpha) of the picture, about a place anywhere, cut
    off at the borders (Yun et al. 2019). Padding takes no part: the rectangle lies in the pictures, not on the canvas.
    """
    half = np.sqrt(1 - random.beta(option.alpha, option.alpha)) / 2
    place_xy = random.random(2)
    first_xy, end_xy = np.clip(place_xy - half, 0, 1), np.clip(place_xy + half, 0, 1)
    window = _Window(float(first_xy[0]), float(first_xy[1]), float(end_xy[0]), float(end_xy[1]))
    return [_pasted(seen, batch[number - 1], window) for number, seen in enumerate(batch)]


@dataclass(frozen=True, slots=True)
class _Window:
    """A rectangle as shares of a picture's width and height."""

    left: float
    top: float
    right: float
    bottom: float


def _pasted(seen: Seen, other: Seen, window: _Window) -> Seen:
    width, height = seen.content
    hole = Rectangle(
        round(window.left * width),
        round(window.top * height),
        min(round(window.right * width), max(other.content[0], round(window.left * width))),
        min(round(window.bottom * height), max(other.content[1], round(window.top * height))),
    )
    canvas = seen.canvas.copy()
    where = slice(hole.top, hole.bottom), slice(hole.left, hole.right)
    canvas[where] = other.canvas[where]
    covered = np.float32(hole.area / (width * height))
    return replace(seen, canvas=canvas, shares_K=(1 - covered) * seen.shares_K + covered * other.shares_K)


def mosaic(samples: Sequence[Sample], resizer: ImageResizer, random: np.random.Generator) -> Seen:
    """Return four samples put together on one canvas, meeting at a place drawn evenly in its middle.

    Each has the proportions that the resizer gives it and is made just large enough to cover its quarter; where it is
    larger, a part is drawn evenly. Boxes are clipped, and those whose centre is not shown are dropped.
    """
    width, height = canvas_size(resizer)
    x = round(width * random.uniform(CENTRE_FROM, CENTRE_TO))
    y = round(height * random.uniform(CENTRE_FROM, CENTRE_TO))
    quarters = (
        Rectangle(0, 0, x, y),
        Rectangle(x, 0, width, y),
        Rectangle(0, y, x, height),
        Rectangle(x, y, width, height),
    )
    canvas: Picture = np.zeros((height, width, 3), dtype=np.uint8)
    boxes, labels = [], []
    for sample, quarter in zip(samples, quarters, strict=True):
        part = _covering(sample, (quarter.right - quarter.left, quarter.bottom - quarter.top), resizer, random)
        canvas[quarter.top : quarter.bottom, quarter.left : quarter.right] = part.picture
        boxes.append(part.boxes_N4 + np.array([quarter.left, quarter.top] * 2, dtype=np.float32))
        labels.append(part.labels_N)
    whole = Sample(canvas, np.concatenate(boxes), np.concatenate(labels))
    return shown(whole, np.zeros(0, dtype=np.float32), (width, height))


def _covering(sample: Sample, size: tuple[int, int], resizer: ImageResizer, random: np.random.Generator) -> Sample:
    height, width, _ = sample.picture.shape
    content_width, content_height = content_size(resizer, width, height)
    scale = max(size[0] / content_width, size[1] / content_height)
    across, down = (
        max(least, round(side * scale)) for least, side in zip(size, (content_width, content_height), strict=True)
    )
    left, top = (
        int(random.integers(0, total - part, endpoint=True)) for total, part in zip((across, down), size, strict=True)
    )
    factors_4 = np.array([across / width, down / height] * 2, dtype=np.float32)
    large = Sample(scaled(sample.picture, across, down), sample.boxes_N4 * factors_4, sample.labels_N)
    return cut(large, Rectangle(left, top, left + size[0], top + size[1]))


_KINDS: Final[Mapping[str, Callable[[Any, Sequence[Seen], np.random.Generator], list[Seen]]]] = {
    "MixUp": mix_up,
    "CutMix": cut_mix,
}
