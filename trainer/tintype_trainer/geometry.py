"""How large a picture becomes and where it lies on the network's canvas. Pure."""

from tintype_api.spec.resizer import ImageResizer, ResizerType


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
