"""ModelVersions as people write them: YAML or JSON files, and changes on the command line."""

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from tintype_api.errors import UserError, access_denied, invalid_spec, not_found
from tintype_trainer.yaml_text import YamlError, yaml_documents

STANDARD_INPUT: Final = "-"


def read_documents(name: str) -> list[Any]:
    """Return the YAML or JSON documents of a file, "-" being standard input; empty ones are left out.

    Raises:
        UserError: exit 66 where there is no such file, 64 where it is no YAML.
    """
    try:
        text = sys.stdin.read() if name == STANDARD_INPUT else Path(name).read_text(encoding="utf-8")
        return [document for document in yaml_documents(text) if document is not None]
    except YamlError as error:
        raise invalid_spec(f"{name} is no YAML{error}; correct it") from error
    except UnicodeDecodeError as error:
        raise invalid_spec(f"{name} is no text in UTF-8; give a YAML or JSON file") from error
    except OSError as error:
        raise _not_readable(name, error) from error


def read_document(name: str) -> dict[str, Any]:
    """Return the one document of a file.

    Raises:
        UserError: exit 64 where it holds none or several, or no mapping; as `read_documents` else.
    """
    documents = read_documents(name)
    if len(documents) != 1:
        raise invalid_spec(f"{name} holds {len(documents)} documents; give a file with exactly one ModelVersion")
    if not isinstance(documents[0], dict):
        raise invalid_spec(f"{name} holds no mapping; it must have apiVersion, kind, metadata and spec")
    return documents[0]


def with_changes(document: Mapping[str, Any], changes: Iterable[str]) -> dict[str, Any]:
    """Return the document with each "path=value" put into its spec; paths are dotted camelCase, values are YAML.

    Raises:
        UserError: exit 64 where a change has no "=", or leads through something that is no mapping. Pure.
    """
    changed = dict(document)
    for change in changes:
        path, equals, text = change.partition("=")
        if not equals or not path:
            raise invalid_spec(f"--set {change}: write it as path=value, such as training.epochs=2")
        try:
            value, *more = yaml_documents(text) or [None]
        except YamlError as error:
            raise invalid_spec(f"--set {change}: the value is no YAML; put quotes around it") from error
        if more:
            raise invalid_spec(f"--set {change}: the value is more than one; put quotes around it")
        changed = _put(changed, ["spec", *path.split(".")], value, change)
    return changed


def _put(document: Mapping[str, Any], path: list[str], value: object, change: str) -> dict[str, Any]:
    first, *rest = path
    if not rest:
        return {**document, first: value}
    inner = document.get(first)
    if inner is not None and not isinstance(inner, Mapping):
        raise invalid_spec(f"--set {change}: {first} is no mapping and has no field {rest[0]}; correct the path")
    return {**document, first: _put(inner or {}, rest, value, change)}


def _not_readable(name: str, error: OSError) -> UserError:
    if isinstance(error, PermissionError):
        return access_denied(f"{name} may not be read by this user; give it the right to")
    return not_found(f"{name} cannot be read ({error.strerror}); correct the path")
