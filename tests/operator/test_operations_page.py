"""docs/operations.md says what each phase, condition and reason means."""

import re
from itertools import chain
from pathlib import Path

import pytest

from tintype_api.constants import Condition, Phase, Reason
from tintype_operator.reasons import WaitingReason

PAGE = Path(__file__).parents[2] / "docs" / "operations.md"


def told() -> set[str]:
    """Return what the first column of each table names."""
    cells = re.findall(r"^\| ([^|]+) \|", PAGE.read_text(), re.MULTILINE)
    return {name.strip("` ") for cell in cells for name in cell.split(",")}


@pytest.mark.parametrize("name", sorted({*map(str, chain(Phase, Condition, Reason, WaitingReason))}))
def test_everything_is_explained(name: str) -> None:
    assert name in told(), f"docs/operations.md has no line for {name}"
