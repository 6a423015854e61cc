"""COCO json: images, categories, and annotations with a bbox of x, y, width and height in pixels."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tintype_api.errors import UserError, data_error
from tintype_api.spec.view import ViewType
from tintype_trainer.datasets.dataset import Box
from tintype_trainer.datasets.importers.imported import Imported, ImportedImage, box
from tintype_trainer.datasets.importers.writing import Notes


def read_coco(file: Path, images: Path | None, notes: Notes) -> Imported:
    """Return the data set of a file.

    Args:
        file: The COCO json.
        images: The folder of the pictures; None: that of the file.
        notes: Takes the boxes of crowds, which are left out.

    Raises:
        UserError: exit 65 naming what is wrong.
    """
    document = _parse(file)
    categories = {each["id"]: str(each["name"]) for each in _objects(document, "categories", ("id", "name"), file)}
    pictures = _objects(document, "images", ("id", "file_name", "width", "height"), file)
    boxes: dict[object, list[dict[str, Any]]] = defaultdict(list)
    for annotation in _objects(document, "annotations", ("image_id", "category_id", "bbox"), file):
        if annotation.get("iscrowd"):
            notes.crowds += 1
        else:
            boxes[annotation["image_id"]].append(annotation)
    folder = images or file.parent
    return Imported(
        ViewType.DETECTION,
        tuple(categories[key] for key in sorted(categories)),
        tuple(
            ImportedImage(
                folder / str(picture["file_name"]),
                boxes=tuple(_boxes(picture, boxes[picture["id"]], categories, file)),
                size=(picture["width"], picture["height"]),
            )
            for picture in pictures
        ),
    )


def _parse(file: Path) -> Mapping[str, Any]:
    try:
        document = json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        raise data_error(f"{file} is no JSON; give a COCO json with images, annotations and categories") from error
    if not isinstance(document, dict):
        raise data_error(f"{file} is no JSON object; give a COCO json with images, annotations and categories")
    return document


def _objects(document: Mapping[str, Any], name: str, fields: Sequence[str], file: Path) -> list[dict[str, Any]]:
    found = document.get(name)
    if not isinstance(found, list):
        raise data_error(f"{file} has no list of {name}; give a COCO json with images, annotations and categories")
    for number, each in enumerate(found):
        missing = [field for field in fields if not isinstance(each, dict) or field not in each]
        if missing:
            raise data_error(f"{file}: {name}[{number}] has no {missing[0]}; add it")
    return found


def _boxes(
    picture: Mapping[str, Any], annotations: Sequence[Mapping[str, Any]], categories: Mapping[object, str], file: Path
) -> Iterator[Box]:
    for annotation in annotations:
        where = f"{file}: annotation {annotation.get('id', '?')} of {picture['file_name']}"
        if annotation["category_id"] not in categories:
            raise data_error(f"{where}: there is no category {annotation['category_id']}; add or correct it")
        name = categories[annotation["category_id"]]
        try:
            width, height = float(picture["width"]), float(picture["height"])
            x, y, wide, high = (float(number) for number in annotation["bbox"])
            shares = (x / width, y / height, (x + wide) / width, (y + high) / height)
        except (TypeError, ValueError, ZeroDivisionError) as error:
            raise _no_box(where) from error
        yield box(name, shares, where)


def _no_box(where: str) -> UserError:
    return data_error(f"{where}: bbox must be four numbers, x y width height in pixels; correct it")
