"""Which options of two resolved specs differ. Pure."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

NO_OPTIONS: Final = ("runPolicy", "podTemplate", "storage", "output", "view", "concepts")
"""Parts of a spec that say nothing of what is learned, and those that all versions of a model share."""
EXAMPLES: Final = "examples"
FIRST: Final = ("dataset", "training")
"""What matters most comes first."""
KIND: Final = "type"
ON: Final = "on"


@dataclass(frozen=True, slots=True)
class OptionChange:
    """One option that differs; None stands for one that is not there.

    Attributes:
        path: Such as training.epochs.
        before: Its value in the version before, as YAML writes it.
        now: Its value.
    """

    path: str
    before: str | None
    now: str | None


def option_changes(
    before: Mapping[str, Any], now: Mapping[str, Any], *, examples_differ: bool = False
) -> list[OptionChange]:
    """Return what differs between the options of two resolved specs, by path.

    Args:
        before: Spec of the version before, as JSON.
        now: Spec of this version.
        examples_differ: Whether the frozen examples differ; said where the specs alone do not tell it.
    """
    old, new = dict(_leaves(_options(before))), dict(_leaves(_options(now)))
    differing = {path for path in old.keys() | new.keys() if old.get(path) != new.get(path)}
    paths = sorted((path for path in differing if not _is_within(path, differing, old, new)), key=_rank)
    changes = [OptionChange(path, old.get(path), new.get(path)) for path in paths]
    if examples_differ and not any(path.startswith("dataset") for path in paths):
        changes.append(OptionChange(EXAMPLES, None, "others in the same data set"))
    return changes


def _is_within(path: str, differing: set[str], old: Mapping[str, str], new: Mapping[str, str]) -> bool:
    """Return whether a path is within a typed part that only one side has: that part is the change, and told once."""
    parts = path.split(".")
    above = {".".join(parts[:length]) for length in range(1, len(parts))} & differing
    return any(old.get(each, ON) == new.get(each, ON) == ON for each in above)


def _rank(path: str) -> tuple[bool, str]:
    return not path.startswith(FIRST), path


def _options(spec: Mapping[str, Any]) -> dict[str, Any]:
    return {name: part for name, part in spec.items() if name not in NO_OPTIONS}


def _leaves(part: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield path and text of each value; a list of typed parts is walked by type, any other list is one value."""
    if isinstance(part, Mapping):
        for name, inner in part.items():
            yield from _leaves(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(part, list) and part and all(isinstance(each, Mapping) and KIND in each for each in part):
        for each in part:
            kind = f"{path}.{each[KIND]}"
            yield kind, ON
            yield from _leaves({name: inner for name, inner in each.items() if name != KIND}, kind)
    elif part is not None and part != []:
        yield path, _text(part)


def _text(value: object) -> str:
    """Return a value as people write it: 12 for 12.0, as YAML takes both."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
