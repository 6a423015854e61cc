"""Pascal VOC: a folder with Annotations/*.xml, JPEGImages/ and, where there are splits, ImageSets/Main/<split>.txt."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

from tintype_api.errors import data_error, not_found
from tintype_api.spec.view import ViewType
from tintype_trainer.datasets.dataset import Box
from tintype_trainer.datasets.importers.imported import Imported, ImportedImage, box, in_order
from tintype_trainer.datasets.importers.rotation import stored_picture

_SPLITS: Final = ("train", "val", "test")


def read_voc(folder: Path) -> Imported:
    """Return the data set of a folder.

    Boxes of VOC count pixels from 1 and hold their last pixel.

    Raises:
        UserError: exit 66 where there are no annotations, 65 naming the file that is wrong.
    """
    files = sorted((folder / "Annotations").glob("*.xml"))
    if not files:
        raise not_found(f"{folder / 'Annotations'} holds no .xml files; name the folder that holds Annotations")
    splits = _splits(folder)
    images = tuple(_image(folder, file, splits) for file in files)
    return Imported(ViewType.DETECTION, in_order(box.concept for image in images for box in image.boxes), images)


def _splits(folder: Path) -> Mapping[str, str]:
    lists = {split: folder / "ImageSets" / "Main" / f"{split}.txt" for split in _SPLITS}
    return {
        line.split()[0]: split
        for split, file in lists.items()
        if file.exists()
        for line in file.read_text(encoding="utf-8").splitlines()
        if line.strip()
    }


def _image(folder: Path, file: Path, splits: Mapping[str, str]) -> ImportedImage:
    try:
        root = ET.parse(file).getroot()  # noqa: S314  # the user's own files; entities are not expanded from outside
    except ET.ParseError as error:
        raise data_error(f"{file} is no XML ({error}); correct it") from error
    path = folder / "JPEGImages" / (root.findtext("filename") or f"{file.stem}.jpg")
    stored, stated = stored_picture(path), _stated_size(root)
    is_turned = stated == (stored.height, stored.width)
    width, height = (stored.height, stored.width) if is_turned else (stored.width, stored.height)
    boxes = tuple(_boxes(root, file, width, height))
    return ImportedImage(path, splits.get(file.stem), boxes=boxes, size=(width, height))


def _stated_size(root: ET.Element) -> tuple[int, int] | None:
    """Return the size that the annotation states; None where it states none, as some programs do with zeros."""
    sides = [root.findtext(f"size/{side}") or "" for side in ("width", "height")]
    return (int(sides[0]), int(sides[1])) if all(side.isdecimal() for side in sides) else None


def _boxes(root: ET.Element, file: Path, width: int, height: int) -> Iterator[Box]:
    for found in root.iter("object"):
        try:
            name, (left, top, right, bottom) = _object(found)
        except ValueError as error:
            raise data_error(f"{file}: an object needs a name and a bndbox of four numbers; correct it") from error
        shares = ((left - 1) / width, (top - 1) / height, right / width, bottom / height)
        yield box(name, shares, str(file))


def _object(found: ET.Element) -> tuple[str, list[float]]:
    name, corners = found.findtext("name"), found.find("bndbox")
    if not name or corners is None:
        raise ValueError("no name or no bndbox")
    return name, [float(corners.findtext(side) or "") for side in ("xmin", "ymin", "xmax", "ymax")]
