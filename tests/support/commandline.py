"""The type of the fixture that runs the `tintype` command."""

from collections.abc import Callable

Tintype = Callable[..., tuple[int, str, str]]
"""Takes the arguments; returns the exit code, and what was written to the standard output and error."""
