"""Small pictures and data sets for tests."""

import io
import json
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

from PIL import Image

HEADER: dict[str, Any] = {
    "name": "bottles",
    "splits": ["train", "val", "test"],
    "views": [
        {"name": "material", "type": "Classification", "concepts": ["glass", "metal", "paper", "plastic"]},
        {"name": "colour", "type": "Tagging", "concepts": ["red", "green"]},
    ],
}


def picture(value: int = 0, kind: str = "PNG", size: tuple[int, int] = (24, 16)) -> bytes:
    """Return an encoded picture of noise; another value is another picture."""
    buffer = io.BytesIO()
    Image.frombytes("L", size, Random(value).randbytes(size[0] * size[1])).save(buffer, kind)
    return buffer.getvalue()


def truncated(kind: str) -> bytes:
    """Return a picture whose second half is missing."""
    whole = picture(kind=kind, size=(200, 200))
    return whole[: len(whole) // 2]


def image_line(file: str, concepts: Sequence[str] | None = (), *, split: str | None = None) -> dict[str, Any]:
    """Return the line of an image; None as concepts: not annotated."""
    line: dict[str, Any] = {"data": {"file": file}}
    if split is not None:
        line["splits"] = [split]
    if concepts is not None:
        line["annotations"] = [{"concepts": [{"name": concept, "bool": True} for concept in concepts]}]
    return line


def json_lines(*documents: object) -> bytes:
    """Return the documents as JSON lines."""
    return "".join(json.dumps(document) + "\n" for document in documents).encode()


def write_files(folder: Path, files: dict[str, bytes]) -> None:
    """Write files below a folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
