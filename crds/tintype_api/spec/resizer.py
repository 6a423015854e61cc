"""How pictures get the network's size."""

from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from tintype_api.model import Model, Rule


class ResizerType(StrEnum):
    """How pictures get the network's size."""

    FIXED = "Fixed"
    KEEP_ASPECT_RATIO = "KeepAspectRatio"


STEP: Final = 16
"""Sizes come in steps of so many pixels, but for the architecture's own."""

Side = Annotated[int | None, Field(ge=16, le=4096)]


class ImageResizer(Model):
    """How pictures get the network's size; in steps of 16 pixels, or the architecture's own size."""

    rules = (
        Rule(
            cel="self.type != 'Fixed' || (has(self.width) && has(self.height) && !has(self.maxDimension))",
            holds=lambda resizer: (
                resizer.type != ResizerType.FIXED
                or (None not in (resizer.width, resizer.height) and resizer.max_dimension is None)
            ),
            message="imageResizer of type Fixed takes width and height, and no maxDimension",
        ),
        Rule(
            cel="self.type != 'KeepAspectRatio' || (has(self.maxDimension) && !has(self.width) && !has(self.height))",
            holds=lambda resizer: (
                resizer.type != ResizerType.KEEP_ASPECT_RATIO
                or (resizer.max_dimension is not None and resizer.width is None and resizer.height is None)
            ),
            message="imageResizer of type KeepAspectRatio takes maxDimension, and neither width nor height",
        ),
    )

    type: ResizerType
    """Fixed: to width and height. KeepAspectRatio: the larger side to maxDimension, the rest of the square black."""
    width: Side = None
    """Width in pixels, for Fixed."""
    height: Side = None
    """Height in pixels, for Fixed."""
    max_dimension: Side = None
    """Side of the square in pixels, for KeepAspectRatio."""
