"""What the demo prints: plain sentences, and in a terminal one line that moves."""

import sys
from typing import Protocol, TextIO

_CLEAR = "\r\x1b[K"


class Console(Protocol):
    """Where the demo tells what it does."""

    def say(self, text: str) -> None:
        """Print a line that stays."""

    def live(self, text: str) -> None:
        """Show what goes on at this moment; the next line takes its place."""


class Terminal:
    """A console for people: the live line is drawn over again and again."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def say(self, text: str) -> None:
        """Print a line that stays."""
        self._stream.write(f"{_CLEAR}{text}\n")
        self._stream.flush()

    def live(self, text: str) -> None:
        """Draw the line anew, cut to the terminal's width by turning its wrapping off."""
        self._stream.write(f"{_CLEAR}\x1b[?7l{text}\x1b[?7h")
        self._stream.flush()


class Log:
    """A console for files and pipes: lines that stay, and no others."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def say(self, text: str) -> None:
        """Print a line."""
        print(text, file=self._stream, flush=True)

    def live(self, text: str) -> None:
        """Print nothing: what matters of it comes as a line that stays."""


def console() -> Console:
    """Return the console of this process's standard output."""
    return Terminal(sys.stdout) if sys.stdout.isatty() else Log(sys.stdout)


def duration(seconds: float) -> str:
    """Return minutes and seconds, as in 2:05."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02d}"


def size(size_bytes: float) -> str:
    """Return a size for people, as in 13.1 MB."""
    for unit in ("bytes", "kB", "MB"):
        if size_bytes < 1000:
            return f"{size_bytes:.0f} {unit}" if unit == "bytes" else f"{size_bytes:.1f} {unit}"
        size_bytes /= 1000
    return f"{size_bytes:.1f} GB"
