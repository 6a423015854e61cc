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
SAID_ELSEWHERE: Final = ("dataset.uri", "output.uri")
Path = tuple[str, ...]


def options_of(version: ModelVersion) -> tuple[Option, ...]:
    """Return the options of a resolved version, in the order of its spec's parts."""
    spec = version.to_wire()["spec"]
    found = [each for part in SHOWN if part in spec for each in _options(version, (part,), spec[part])]
    return tuple(option for option in found if option.path not in SAID_ELSEWHERE)


def _options(version: ModelVersion, path: Path, value: object) -> Iterator[Option]:
    default = _default(version, path)
    if isinstance(value, Mapping) and (isinstance(default, Mapping) or len(path) == 1):
        for key, inner in value.items():
            yield from _options(version, (*path, key), inner)
    else:
        yield Option(path=".".join(path), value=_text(value), default=_text_or_none(default), changed=value != default)


def _default(version: ModelVersion, path: Path) -> object:
    """Return what an option would be if it were not given; None where it has to be, or is nothing then."""
    document = copy.deepcopy(version.to_wire())
    _remove(document["spec"], path)
    try:
        resolved = resolve(ModelVersion.parse(document)).to_wire()
    except UserError:
        return None
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


def _text_or_none(value: object) -> str | None:
    return None if value is None else _text(value)


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "; ".join(map(_text, value)) if value else "none"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_text(inner)}" for key, inner in value.items())
    return json.dumps(value)
