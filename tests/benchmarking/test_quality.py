"""What the benchmark of quality makes of its results."""

from typing import Any

import pytest
from benchmarks.quality_pieces import PIECES
from benchmarks.quality_report import mean_interval, paired_differences, report
from scipy.stats import ttest_1samp


def result(arm: str, seed: int, accuracy: float) -> dict[str, Any]:
    return {"task": "cells", "arm": arm, "seed": seed, "testAccuracy": accuracy, "seconds": 60 + seed}


def test_an_interval_is_scipys() -> None:
    numbers = [0.81, 0.84, 0.86, 0.83, 0.85]
    for confidence in (0.9, 0.95):
        found = mean_interval(numbers, confidence)
        expected = ttest_1samp(numbers, 0).confidence_interval(confidence)
        assert found is not None
        assert found[1:] == pytest.approx(tuple(expected))
    assert mean_interval([0.8], 0.9) is None


def test_differences_are_of_the_seeds_that_both_have() -> None:
    ours = {0: result("ours", 0, 0.86), 1: result("ours", 1, 0.88), 2: result("ours", 2, 0.1)}
    theirs = {1: result("reference", 1, 0.84), 0: result("reference", 0, 0.85)}
    assert paired_differences(ours, theirs) == pytest.approx([1.0, 4.0])


def test_the_table_has_a_line_for_each_arm() -> None:
    table = report([result("ours", 0, 0.86), result("reference", 0, 0.85), result("ours", 1, 0.88)])
    _, _, ours, theirs = table.splitlines()
    assert ours.startswith("| cells | ours | 0, 1 | 87.00 % (95%: ")
    assert ours.endswith("| +1.00 points |  | 60 |")
    assert theirs == "| cells | reference | 0 | 85.00 % |  |  | 60 |"


def test_pieces_have_names_of_their_own() -> None:
    assert len({piece.name for piece in PIECES}) == len(PIECES)
