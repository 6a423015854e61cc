"""Samples and options for tests of what happens to pictures and boxes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from tintype_api.spec.augmentations import Augmentation
from tintype_trainer.pixels.images import Picture
from tintype_trainer.pixels.samples import Sample

_OPTION: TypeAdapter[Augmentation] = TypeAdapter(Augmentation)


def option(kind: str, **fields: object) -> Any:  # noqa: ANN401  # whichever kind it is
    """Return the options of one augmentation, fields as in YAML."""
    return _OPTION.validate_python({"type": kind, **fields})


def sample_of(picture: Picture, boxes: Sequence[Sequence[float]] = ()) -> Sample:
    """Return a picture (H, W) or (H, W, C) as a sample; box n has label n."""
    pixels = picture if picture.ndim == 3 else picture[:, :, np.newaxis]
    return Sample(pixels, np.array(boxes, dtype=np.float32).reshape(-1, 4), np.arange(len(boxes)))


def painted(size: tuple[int, int], box: tuple[int, int, int, int]) -> Sample:
    """Return a black picture of some width and height with one white rectangle, and its box."""
    picture = np.zeros((size[1], size[0], 3), dtype=np.uint8)
    left, top, right, bottom = box
    picture[top:bottom, left:right] = 255
    return sample_of(picture, [box])


def white_box(picture: Picture, threshold: int = 127) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom of the pixels above a threshold."""
    rows, columns = np.nonzero(picture.min(axis=2) > threshold)
    return int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1


def is_even(values: Sequence[float], lowest: float, highest: float, tolerance: float = 0.025) -> bool:
    """Return whether values spread evenly over a range: the share up to any point is off by less than the tolerance.

    This is Kolmogorov and Smirnov's distance; of 10,000 even draws one in 300,000 has more than 0.025.
    """
    ordered = (np.sort(np.asarray(values)) - lowest) / (highest - lowest)
    return bool(np.abs(ordered - (np.arange(len(ordered)) + 0.5) / len(ordered)).max() < tolerance)
