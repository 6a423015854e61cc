"""Kubernetes resource quantities, as far as `compute` uses them, and durations."""

import re
from decimal import Decimal
from typing import Final

CPU_PATTERN: Final = r"^([1-9][0-9]*m|[0-9]+(\.[0-9]{1,3})?)$"
MEMORY_PATTERN: Final = r"^[1-9][0-9]*(Ki|Mi|Gi|Ti|k|M|G|T)?$"

DURATION_PATTERN: Final = r"^[1-9][0-9]{0,8}[hms]([0-9]{1,9}[ms]){0,2}$"

_FACTORS: Final = {
    "": 1,
    "k": 10**3,
    "M": 10**6,
    "G": 10**9,
    "T": 10**12,
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
    "Ti": 2**40,
}


def cpu_cores(quantity: str) -> Decimal:
    """Return the number of cores of a CPU quantity such as "8", "1.5" or "500m"."""
    if quantity.endswith("m"):
        return Decimal(quantity[:-1]) / 1000
    return Decimal(quantity)


def threads(quantity: str) -> int:
    """Return how many threads a process uses under a CPU quantity: its whole cores, at least one."""
    return max(1, int(cpu_cores(quantity)))


def size_bytes(quantity: str) -> int:
    """Return the bytes of a memory quantity such as "32Gi"."""
    match = re.fullmatch(r"([0-9]+)([A-Za-z]*)", quantity)
    if match is None or match[2] not in _FACTORS:
        raise ValueError(f"'{quantity}' is no memory quantity; write it like 32Gi")
    return int(match[1]) * _FACTORS[match[2]]


def duration_s(duration: str) -> int:
    """Return the seconds of a duration such as "4h", "90m" or "1h30m"."""
    parts = re.findall(r"(\d+)([hms])", duration)
    return sum(int(number) * {"h": 3600, "m": 60, "s": 1}[unit] for number, unit in parts)
