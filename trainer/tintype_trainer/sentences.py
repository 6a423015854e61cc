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
