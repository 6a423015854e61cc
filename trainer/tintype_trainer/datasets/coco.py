"""Reads COCO json: one object with `images`, `annotations` and `categories`, each a list. Read as a stream.

- `images`: `id`, `file_name`, and for Detection and its child views `width` and `height` in pixels. `file_name` is a
  path below the folder of the file, or a URI as in Studio lines. Other fields are metadata for `dataset.groupBy`.
- `annotations`: `image_id`, `category_id`, and for Detection and its child views `bbox`, [left, top, width, height] in
  pixels; `iscrowd` marks a crowd. Other fields, such as segmentations, are read and dropped.
- `categories`: `id` and `name`; the names are the concepts of every view.

Every image is annotated for every view. In Classification and Tagging the concepts of an image are the categories of
its annotations; a child view of a Detection view has one example for each annotation that is no crowd. Nothing is said
of splits: all images are for training, but for those of a second file.
"""

import math
from array import array
from collections import deque
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

import numpy as np

from tintype_api.errors import data_error
from tintype_trainer.datasets.annotations import AnnotatedImage, Annotation, is_number
from tintype_trainer.datasets.dataset import Split
from tintype_trainer.datasets.json_stream import JsonError, read_object
from tintype_trainer.storage import join, parent
from tintype_trainer.storage.uri import FILE_SCHEME, S3_SCHEME

_LISTS: Final = ("images", "annotations", "categories")
_NO_BOX: Final = (math.nan, math.nan, math.nan, math.nan)


@dataclass(frozen=True, slots=True)
class CocoFile:
    """A data set that was read.

    Attributes:
        concepts: The names of the categories.
        images: The images, in the order of the file.
    """

    concepts: frozenset[str]
    images: Iterator[AnnotatedImage]


@dataclass(frozen=True, slots=True)
class CocoSource:
    """How a file is read.

    Attributes:
        uri: Its URI, for the pictures beside it and for messages.
        split: The set that all of its images belong to.
        prefix: What stands before the names of its images, so that they differ from those of another file.
        with_boxes: Whether annotations are about regions; else they are about whole images.
        metadata: The field of the images that is kept as metadata.
    """

    uri: str
    split: Split = Split.TRAIN
    prefix: str = ""
    with_boxes: bool = True
    metadata: str | None = None


def read_coco(chunks: Iterable[bytes], source: CocoSource) -> CocoFile:
    """Read a file; `chunks` are its content.

    Raises:
        UserError: exit 65 naming the image or annotation that is wrong. The images raise the same.
    """
    reader = _Reader(source)
    takers = {"images": reader.add_image, "annotations": reader.add_annotation, "categories": reader.add_category}
    try:
        reader.check(read_object(chunks, takers))
    except JsonError as error:
        raise data_error(f"{source.uri} {error}") from error
    return CocoFile(frozenset(reader.categories.values()), reader.images())


class _Numbers:
    """Numbers keys, which may be numbers or strings, in the order in which they come."""

    def __init__(self) -> None:
        self.of: dict[int | str, int] = {}

    def number(self, key: int | str) -> int:
        return self.of.setdefault(key, len(self.of))


