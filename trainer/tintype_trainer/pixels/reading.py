"""From a decoded picture and its target to what the network sees: crop, resize and pad, boxes in step. Pure."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tintype_api.spec.resizer import ImageResizer
from tintype_trainer.datasets.dataset import Region
from tintype_trainer.pixels.geometry import clip_boxes, content_size, crop_bounds, shorter_sides
from tintype_trainer.pixels.images import Picture, resize
from tintype_trainer.pixels.samples import Sample, Target

MIN_BOX_PIXELS: Final = 1.0
"""Boxes with a shorter side on the canvas have nothing to learn from and are dropped in training."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One example as the network sees it.

    Attributes:
        canvas: uint8 (H, W, 3) of the network's size.
        content: Width and height in pixels of what is no padding, at the upper left.
        shares_K: float32, the share of each concept.
        boxes_N4: float32 x0 y0 x1 y1 in pixels of the canvas.
        labels_N: int64.
        ignored_N: bool.
        scale_xy: Canvas pixels per pixel of the original picture; (1, 1) in training.
    """

    canvas: Picture
    content: tuple[int, int]
    shares_K: NDArray[np.float32]
    boxes_N4: NDArray[np.float32]
    labels_N: NDArray[np.int64]
    ignored_N: NDArray[np.bool_]
    scale_xy: tuple[float, float] = (1.0, 1.0)


def read_training(picture: Picture, target: Target, crop_margin: float) -> Sample:
    """Return an example before augmentation: cropped, its boxes in pixels, without those to be ignored."""
    inside, boxes_N4 = _crop(picture, target, crop_margin)
    return Sample(inside, boxes_N4, target.labels_N).only(~target.ignored_N)


def see(sample: Sample, shares_K: NDArray[np.float32], resizer: ImageResizer) -> Seen:
    """Return an augmented sample on the canvas."""
    height, width, _ = sample.picture.shape
    content = content_size(resizer, width, height)
    boxes_N4 = _resized(sample.boxes_N4, (content[0] / width, content[1] / height))
    return shown(Sample(resize(sample.picture, resizer), boxes_N4, sample.labels_N), shares_K, content)


def shown(sample: Sample, shares_K: NDArray[np.float32], content: tuple[int, int]) -> Seen:
    """Return what is on the canvas already, for training: without boxes of less than MIN_BOX_PIXELS."""
    kept = sample.only(shorter_sides(sample.boxes_N4) >= MIN_BOX_PIXELS)
    ignored_N = np.zeros(len(kept.labels_N), dtype=np.bool_)
    return Seen(kept.picture, content, shares_K, kept.boxes_N4, kept.labels_N, ignored_N)


def read_evaluation(picture: Picture, target: Target, crop_margin: float, resizer: ImageResizer) -> Seen:
    """Return an example on the canvas with all its boxes, however small, and the scale that maps back."""
    inside, boxes_N4 = _crop(picture, target, crop_margin)
    height, width, _ = inside.shape
    content = content_size(resizer, width, height)
    scale_xy = content[0] / width, content[1] / height
    return Seen(
        resize(inside, resizer),
        content,
        target.shares_K,
        _resized(boxes_N4, scale_xy),
        target.labels_N,
        target.ignored_N,
        scale_xy,
    )


def cropped(picture: Picture, region: Region | None, crop_margin: float) -> Picture:
    """Return a region of a picture with its margin; the picture where there is no region."""
    if region is None:
        return picture
    height, width, _ = picture.shape
    left, top, right, bottom = crop_bounds(region, crop_margin, width, height)
    return picture[top:bottom, left:right]


def _crop(picture: Picture, target: Target, crop_margin: float) -> tuple[Picture, NDArray[np.float32]]:
    if target.region is not None:
        assert not len(target.boxes_N4), "Detection has no child view of type Detection"
        return cropped(picture, target.region, crop_margin), target.boxes_N4
    height, width, _ = picture.shape
    boxes_N4 = target.boxes_N4 * np.array([width, height, width, height], dtype=np.float32)
    return picture, clip_boxes(boxes_N4, width, height)


def _resized(boxes_N4: NDArray[np.float32], scale_xy: tuple[float, float]) -> NDArray[np.float32]:
    # Single precision would put the border of some pictures a millionth of a pixel beyond the canvas.
    resized_N4 = boxes_N4 * np.array([*scale_xy, *scale_xy], dtype=np.float64)
    return resized_N4.astype(np.float32)
