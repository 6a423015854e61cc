"""Where pictures, regions and boxes lie, in pixels. Pure."""

import numpy as np
from numpy.typing import NDArray

from tintype_api.spec.resizer import ImageResizer, ResizerType
from tintype_trainer.datasets.dataset import Region


def canvas_size(resizer: ImageResizer) -> tuple[int, int]:
    """Return width and height in pixels of what the network sees."""
    if resizer.type is ResizerType.FIXED:
        assert resizer.width is not None
        assert resizer.height is not None
        return resizer.width, resizer.height
    assert resizer.max_dimension is not None
    return resizer.max_dimension, resizer.max_dimension


def content_size(resizer: ImageResizer, width: int, height: int) -> tuple[int, int]:
    """Return width and height in pixels of the resized picture, at the upper left of the canvas.

    KeepAspectRatio brings the larger side to maxDimension and rounds the other, to one pixel at least.
    """
    canvas = canvas_size(resizer)
    if resizer.type is ResizerType.FIXED:
        return canvas
    scale = canvas[0] / max(width, height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def crop_bounds(region: Region, margin: float, width: int, height: int) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom in pixels of a region with its margin, inside the picture.

    Args:
        region: What is cropped.
        margin: Of the region's smaller side in pixels, on each of its sides.
        width: Of the picture, in pixels.
        height: Likewise.

    The borders are the nearest whole pixels; at least one pixel each way remains.
    """
    x0, x1 = region.x0 * width, region.x1 * width
    y0, y1 = region.y0 * height, region.y1 * height
    around = margin * min(x1 - x0, y1 - y0)
    left, right = _interval(x0 - around, x1 + around, width)
    top, bottom = _interval(y0 - around, y1 + around, height)
    return left, top, right, bottom


def _interval(first: float, end: float, length: int) -> tuple[int, int]:
    start = min(max(0, round(first)), length - 1)
    return start, max(start + 1, min(round(end), length))


def clip_boxes(boxes_N4: NDArray[np.float32], width: float, height: float) -> NDArray[np.float32]:
    """Return boxes x0 y0 x1 y1 cut off at the borders of a picture."""
    limits_4 = np.array([width, height, width, height], dtype=np.float32)
    return np.clip(boxes_N4, np.float32(0), limits_4)


def centres_inside(boxes_N4: NDArray[np.float32], width: float, height: float) -> NDArray[np.bool_]:
    """Return for each box x0 y0 x1 y1 whether its centre is in the picture."""
    x_N = (boxes_N4[:, 0] + boxes_N4[:, 2]) / 2
    y_N = (boxes_N4[:, 1] + boxes_N4[:, 3]) / 2
    inside_N: NDArray[np.bool_] = (x_N >= 0) & (x_N < width) & (y_N >= 0) & (y_N < height)
    return inside_N


def shorter_sides(boxes_N4: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the shorter side of each box x0 y0 x1 y1."""
    sides_N: NDArray[np.float32] = np.minimum(boxes_N4[:, 2] - boxes_N4[:, 0], boxes_N4[:, 3] - boxes_N4[:, 1])
    return sides_N
