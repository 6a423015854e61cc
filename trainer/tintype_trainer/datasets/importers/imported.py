"""What an importer finds. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tintype_api.errors import UserError, data_error
from tintype_api.spec.view import ViewType
from tintype_trainer.datasets.annotations import OVERSHOOT
from tintype_trainer.datasets.dataset import Box


@dataclass(frozen=True, slots=True)
class ImportedImage:
    """One image with its annotations.

    Attributes:
        path: The picture.
        split: train, val or test; None where the source says nothing.
        concepts: Those that hold of the whole image.
        boxes: Annotated boxes.
        size: Width and height in pixels of what the boxes refer to, as the source states them; None where it does not.
    """

    path: Path
    split: str | None = None
    concepts: tuple[str, ...] = ()
    boxes: tuple[Box, ...] = ()
    size: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Imported:
    """A data set as an importer found it.

    Attributes:
        type: The kind of view that it is.
        concepts: All concepts, in the order of the source.
        images: The images, each once.
    """

    type: ViewType
    concepts: tuple[str, ...]
    images: tuple[ImportedImage, ...]


def no_picture(path: Path) -> UserError:
    """Return the error of a picture that is missing or cannot be read."""
    return data_error(f"{path} is missing or no picture; add it or remove its annotation")


def box(concept: str, corners: tuple[float, float, float, float], where: str) -> Box:
    """Return a box of (left, top, right, bottom) as shares, with what reaches a little beyond the picture cut off.

    Raises:
        UserError: exit 65 naming `where` for a box that is empty or outside of the picture.
    """
    left, top, right, bottom = (min(1.0, max(0.0, share)) for share in corners)
    if min(corners) < -OVERSHOOT or max(corners) > 1 + OVERSHOOT:
        raise data_error(f"{where}: a box of '{concept}' reaches beyond the picture; correct it")
    if left >= right or top >= bottom:
        raise data_error(f"{where}: a box of '{concept}' is empty; correct or remove it")
    return Box(concept, left, top, right, bottom)


def in_order(concepts: Iterable[str]) -> tuple[str, ...]:
    """Return each concept once, in the order of their first mention."""
    return tuple(dict.fromkeys(concepts))
