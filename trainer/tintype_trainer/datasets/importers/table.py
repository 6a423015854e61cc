"""CSV: a header with the columns image and concept, a row for each concept that holds of an image."""

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from tintype_api.errors import data_error
from tintype_api.spec.view import ViewType
from tintype_trainer.datasets.importers.imported import Imported, ImportedImage, in_order, no_picture

_SPLITS: Final = {"": None, "train": "train", "val": "val", "validation": "val", "test": "test"}


def read_csv(file: Path) -> Imported:
    """Return the data set of a file.

    `image` is a path relative to the file's folder, or absolute; an empty `concept` says that none holds; a column
    `split` (train, val or test) may be there. It is Classification where each image has exactly one concept, else
    Tagging.

    Raises:
        UserError: exit 65 naming the line that is wrong.
    """
    found: dict[str, list[str]] = {}
    splits: dict[str, str | None] = {}
    with file.open(encoding="utf-8-sig", newline="") as content:
        rows = csv.DictReader(content)
        if not {"image", "concept"} <= set(rows.fieldnames or ()):
            raise data_error(f"{file} line 1: must name the columns image and concept; add them")
        for row in rows:
            name, concept, split = (row.get(column) or "" for column in ("image", "concept", "split"))
            where = f"{file} line {rows.line_num}"
            if not name:
                raise data_error(f"{where}: names no image; correct or remove it")
            if split not in _SPLITS:
                raise data_error(f"{where}: has the split '{split}'; write train, val or test")
            splits.setdefault(name, _SPLITS[split])
            found.setdefault(name, []).extend([concept] if concept else [])
    images = tuple(_image(file, name, concepts, splits[name]) for name, concepts in found.items())
    single = all(len(image.concepts) == 1 for image in images)
    concepts = in_order(concept for image in images for concept in image.concepts)
    return Imported(ViewType.CLASSIFICATION if single else ViewType.TAGGING, concepts, images)


def _image(file: Path, name: str, concepts: Iterable[str], split: str | None) -> ImportedImage:
    path = file.parent / name
    if not path.exists():
        raise no_picture(path)
    return ImportedImage(path, split, in_order(concepts))
