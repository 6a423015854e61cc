"""Fields of Studio JSON lines, read with their types. Pure."""

import json
from typing import Any


class LineError(Exception):
    """What is wrong with a line and what to do; the line's number is put before it."""


def list_of(document: dict[str, Any], field: str) -> list[Any]:
    """Return a list; empty where the field is absent."""
    value = document.get(field, [])
    if not isinstance(value, list):
        raise LineError(f'must have a list as "{field}"')
    return value


def objects_of(document: dict[str, Any], field: str) -> list[dict[str, Any]]:
    """Return a list of objects; empty where the field is absent."""
    values = list_of(document, field)
    if not all(isinstance(value, dict) for value in values):
        raise LineError(f'must have a list of objects as "{field}"')
    return values


def texts_of(document: dict[str, Any], field: str) -> list[str]:
    """Return a list of strings; empty where the field is absent."""
    values = list_of(document, field)
    if not all(isinstance(value, str) for value in values):
        raise LineError(f'must have a list of strings as "{field}"')
    return values


def text_of(document: dict[str, Any], field: str, where: str) -> str:
    """Return a string that is not empty and can be shown; `where` is the object that it stands in."""
    value = document.get(field)
    if not isinstance(value, str) or not value:
        raise LineError(f'must have a string "{field}" in "{where}"')
    if not value.isprintable():
        raise LineError(f'has characters in "{field}" that cannot be shown; remove them')
    return value


def quoted(value: object) -> str:
    """Return a value as JSON, cut where it is long."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 120 else text[:117] + "..."