class _Reader:
    """Keeps of each annotation its numbers alone, 41 bytes: images and categories may stand behind it in the file.

    Of images there are lists, by their number, and no objects of their own: they are at the peak beside the examples.
    """

    def __init__(self, source: CocoSource) -> None:
        self.categories: dict[int, str] = {}
        self._source = source
        self._folder = parent(source.uri)
        self._image_numbers, self._category_numbers = _Numbers(), _Numbers()
        self._names: list[str | None] = []
        self._sizes: list[tuple[float, float] | None] = []
        self._kept: list[object] = []
        self._equal_sizes: dict[tuple[float, float], tuple[float, float]] = {}
        self._image_of, self._category_of = array("i"), array("i")
        self._crowds, self._boxes = bytearray(), array("d")

    def add_category(self, entry: object) -> None:
        fields = _fields(entry, "categories")
        name = fields.get("name")
        if not isinstance(name, str) or not name:
            raise JsonError('must have a string "name" in each of "categories"')
        self.categories[self._category_numbers.number(_id(fields, "id", "categories"))] = name

    def add_image(self, entry: object) -> None:
        fields = _fields(entry, "images")
        key, name = _id(fields, "id", "images"), fields.get("file_name")
        number = self._image_number(key)
        if not isinstance(name, str) or not name or not name.isprintable():
            raise JsonError(f'must have a path as "file_name" of image {key}')
        if self._names[number] is not None:
            raise JsonError(f"has two images with the id {key}; give each its own")
        size = (_side(fields, "width", key), _side(fields, "height", key)) if self._source.with_boxes else (1, 1)
        self._names[number], self._sizes[number] = name, self._equal_sizes.setdefault(size, size)
        if self._source.metadata:
            self._kept[number] = fields.get(self._source.metadata)

    def add_annotation(self, entry: object) -> None:
        fields = _fields(entry, "annotations")
        self._image_of.append(self._image_number(_id(fields, "image_id", "annotations")))
        self._category_of.append(self._category_numbers.number(_id(fields, "category_id", "annotations")))
        self._crowds.append(bool(fields.get("iscrowd")))
        if self._source.with_boxes:
            self._boxes.extend(_box(fields.get("bbox")))

    def _image_number(self, key: int | str) -> int:
        """Return the number of an image, and make room for it where it is new."""
        number = self._image_numbers.number(key)
        if number == len(self._names):
            self._names.append(None)
            self._sizes.append(None)
            if self._source.metadata:
                self._kept.append(None)
        return number

    def check(self, lists: Set[str]) -> None:
        """Check that all lists were there, and that the annotations name nothing that is not."""
        absent = [name for name in _LISTS if name not in lists]
        if absent:
            raise JsonError(f'has no "{absent[0]}"; COCO json is one object with {", ".join(_LISTS)}')
        images, categories = self._image_numbers.of, self._category_numbers.of
        missing = chain(
            (f"image {key}" for key, number in images.items() if self._names[number] is None),
            (f"category {key}" for key, number in categories.items() if number not in self.categories),
        )
        for what in missing:
            raise JsonError(f"has an annotation of the {what}, which is not there; add or correct it")

    def images(self) -> Iterator[AnnotatedImage]:
        image_of = np.frombuffer(self._image_of, dtype=np.intc)
        order = np.argsort(image_of, kind="stable").astype(np.intc)
        ends = np.cumsum(np.bincount(image_of, minlength=len(self._names)))
        # What becomes examples is not kept twice.
        keys, names = deque(self._image_numbers.of), deque(self._names)
        self._image_numbers.of.clear()
        self._names.clear()
        for number, size in enumerate(self._sizes):
            key, name = keys.popleft(), names.popleft()
            assert name is not None, "all were there"
            assert size is not None, "it comes with the name"
            own = order[ends[number - 1] if number else 0 : ends[number]].tolist()
            annotations = [Annotation({}), *(self._annotation(each, *size) for each in own)]
            metadata = {self._source.metadata: self._kept[number]} if self._source.metadata else {}
            uri = self._uri(name, key)
            source = self._source
            yield AnnotatedImage(f"image {key}", source.prefix + name, uri, source.split, annotations, metadata)

    def _annotation(self, number: int, width: float, height: float) -> Annotation:
        holds = {self.categories[self._category_of[number]]: True}
        if not self._source.with_boxes:
            return Annotation(holds)
        left, top, wide, high = self._boxes[4 * number : 4 * number + 4]
        shares = left / width, top / height, (left + wide) / width, (top + high) / height
        return Annotation(holds, shares, bool(self._crowds[number]))

    def _uri(self, name: str, key: int | str) -> str:
        if name.startswith((S3_SCHEME, FILE_SCHEME)):
            if name.startswith(FILE_SCHEME) and not self._source.uri.startswith(FILE_SCHEME):
                raise data_error(
                    f"{self._source.uri}: image {key} has a file:// URI, which only a data set on this machine may have"
                )
            return name
        if not {"", ".", ".."}.isdisjoint(name.split("/")):
            raise data_error(
                f"{self._source.uri}: image {key} has the file_name '{name}'; it must be a plain path below the data "
                "set's folder"
            )
        return join(self._folder, name)


def _fields(entry: object, where: str) -> dict[str, Any]:
    if not isinstance(entry, dict):
        raise JsonError(f'must have a list of objects as "{where}"')
    return entry


def _id(fields: dict[str, Any], field: str, where: str) -> int | str:
    value = fields.get(field)
    if not isinstance(value, int | str):
        raise JsonError(f'must have a number or string "{field}" in each of "{where}"')
    return value


def _side(fields: dict[str, Any], field: str, key: int | str) -> float:
    value = fields.get(field)
    if not is_number(value) or not value > 0:
        raise JsonError(f'must have the "{field}" of image {key} in pixels, of which its boxes are shares; add it')
    return float(value)


def _box(value: object) -> Sequence[float]:
    """Return the numbers of a box; what is none becomes not-a-number, which is named when the box is used."""
    return value if isinstance(value, list) and len(value) == 4 and all(map(is_number, value)) else _NO_BOX
