"""What the benchmark of quality makes of its results."""

from typing import Any

import pytest
import torch
from benchmarks import reference_detection
from benchmarks.quality_pieces import PIECES
from benchmarks.quality_report import mean_interval, paired_differences, report
from benchmarks.quality_sets import weighted_lines
from examples.pv_cells.cells import Cell
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
    assert paired_differences(ours, theirs, "testAccuracy") == pytest.approx([1.0, 4.0])


def test_the_table_has_a_line_for_each_arm() -> None:
    table = report([result("ours", 0, 0.86), result("reference", 0, 0.85), result("ours", 1, 0.88)])
    _, _, ours, theirs = table.splitlines()
    assert ours.startswith("| cells | ours | 0, 1 | 87.00 % (95%: ")
    assert ours.endswith("| +1.00 points |  | 60 |")
    assert theirs == "| cells | reference | 0 | 85.00 % |  |  | 60 |"


def test_detectors_are_compared_by_their_precision() -> None:
    def detector(arm: str, seed: int, precision: float) -> dict[str, Any]:
        return {"task": "modules", "arm": arm, "seed": seed, "testMAP": precision, "seconds": 9}

    table = report([detector("ours", 0, 0.71), detector("reference", 0, 0.7), detector("reference", 1, 0.72)])
    _, _, ours, theirs = table.splitlines()
    assert ours == "| modules | ours | 0 |  | +1.00 points | 71.00 % | 9 |"
    assert theirs.startswith("| modules | reference | 0, 1 |  |  | 71.00 % (95%: ")


def test_uncertain_cells_weigh_as_much_as_annotators_were_sure() -> None:
    cells = [Cell(f"images/{number}.png", number / 3, "mono") for number in range(4)]
    lines = list(weighted_lines(cells, dict.fromkeys((cell.path for cell in cells), "train")))
    files = [line["data"]["file"] for line in lines]
    assert len(set(files)) == len(files) == 3 + 1 + 2 + 3
    named = [line["annotations"][0]["concepts"][0]["name"] for line in lines]
    assert named == ["functional"] * 3 + ["defective"] * 6
    tested = list(weighted_lines(cells, dict.fromkeys((cell.path for cell in cells), "test")))
    assert [line["data"]["file"] for line in tested] == [cell.path for cell in cells]


def test_the_plain_loop_of_detection_flips_boxes_with_their_picture() -> None:
    image_3HW = torch.zeros(3, 4, 10)
    image_3HW[:, 1:3, 2:5] = 1
    target = {"boxes": torch.tensor([[2.0, 1.0, 5.0, 3.0]]), "labels": torch.tensor([1])}
    torch.manual_seed(0)
    for _ in range(8):
        flipped, moved = reference_detection._maybe_flipped((image_3HW, target))
        x0, y0, x1, y1 = (int(side) for side in moved["boxes"][0])
        assert flipped[:, y0:y1, x0:x1].min() == 1
        assert flipped.sum() == image_3HW.sum()


def test_pieces_have_names_of_their_own() -> None:
    assert len({piece.name for piece in PIECES}) == len(PIECES)
