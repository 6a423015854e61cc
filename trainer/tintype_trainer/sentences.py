"""Lists within sentences. Pure."""

from collections.abc import Sequence
from typing import Final

NAMED: Final = 5


def first_of(items: Sequence[str], count: int) -> str:
    """Return the first five items, and how many more there are of `count` in all."""
    shown = list(items[:NAMED])
    more = [f"and {count - len(shown)} more"] if count > len(shown) else []
    return "; ".join([*shown, *more])
