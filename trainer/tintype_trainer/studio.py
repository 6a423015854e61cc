"""Reads Studio JSON lines.

The first line is the header, each further line an image; empty lines are allowed. Fields that are not named here may
be there and are not read.

Header::

    {"name": "solar cells", "splits": ["train", "val", "test"],
     "views": [{"name": "cell condition", "type": "Classification", "concepts": ["functional", "defective"]}]}

- `views`: each with `name`, `type` and the list of `concepts` that annotations may name; required.
- `splits`: the names that images may use, of train, val (or validation) and test; optional.

Image::

    {"data": {"file": "images/cell0001.png"}, "splits": ["train"],
     "annotations": [{"concepts": [{"name": "defective", "bool": true}]}]}

- `data`: exactly one of `file`, a path below the folder of the data set file, and `url`, an s3:// URI (or a
  file:// URI where the data set file itself is one). Each image stands in one line.
- `splits`: at most one name; an image without one is for training.
- `annotations`: a list of objects with `concepts`, a list of objects with `name` (a concept of some view of the
  header) and `bool`, whether it holds of the image.

An image is annotated for a view where an annotation names a concept of the view, with `bool` true or false, or has
an empty `concepts`.
"""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tintype_api.errors import UserError, data_error, invalid_spec
from tintype_api.spec.view import View
from tintype_trainer.dataset import Split

SPLITS: Final[Mapping[str, Split]] = {
    "train": Split.TRAIN,
    "val": Split.VALIDATION,
    "validation": Split.VALIDATION,
    "test": Split.TEST,
}


@dataclass(frozen=True, slots=True)
class StudioImage:
    """One line of a data set.

    Attributes:
        line: Its number, from 1.
        file: Path below the data set's folder; None where there is a URL.
        url: URI of the image; None where there is a file.
        split: The set that it belongs to.
        annotated: Whether it is annotated for the view.
        concepts: The concepts of the view that hold of it, each once, sorted.
    """

    line: int
    file: str | None
    url: str | None
    split: Split
    annotated: bool
    concepts: tuple[str, ...]

    @property
    def name(self) -> str:
        """The file or URL, which names the image within the data set."""
        return self.file or self.url or ""


@dataclass(frozen=True, slots=True)
class _Header:
    view_concepts: frozenset[str]
    all_concepts: frozenset[str]


class _LineError(Exception):
    """What is wrong with a line and what to do; the line's number is put before it."""


def read_studio(lines: Iterable[bytes], view: View, concepts: Iterable[str], uri: str) -> Iterator[StudioImage]:
    """Yield the images of a data set, one by one, as the lines come.

    Args:
        lines: The lines of the file.
        view: The spec's view.
        concepts: The spec's concepts, each of which the view of the header must have.
        uri: The file's URI, for messages.

    Raises:
        UserError: exit 65 naming the line that is no such line, the view or concept that is missing; 64 where the
            type of the view differs from the header's.
    """
    numbered = ((number, line) for number, line in enumerate(lines, start=1) if line.strip())
    header: _Header | None = None
    for number, line in numbered:
        try:
            document = _parse(line)
            if header is None:
                header = _read_header(document, view, tuple(concepts), uri)
            else:
                yield _read_image(document, header, number)
        except _LineError as error:
            raise data_error(f"{uri}: line {number} {error}") from None
    if header is None:
        raise data_error(f"{uri} is empty; its first line must be the header of Studio JSON lines")


def _parse(line: bytes) -> dict[str, Any]:
    try:
        document = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        why = {json.JSONDecodeError: getattr(error, "msg", ""), RecursionError: "too deep"}.get(type(error), "no UTF-8")
        raise _LineError(f"is not JSON ({why}); a data set of Studio JSON lines has one JSON object a line") from error
    if not isinstance(document, dict):
        raise _LineError("is no JSON object; write an object in braces")
    return document


def _read_header(document: dict[str, Any], view: View, concepts: tuple[str, ...], uri: str) -> _Header:
    views = {_text(entry, "name", "views"): entry for entry in _objects(document, "views")}
    if not views:
        raise _LineError('is no header: it has no "views"; the first line must list them')
    unknown = [name for name in _texts(document, "splits") if name not in SPLITS]
    if unknown:
        raise _LineError(f"has the split {_quoted(unknown[0])}; splits are {', '.join(SPLITS)}")
    by_view = {name: frozenset(_texts(entry, "concepts")) for name, entry in views.items()}
    _check_view(views, by_view, view, concepts, uri)
    return _Header(by_view[view.name], frozenset().union(*by_view.values()))


