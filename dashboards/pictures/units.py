"""Numbers with Grafana's units, as Grafana writes them."""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

_SUFFIX: Final = "suffix:"
_THOUSANDS: Final = ("", " K", " Mil", " Bil", " Tri")
_SCALED: Final[Mapping[str, tuple[int, Sequence[str]]]] = {
    "short": (1000, _THOUSANDS),
    "bytes": (1024, (" B", " KiB", " MiB", " GiB", " TiB")),
    "Bps": (1000, (" B/s", " kB/s", " MB/s", " GB/s", " TB/s")),
    "ops": (1000, tuple(f"{step} ops/s" for step in _THOUSANDS)),
    "reqps": (1000, tuple(f"{step} req/s" for step in _THOUSANDS)),
}
"""By how much each step is larger, and what stands behind the number."""


def formatted(value: float, unit: str) -> str:
    """Return a value in a unit of Grafana's, in about three digits.

    Raises:
        ValueError: the unit is not known here.
    """
    if unit.startswith(_SUFFIX):
        return _fixed(value) + unit.removeprefix(_SUFFIX)
    if unit in _SCALED:
        return _scaled(value, *_SCALED[unit])
    if unit not in _SPECIAL:
        raise ValueError(f"the unit {unit!r} is not known: add it, as Grafana writes it")
    return _SPECIAL[unit](value)


def _decimals(value: float) -> int:
    size = abs(value)
    if size == 0 or size % 1 == 0:
        return 0
    return max(0, 2 - math.floor(math.log10(size)))


def _fixed(value: float) -> str:
    return f"{value:.{_decimals(value)}f}"


def _scaled(value: float, step: int, names: Sequence[str]) -> str:
    place = 0
    while abs(value) >= step and place < len(names) - 1:
        value /= step
        place += 1
    return _fixed(value) + names[place]


def _seconds(value: float) -> str:
    size = abs(value)
    if size == 0:
        return "0 s"
    if size < 1e-3:
        return f"{_fixed(value * 1e6)} µs"
    if size < 1:
        return f"{_fixed(value * 1e3)} ms"
    for limit, length, name in ((60, 1, "s"), (3600, 60, "min"), (86400, 3600, "hour"), (604800, 86400, "day")):
        if size < limit:
            text = _fixed(value / length)
            return f"{text} {name}{'s' if name != 's' and text != '1' else ''}"
    return f"{_fixed(value / 604800)} weeks"


def _exponential(value: float) -> str:
    mantissa, exponent = f"{value:.3e}".split("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent):+d}"


def _local(value: float) -> str:
    return datetime.fromtimestamp(value / 1000).strftime("%Y-%m-%d %H:%M:%S")


def _percent(value: float) -> str:
    return f"{_fixed(100 * value)}%"


_SPECIAL: Final[Mapping[str, Callable[[float], str]]] = {
    "none": _fixed,
    "percentunit": _percent,
    "s": _seconds,
    "sci": _exponential,
    "dateTimeAsLocal": _local,
}
"""Units that are written in ways of their own."""
