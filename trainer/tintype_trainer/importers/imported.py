"""What an importer finds, and how it becomes Studio JSON lines. Pure but for looking at the pictures."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from PIL import Image, UnidentifiedImageError

from tintype_api.errors import UserError, data_error
from tintype_api.spec.view import ViewType

PICTURE_SUFFIXES: Final = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
_EXIF_ORIENTATION: Final = 0x0112
_BOX_DIGITS: Final = 6
_OVERSHOOT: Final = 1e-3
"""How far beyond the picture a box may reach, as a share: rounding of other programs, which is cut off."""


@dataclass(frozen=True, slots=True)
class ImportedBox:
    """One annotated box.

    Attributes:
        concept: What is in it.
        left, top, right, bottom: Shares of width and height.
    """

    concept: str
    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True)
class ImportedImage:
    """One image with its annotations.

    Attributes:
        path: The picture.
        split: train, val or test; None where the source says nothing.
        concepts: Those that hold of the whole image.
        boxes: Annotated boxes.
    """

    path: Path
    split: str | None = None
    concepts: tuple[str, ...] = ()
    boxes: tuple[ImportedBox, ...] = ()


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


@dataclass
class Notes:
    """What a user should know of an import.

    Attributes:
        rotated: Pictures with an EXIF rotation.
        crowds: Boxes of crowds, which Studio JSON lines have no word for.
    """

    rotated: list[str] = field(default_factory=list)
    crowds: int = 0

    def sentences(self) -> Iterator[str]:
        """Yield a sentence for each thing worth knowing."""
        if self.rotated:
            yield (
                f"{len(self.rotated)} pictures have an EXIF rotation, {self.rotated[0]} first: boxes must refer to the "
                "rotated picture; check them with `tintype preview`"
            )
        if self.crowds:
            yield f"{self.crowds} boxes of crowds are left out; train on the COCO json itself to have them ignored"


def lines(imported: Imported, view: str, folder: Path, notes: Notes) -> Iterator[str]:
    """Yield the lines of the data set.

    Args:
        imported: What was found.
        view: The name that its view shall have.
        folder: The folder of the data set's file; pictures below it are named by their path there, others by URL.
        notes: Takes what is worth knowing.
    """
    header = {"name": view, "splits": ["train", "val", "test"], "views": [_view(imported, view)]}
    yield json.dumps(header, ensure_ascii=False)
    for image in imported.images:
        if is_rotated(image.path):
            notes.rotated.append(str(image.path))
        document: dict[str, Any] = {"data": _data(image.path, folder)}
        if image.split:
            document["splits"] = [image.split]
        document["annotations"] = _annotations(image)
        yield json.dumps(document, ensure_ascii=False)


def picture_size(path: Path) -> tuple[int, int]:
    """Return width and height in pixels as stored.

    Raises:
        UserError: exit 65 where there is no such picture.
    """
    try:
        with Image.open(path) as image:
            return image.size
    except (OSError, UnidentifiedImageError) as error:
        raise no_picture(path) from error


def is_rotated(path: Path) -> bool:
    """Return whether the picture has an EXIF rotation.

    Raises:
        UserError: exit 65 where there is no such picture.
    """
    try:
        with Image.open(path) as image:
            return bool(image.getexif().get(_EXIF_ORIENTATION, 1) != 1)
    except (OSError, UnidentifiedImageError) as error:
        raise no_picture(path) from error


def no_picture(path: Path) -> UserError:
    """Return the error of a picture that is missing or cannot be read."""
    return data_error(f"{path} is missing or no picture; add it or remove its annotation")


def box(concept: str, corners: tuple[float, float, float, float], where: str) -> ImportedBox:
    """Return a box of (left, top, right, bottom) as shares, with what reaches a little beyond the picture cut off.

    Raises:
        UserError: exit 65 naming `where` for a box that is empty or outside of the picture.
    """
    left, top, right, bottom = (min(1.0, max(0.0, share)) for share in corners)
    if min(corners) < -_OVERSHOOT or max(corners) > 1 + _OVERSHOOT:
        raise data_error(f"{where}: a box of '{concept}' reaches beyond the picture; correct it")
    if left >= right or top >= bottom:
        raise data_error(f"{where}: a box of '{concept}' is empty; correct or remove it")
    return ImportedBox(concept, left, top, right, bottom)


def in_order(concepts: Iterable[str]) -> tuple[str, ...]:
    """Return each concept once, in the order of their first mention."""
    return tuple(dict.fromkeys(concepts))


def _view(imported: Imported, view: str) -> dict[str, Any]:
    return {"name": view, "type": imported.type.value, "concepts": list(imported.concepts)}


def _data(path: Path, folder: Path) -> dict[str, str]:
    absolute = path.absolute()
    if absolute.is_relative_to(folder.absolute()):
        return {"file": absolute.relative_to(folder.absolute()).as_posix()}
    return {"url": absolute.as_uri()}


def _annotations(image: ImportedImage) -> list[dict[str, Any]]:
    regions = [
        {
            "bbox": [round(share, _BOX_DIGITS) for share in (box.left, box.top, box.right, box.bottom)],
            "concepts": [{"name": box.concept, "bool": True}],
        }
        for box in image.boxes
    ]
    if image.concepts or not regions:
        return [*regions, {"concepts": [{"name": concept, "bool": True} for concept in image.concepts]}]
    return regions
