"""The page of all values of the chart, from its values.yaml, whose comments say what each does, and from its schema."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_HEAD = """# All values of the chart

Written by `make generate` from `helm/tintype/values.yaml` and its schema; helm refuses a value that is not here.

| value | type | default | what it does |
|---|---|---|---|
"""


@dataclass(frozen=True)
class Value:
    """One value: its path, its default as it is written, and the comments above it."""

    path: str
    default: str
    comment: str


def values_page(chart: Path) -> str:
    """Return the page for the chart in a folder."""
    schema = json.loads((chart / "values.schema.json").read_text())
    rows = (_row(value, schema) for value in _values((chart / "values.yaml").read_text()))
    return _HEAD + "".join(rows)


def _row(value: Value, schema: Mapping[str, Any]) -> str:
    kind = _kind(schema, value.path.split("."), schema)
    comment = value.comment.replace("|", "\\|")
    return f"| `{value.path}` | {kind} | `{value.default}` | {comment} |\n"


def _values(text: str) -> Iterator[Value]:
    """Yield the leaves in their order; the comment of a section goes before those of its own leaves."""
    comments: list[str] = []
    sections: list[tuple[int, str, str]] = []
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.startswith("#"):
            comments.append(stripped.removeprefix("#").strip())
            continue
        if not stripped:
            comments = []
            continue
        indent = len(line) - len(line.lstrip())
        sections = [one for one in sections if one[0] < indent]
        name, _, default = stripped.partition(":")
        told, comments = " ".join(comments), []
        if default:
            inherited = told or (sections[-1][2] if sections else "")
            yield Value(".".join([*(one[1] for one in sections), name]), default.strip(), inherited)
        else:
            sections.append((indent, name, told))


def _kind(schema: Mapping[str, Any], path: list[str], root: Mapping[str, Any]) -> str:
    """Return the type of a value in words, following references into the schema's definitions."""
    while "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rpartition("/")[2]]
    if path and "properties" in schema:
        return _kind(schema["properties"][path[0]], path[1:], root)
    if path:
        return _kind(schema["additionalProperties"], [], root)
    if "enum" in schema:
        return " or ".join(each or "empty" for each in schema["enum"])
    kind = schema["type"]
    return {"array": "list", "object": "map"}.get(kind, kind) if isinstance(kind, str) else " or ".join(kind)
