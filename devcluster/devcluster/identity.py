"""Telling a process from a later one of the same id."""

from dataclasses import dataclass
from pathlib import Path

_STATE, _START_TIME = 0, 19  # of the fields that follow the name in /proc/PID/stat


@dataclass(frozen=True)
class Process:
    """A process of this machine: its id, and when it started, in clock ticks since the machine did."""

    pid: int
    started: int

    def runs(self) -> bool:
        """Say whether this very process still runs."""
        return find(self.pid) == self


def parse_stat(pid: int, stat: str) -> Process | None:
    """Return the process that a /proc/PID/stat is of, or None where it has ended and waits for its parent to notice."""
    fields = stat.rpartition(")")[2].split()
    return None if fields[_STATE] in "ZX" else Process(pid, int(fields[_START_TIME]))


def find(pid: int) -> Process | None:
    """Return the process that has the id now, or None."""
    try:
        return parse_stat(pid, Path(f"/proc/{pid}/stat").read_text())
    except (FileNotFoundError, ProcessLookupError):
        return None
