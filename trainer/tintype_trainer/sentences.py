"""Sentences that stand in several places, and lists within sentences. Pure."""

from collections.abc import Sequence
from typing import Final

NAMED: Final = 5
NO_VALIDATION: Final = (
    "there is no validation set: the last iteration is published, and the version has no performance indicator by "
    "which to compare it; dataset.validation sets examples aside"
)


def first_of(items: Sequence[str], count: int) -> str:
    """Return the first five items, and how many more there are of `count` in all."""
    shown = list(items[:NAMED])
    more = [f"and {count - len(shown)} more"] if count > len(shown) else []
    return "; ".join([*shown, *more])


def counted(number: int, what: str) -> str:
    """Return a number of things whose plural ends in s."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message, or else the name of its type."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
