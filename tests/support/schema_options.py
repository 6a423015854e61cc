"""The options of a JSON schema, and what some documents give them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Option:
    """One leaf of the schema.

    Attributes:
        path: Its place: names joined by dots, `[]` for the items of a list, `[Kind]` for those of one type of a union.
        values: Of an enumeration; empty for others.
        is_number: Whether it takes numbers.
        lowest: The smallest number allowed, or just not allowed.
        lowest_allowed: Which of both.
        highest: The largest number allowed, if it is.
        default: What it is where it is absent.
        required: Whether it cannot be absent.
    """

    path: str
    values: tuple[object, ...] = ()
    is_number: bool = False
    lowest: float | None = None
    lowest_allowed: bool = True
    highest: float | None = None
    default: object = None
    required: bool = False


def options_of(schema: Mapping[str, Any]) -> list[Option]:
    """Return all options of the schema of an object."""
    return list(_walk(schema, schema.get("$defs", {}), "", default=None, required=True))


def given(document: object, path: str) -> list[object]:
    """Return all that a document with all its defaults gives an option; nothing where what it belongs to is absent."""
    return list(_given(document, path.replace("[", ".[").split(".")))


def _walk(
    schema: Mapping[str, Any], defs: Mapping[str, Any], path: str, *, default: object, required: bool
) -> Iterator[Option]:
    if "$ref" in schema:
        yield from _walk(
            defs[schema["$ref"].rpartition("/")[2]],
            defs,
            path,
            default=schema.get("default", default),
            required=required,
        )
    elif "discriminator" in schema:
        for kind, reference in schema["discriminator"]["mapping"].items():
            yield from _walk(
                {"$ref": reference}, defs, f"{path.removesuffix('[]')}[{kind}]", default=None, required=True
            )
    elif "properties" in schema:
        for name, inner in schema["properties"].items():
            place = f"{path}.{name}" if path else name
            needed = name in schema.get("required", ())
            yield from _walk(inner, defs, place, default=inner.get("default"), required=needed)
    elif schema.get("type") == "array":
        yield from _walk(schema["items"], defs, f"{path}[]", default=None, required=True)
    elif "anyOf" in schema and any(not _is_scalar(each) for each in schema["anyOf"]):
        for each in schema["anyOf"]:
            if each.get("type") != "null":
                yield from _walk(each, defs, path, default=default, required=required)
    else:
        yield _leaf(schema, path, default, required=required)


def _is_scalar(schema: Mapping[str, Any]) -> bool:
    return schema.get("type") in {"string", "integer", "number", "boolean", "null"}


def _leaf(schema: Mapping[str, Any], path: str, default: object, *, required: bool) -> Option:
    parts = [part for part in schema.get("anyOf", [schema]) if part.get("type") != "null"]
    values = [value for part in parts for value in part.get("enum", [part["const"]] if "const" in part else [])]
    if any(part.get("type") == "boolean" for part in parts):
        values = [False, True]
    numbers = [part for part in parts if part.get("type") in {"integer", "number"}]
    lowest = numbers[0].get("minimum", numbers[0].get("exclusiveMinimum")) if numbers else None
    allowed = bool(numbers) and "minimum" in numbers[0]
    highest = numbers[0].get("maximum") if numbers else None
    return Option(path, tuple(values), bool(numbers), lowest, allowed, highest, default, required)


def _given(document: object, names: list[str]) -> Iterator[object]:
    if not names:
        yield document
        return
    name, *rest = names
    if name == "[]":
        for item in document if isinstance(document, list) else []:
            yield from _given(item, rest)
    elif name.startswith("["):
        items = document if isinstance(document, list) else []
        for item in items:
            if item["type"] == name[1:-1]:
                yield from _given(item, rest)
    elif isinstance(document, dict) and name in document:
        yield from _given(document[name], rest)
