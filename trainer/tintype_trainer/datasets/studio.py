"""Reads Studio JSON lines.

The first line is the header, each further line an image; empty lines are allowed. Fields that are not named here may
be there and are not read.

Header::

    {"name": "solar modules", "splits": ["train", "val", "test"],
     "views": [{"name": "cells", "type": "Detection", "concepts": ["functional", "defective"],
                "children": [{"name": "kind of cell", "type": "Classification", "concepts": ["mono", "poly"],
                              "conditions": [[{"concept": "defective", "holds": true}]]}]}]}

- `views`: each with `name`, `type` and the list of `concepts` that annotations may name; required. A child view stands
  among the `children` of its parent, or in the list itself with the parent's name as `parent`. Its `conditions` are on
  the parent's concepts: the outer list is OR, the inner ones are AND, `holds` is true where it is absent.
- `splits`: the names that images may use, of train, val (or validation) and test; optional.

Image::

    {"data": {"file": "images/0001.png"}, "splits": ["train"], "metadata": {"module": "A 17"},
     "annotations": [{"bbox": [0.1, 0.2, 0.35, 0.6],
                      "concepts": [{"name": "defective", "bool": true}, {"name": "mono", "bool": true}]}]}

- `data`: exactly one of `file`, a path below the folder of the data set file, and `url`, an s3:// URI (or a
  file:// URI where the data set file itself is one). Each image stands in one line.
- `splits`: at most one name; an image without one is for training.
- `metadata`: an object, for `dataset.groupBy`; optional.
- `annotations`: a list of objects with `concepts`, a list of objects with `name` (a concept of some view of the
  header) and `bool`, whether it holds. With `bbox` it is about a region of the image, a box of a Detection view, which
  may name concepts of child views as well; without, about the whole image. `bbox` is [left, top, right, bottom] as
  shares of the width and height of the picture with its EXIF rotation applied, from its upper left corner.

An image is annotated for a view where an annotation names a concept of the view, with `bool` true or false, or has
an empty `concepts`.
"""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tintype_api.errors import data_error
from tintype_api.spec.view import View
from tintype_trainer.datasets.annotations import AnnotatedImage, Annotation
from tintype_trainer.datasets.dataset import Split
from tintype_trainer.datasets.studio_fields import LineError, objects_of, quoted, text_of, texts_of
from tintype_trainer.datasets.studio_header import SPLITS, Header, read_header
from tintype_trainer.datasets.views import ViewPath
from tintype_trainer.storage import join, parent
from tintype_trainer.storage.uri import FILE_SCHEME

_BYTE_ORDER_MARK: Final = "\ufeff"
_PARTS_THAT_LEAD_AWAY: Final = frozenset(("", ".", ".."))
_NO_METADATA: Final[Mapping[str, Any]] = {}


@dataclass(frozen=True, slots=True)
class StudioFile:
    """A data set whose header was read.

    Attributes:
        path: The views from the topmost down to the spec's.
        images: The images, read as the lines come.
    """

    path: ViewPath
    images: Iterator[AnnotatedImage]


def open_studio(lines: Iterable[bytes], view: View, concepts: Sequence[str], uri: str) -> StudioFile:
    """Read the header, and return it with the images, which are read one by one.

    Args:
        lines: The lines of the file.
        view: The spec's view.
        concepts: The spec's concepts, each of which the view of the header must have.
        uri: The file's URI, for the pictures beside it and for messages.

    Raises:
        UserError: exit 65 naming the line that is no such line, the view or concept that is missing; 64 where the
            spec contradicts the header. The images raise the same.
    """
    numbered = ((number, line) for number, line in enumerate(lines, start=1) if not line.isspace() and line)
    for number, line in numbered:
        try:
            header = read_header(_parse(line), view, concepts, uri)
        except LineError as error:
            raise data_error(f"{uri}: line {number} {error}") from None
        return StudioFile(header.path, _images(numbered, header, uri))
    raise data_error(f"{uri} is empty; its first line must be the header of Studio JSON lines")


