"""Which options a version was trained with, and which of them are not as they are by default. Pure.

The default of an option is what it would be if it alone were not given: that of a learning rate depends on the
architecture and the batch size that were chosen.
"""

import copy
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from tintype_api.errors import UserError
from tintype_api.modelversion import ModelVersion, resolve
from tintype_trainer.report.document import Option

SHOWN: Final = ("training", "imageResizer", "datasetOptions", "augmentations", "dataset", "output", "compute")
"""Parts of the spec that say how it was trained."""
PARTS_OF_FIELDS: Final = ("training", "dataset", "datasetOptions", "output", "compute")
"""Parts whose fields are options each for itself, although a version cannot be without some of them."""
SAID_ELSEWHERE: Final = ("dataset.uri", "output.uri")
DIGITS: Final = 6
REQUIRED: Final = object()
Path = tuple[str, ...]


def options_of(version: ModelVersion) -> tuple[Option, ...]:
    """Return the options of a resolved version, in the order of its spec's parts."""
    spec = version.to_wire()["spec"]
    found = [each for part in SHOWN if part in spec for each in _options(version, (part,), spec[part])]
    return tuple(option for option in found if option.path not in SAID_ELSEWHERE)


def _options(version: ModelVersion, path: Path, value: object) -> Iterator[Option]:
    default = _default(version, path)
    if isinstance(value, Mapping) and _are_options_each(version, path, value, default):
        for key, inner in value.items():
            yield from _options(version, (*path, key), inner)
    else:
        usual = None if default in (None, REQUIRED) else _text(default)
        yield Option(path=".".join(path), value=_text(value), default=usual, changed=value != default)


def _are_options_each(version: ModelVersion, path: Path, value: Mapping[str, object], default: object) -> bool:
    """Return whether each field can be left out by itself; else they are one option, as width and height are."""
    if len(path) == 1 and path[0] in PARTS_OF_FIELDS:
        return True
    return isinstance(default, Mapping) and not any(_default(version, (*path, key)) is REQUIRED for key in value)


def _default(version: ModelVersion, path: Path) -> object:
    """Return what an option would be if it were not given: None for nothing, REQUIRED where it has to be."""
    document = copy.deepcopy(version.to_wire())
    _remove(document["spec"], path)
    try:
        resolved = resolve(ModelVersion.parse(document)).to_wire()
    except UserError:
        return REQUIRED
    return _at(resolved["spec"], path)


def _remove(part: dict[str, Any], path: Path) -> None:
    *outer, last = path
    for key in outer:
        part = part[key]
    del part[last]


def _at(part: object, path: Path) -> object:
    for key in path:
        if not isinstance(part, Mapping) or key not in part:
            return None
        part = part[key]
    return part


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "; ".join(map(_text, value)) if value else "none"
    if isinstance(value, Mapping):
        return ", ".join(_text(inner) if key == "type" else f"{key} {_text(inner)}" for key, inner in value.items())
    if isinstance(value, float):
        return f"{value:.{DIGITS}g}"
    return json.dumps(value)