def _check_view(
    views: Mapping[str, dict[str, Any]],
    by_view: Mapping[str, frozenset[str]],
    view: View,
    concepts: tuple[str, ...],
    uri: str,
) -> None:
    if view.name not in views:
        names = ", ".join(map(_quoted, views))
        raise data_error(f"view.name: {uri} has no view {_quoted(view.name)}; it has {names}")
    file_type = _text(views[view.name], "type", "views")
    if file_type != view.type:
        raise invalid_spec(f"view.type: {view.type}, but {uri} says {file_type}; make them agree")
    for concept in concepts:
        if concept not in by_view[view.name]:
            raise _no_concept(concept, view, by_view[view.name], uri)


def _no_concept(concept: str, view: View, there: frozenset[str], uri: str) -> UserError:
    names = ", ".join(map(_quoted, sorted(there)[:10])) + (", ..." if len(there) > 10 else "")
    return data_error(
        f"concepts: the view {_quoted(view.name)} of {uri} has no concept {_quoted(concept)}; it has {names or 'none'}"
    )


def _read_image(document: dict[str, Any], header: _Header, number: int) -> StudioImage:
    file, url = _read_data(document)
    annotated, concepts = _read_annotations(document, header)
    return StudioImage(number, file, url, _read_split(document), annotated, concepts)


def _read_data(document: dict[str, Any]) -> tuple[str | None, str | None]:
    data = document.get("data")
    if not isinstance(data, dict) or ("file" in data) == ("url" in data):
        raise _LineError('must have "data" with exactly one of "file" and "url"')
    if "url" in data:
        url = _text(data, "url", "data")
        if not url.startswith(("s3://", "file:///")):
            raise _LineError(f"has the url {_quoted(url)}; it must begin with s3:// or file:///")
        return None, url
    file = _text(data, "file", "data")
    if file.startswith("/") or not all(part not in ("", ".", "..") for part in file.split("/")):
        raise _LineError(f"has the file {_quoted(file)}; it must be a plain path below the data set's folder")
    return file, None


def _read_split(document: dict[str, Any]) -> Split:
    names = _texts(document, "splits")
    if not names:
        return Split.TRAIN
    if len(names) > 1 or names[0] not in SPLITS:
        raise _LineError(f'has "splits" {_quoted(names)}; give at most one of {", ".join(SPLITS)}')
    return SPLITS[names[0]]


def _read_annotations(document: dict[str, Any], header: _Header) -> tuple[bool, tuple[str, ...]]:
    annotated = False
    holds: dict[str, bool] = {}
    for annotation in _objects(document, "annotations"):
        named = _objects(annotation, "concepts")
        annotated = annotated or not named
        for entry in named:
            name, value = _read_concept(entry, header)
            if name in header.view_concepts and holds.setdefault(name, value) is not value:
                raise _LineError(f"says both true and false of the concept {_quoted(name)}; keep one")
    return annotated or bool(holds), tuple(sorted(name for name, value in holds.items() if value))


def _read_concept(entry: dict[str, Any], header: _Header) -> tuple[str, bool]:
    name, value = sys.intern(_text(entry, "name", "concepts")), entry.get("bool")
    if name not in header.all_concepts:
        raise _LineError(f"names the concept {_quoted(name)}, which no view of the header has; correct or add it")
    if not isinstance(value, bool):
        raise _LineError(f'must say "bool": true or false of the concept {_quoted(name)}')
    return name, value


def _list(document: dict[str, Any], field: str) -> list[Any]:
    value = document.get(field, [])
    if not isinstance(value, list):
        raise _LineError(f'must have a list as "{field}"')
    return value


def _objects(document: dict[str, Any], field: str) -> list[dict[str, Any]]:
    values = _list(document, field)
    if not all(isinstance(value, dict) for value in values):
        raise _LineError(f'must have a list of objects as "{field}"')
    return values


def _texts(document: dict[str, Any], field: str) -> list[str]:
    values = _list(document, field)
    if not all(isinstance(value, str) for value in values):
        raise _LineError(f'must have a list of strings as "{field}"')
    return values


def _text(document: dict[str, Any], field: str, where: str) -> str:
    value = document.get(field)
    if not isinstance(value, str) or not value:
        raise _LineError(f'must have a string "{field}" in "{where}"')
    if not value.isprintable():
        raise _LineError(f'has characters in "{field}" that cannot be shown; remove them')
    return value


def _quoted(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 120 else text[:117] + "..."