def _images(numbered: Iterable[tuple[int, bytes]], header: Header, uri: str) -> Iterator[AnnotatedImage]:
    reader = _Reader(header, uri)
    for number, line in numbered:
        try:
            yield reader.image(_parse(line), number)
        except LineError as error:
            raise data_error(f"{uri}: line {number} {error}") from None


def _parse(line: bytes) -> dict[str, Any]:
    try:
        document = json.loads(line.decode().removeprefix(_BYTE_ORDER_MARK))
    except (ValueError, RecursionError) as error:
        known = {
            json.JSONDecodeError: getattr(error, "msg", ""),
            UnicodeDecodeError: "no UTF-8",
            RecursionError: "too deep",
        }
        why = known.get(type(error), "a number of thousands of digits")
        raise LineError(f"is not JSON ({why}); a data set of Studio JSON lines has one JSON object a line") from error
    if not isinstance(document, dict):
        raise LineError("is no JSON object; write an object in braces")
    return document


class _Reader:
    def __init__(self, header: Header, uri: str) -> None:
        self._concepts = header.concepts
        self._folder = parent(uri)
        self._on_this_machine = uri.startswith(FILE_SCHEME)

    def image(self, document: dict[str, Any], number: int) -> AnnotatedImage:
        name, uri = self._data(document)
        annotations = [self._annotation(entry) for entry in objects_of(document, "annotations")]
        if len(annotations) > 1:
            _check_contradictions(annotations)
        metadata = document.get("metadata", _NO_METADATA)
        if not isinstance(metadata, dict) and metadata is not _NO_METADATA:
            raise LineError('must have an object as "metadata"')
        return AnnotatedImage(f"line {number}", name, uri, _split(document), annotations, metadata)

    def _data(self, document: dict[str, Any]) -> tuple[str, str]:
        data = document.get("data")
        if not isinstance(data, dict) or ("file" in data) == ("url" in data):
            raise LineError('must have "data" with exactly one of "file" and "url"')
        if "url" in data:
            url = text_of(data, "url", "data")
            if not url.startswith(("s3://", "file:///")):
                raise LineError(f"has the url {quoted(url)}; it must begin with s3:// or file:///")
            if url.startswith(FILE_SCHEME) and not self._on_this_machine:
                raise LineError("has a file:// URL, which only a data set on this machine may have")
            return url, url
        file = text_of(data, "file", "data")
        if not _PARTS_THAT_LEAD_AWAY.isdisjoint(file.split("/")):
            raise LineError(f"has the file {quoted(file)}; it must be a plain path below the data set's folder")
        return file, join(self._folder, file)

    def _annotation(self, entry: dict[str, Any]) -> Annotation:
        holds: dict[str, bool] = {}
        for named in objects_of(entry, "concepts"):
            name, value = self._concept(named)
            if holds.setdefault(name, value) is not value:
                raise _contradiction(name)
        return Annotation(holds, entry.get("bbox"))

    def _concept(self, entry: dict[str, Any]) -> tuple[str, bool]:
        name, value = entry.get("name"), entry.get("bool")
        if not isinstance(name, str):
            name = text_of(entry, "name", "concepts")
        if name not in self._concepts:
            raise LineError(f"names the concept {quoted(name)}, which no view of the header has; correct or add it")
        if not isinstance(value, bool):
            raise LineError(f'must say "bool": true or false of the concept {quoted(name)}')
        return sys.intern(name), value


def _split(document: dict[str, Any]) -> Split:
    names = texts_of(document, "splits") if "splits" in document else ()
    if not names:
        return Split.TRAIN
    if len(names) > 1 or names[0] not in SPLITS:
        raise LineError(f'has "splits" {quoted(names)}; give at most one of {", ".join(SPLITS)}')
    return SPLITS[names[0]]


def _check_contradictions(annotations: Iterable[Annotation]) -> None:
    whole: dict[str, bool] = {}
    for annotation in annotations:
        if annotation.bbox is None:
            for name, value in annotation.holds.items():
                if whole.setdefault(name, value) is not value:
                    raise _contradiction(name)


def _contradiction(concept: str) -> LineError:
    return LineError(f"says both true and false of the concept {quoted(concept)}; keep one")
