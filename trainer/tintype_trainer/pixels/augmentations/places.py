"""RandomCrop and Affine, and how pictures and boxes follow an affine map. Pure."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tintype_api.spec.augmentations import Affine, RandomCrop
from tintype_trainer.pixels.augmentations.pixels import image_of, picture_of
from tintype_trainer.pixels.augmentations.rectangles import cut, draw_rectangle, inside
from tintype_trainer.pixels.images import Picture
from tintype_trainer.pixels.samples import Sample

BLACK: Final = 0


def random_crop(option: RandomCrop, sample: Sample, random: np.random.Generator) -> Sample:
    """Cut out a part."""
    height, width, _ = sample.picture.shape
    areas = (option.min_area, option.max_area)
    ratios = (option.min_aspect_ratio, option.max_aspect_ratio)
    return cut(sample, draw_rectangle(random, (width, height), areas, ratios))


def affine(option: Affine, sample: Sample, random: np.random.Generator) -> Sample:
    """Scale, shear and rotate about the centre, then shift; black beyond the picture."""
    return warp(sample, draw_map(option, sample.picture, random), fill=BLACK)


def draw_map(option: Affine, picture: Picture, random: np.random.Generator) -> NDArray[np.float64]:
    """Return the map (2, 3) of one reading, from x and y in pixels to x and y."""
    height, width, _ = picture.shape
    angle = np.deg2rad(random.uniform(-option.max_rotation, option.max_rotation))
    shear = np.tan(np.deg2rad(random.uniform(-option.max_shear, option.max_shear)))
    scale = random.uniform(option.min_scale, option.max_scale)
    shift_x, shift_y = random.uniform(-option.max_translation, option.max_translation, 2)
    linear_22 = rotation_22(angle) @ np.array([[scale, scale * shear], [0, scale]])
    return about_centre(linear_22, picture, (shift_x * width, shift_y * height))


def rotation_22(angle: float) -> NDArray[np.float64]:
    """Return the matrix that turns by an angle in radians, clockwise where y points down."""
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def about_centre(
    linear_22: NDArray[np.float64], picture: Picture, shift_xy: tuple[float, float] = (0.0, 0.0)
) -> NDArray[np.float64]:
    """Return the map (2, 3) of x and y in pixels that does `linear_22` about the picture's centre, then shifts."""
    height, width, _ = picture.shape
    centre_2 = np.array([width / 2, height / 2])
    return np.column_stack([linear_22, centre_2 + shift_xy - linear_22 @ centre_2])


def warp(sample: Sample, forward_23: NDArray[np.float64], *, fill: int) -> Sample:
    """Return the sample after an affine map; its boxes enclose what they held, as far as it is inside.

    Args:
        sample: The sample.
        forward_23: From x and y in pixels of the sample to those of the result, which is as large.
        fill: The value of pixels that lie beyond the sample.
    """
    picture = warp_picture(sample.picture, forward_23, fill=fill)
    return inside(Sample(picture, _enclosing(sample.boxes_N4, forward_23), sample.labels_N))


def warp_picture(picture: Picture, forward_23: NDArray[np.float64], *, fill: int) -> Picture:
    """Return the picture after an affine map, bilinear; arguments as of `warp`."""
    height, width, channels = picture.shape
    backward_22 = np.linalg.inv(forward_23[:, :2])
    backward_23 = np.column_stack([backward_22, -backward_22 @ forward_23[:, 2]])
    warped = image_of(picture).transform(
        (width, height),
        Image.Transform.AFFINE,
        backward_23.ravel().tolist(),
        Image.Resampling.BILINEAR,
        fillcolor=fill if channels == 1 else (fill,) * channels,
    )
    return picture_of(warped)


def _enclosing(boxes_N4: NDArray[np.float32], forward_23: NDArray[np.float64]) -> NDArray[np.float32]:
    corners_N42 = boxes_N4[:, [[0, 1], [2, 1], [2, 3], [0, 3]]]
    moved_N42 = corners_N42 @ forward_23[:, :2].T + forward_23[:, 2]
    return np.concatenate([moved_N42.min(axis=1), moved_N42.max(axis=1)], axis=1).astype(np.float32)
