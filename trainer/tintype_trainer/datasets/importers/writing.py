"""From what an importer found to Studio JSON lines."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from tintype_trainer.datasets.importers.imported import Imported, ImportedImage
from tintype_trainer.datasets.importers.rotation import stored_picture

_BOX_DIGITS: Final = 6


@dataclass
class Notes:
    """What a user should know of an import.

    Attributes:
        rotated: Pictures with an EXIF rotation.
        turned: Those of them whose boxes were turned with them.
        not_turned: Those of them whose boxes referred to the turned picture already.
        crowds: Boxes of crowds, which Studio JSON lines have no word for.
    """

    rotated: list[str] = field(default_factory=list)
    turned: int = 0
    not_turned: int = 0
    crowds: int = 0

    def sentences(self) -> Iterator[str]:
        """Yield a sentence for each thing worth knowing."""
        if self.rotated:
            yield (
                f"{len(self.rotated)} pictures have an EXIF rotation, {self.rotated[0]} first; it is applied when they "
                "are read"
            )
        if self.turned:
            yield (
                f"the boxes of {self.turned} of them are taken to refer to the pixels as stored and were turned; "
                "look at them with `tintype preview`"
            )
        if self.not_turned:
            yield f"the boxes of {self.not_turned} of them refer to what is shown, as their size tells; they were left"
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
        document: dict[str, Any] = {"data": _data(image.path, folder)}
        if image.split:
            document["splits"] = [image.split]
        document["annotations"] = _annotations(_upright(image, notes))
        yield json.dumps(document, ensure_ascii=False)


def _upright(image: ImportedImage, notes: Notes) -> ImportedImage:
    """Return the image with boxes of the picture as it is shown."""
    stored = stored_picture(image.path)
    if not stored.is_rotated:
        return image
    notes.rotated.append(str(image.path))
    if not image.boxes:
        return image
    if not stored.turns_boxes(image.size):
        notes.not_turned += 1
        return image
    notes.turned += 1
    return replace(image, boxes=tuple(stored.turned(each) for each in image.boxes))


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
            "bbox": [round(share, _BOX_DIGITS) for share in (box.x0, box.y0, box.x1, box.y1)],
            "concepts": [{"name": box.concept, "bool": True}],
        }
        for box in image.boxes
    ]
    if image.concepts or not regions:
        return [*regions, {"concepts": [{"name": concept, "bool": True} for concept in image.concepts]}]
    return regions
