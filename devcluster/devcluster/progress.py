"""Saying what is being done, on standard error: a moving line in a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Callable

Say = Callable[[str], None]

_PLAIN_INTERVAL_S = 30.0


def say(message: str) -> None:
    """Print one line on standard error, over a moving line if there is one."""
    sys.stderr.write(f"\r\x1b[K{message}\n" if sys.stderr.isatty() else f"{message}\n")
    sys.stderr.flush()


def duration(seconds: float) -> str:
    """Return minutes and seconds, as in 2:05."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02d}"


class Ticker:
    """A line about what takes long: redrawn each second in a terminal, repeated every half minute elsewhere."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._last = ""
        self._printed_at = 0.0

    def show(self, subject: str, detail: str) -> None:
        """Show the subject with its present detail; a new subject is always shown at once."""
        now = time.monotonic()
        if self._terminal:
            sys.stderr.write(f"\r\x1b[K{subject} ({detail})")
            sys.stderr.flush()
        elif subject != self._last or now - self._printed_at >= _PLAIN_INTERVAL_S:
            say(f"{subject} ({detail})")
            self._printed_at = now
        self._last = subject
