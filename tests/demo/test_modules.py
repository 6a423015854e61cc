"""Pictures of modules, put together from photographs of cells."""

import random
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from examples.pv_cells.cells import Cell, installed_cells, split
from examples.pv_cells.modules import HEIGHT, WIDTH, Layout, composed, drawn_layout, line, modules
from PIL import Image

WHITE = 255


def test_every_grid_fits_into_the_picture() -> None:
    rng = random.Random(1)
    for _ in range(500):
        layout = drawn_layout(rng)
        boxes = [layout.box(row, column) for row in range(layout.rows) for column in range(layout.columns)]
        assert min(min(box) for box in boxes) >= 0
        assert max(max(box) for box in boxes) <= 1
        assert layout.side > 40


def test_no_cell_is_in_pictures_of_two_splits() -> None:
    cells = installed_cells()
    known = split(cells, 0)
    seen = defaultdict(set)
    for _name, split_name, _layout, chosen in modules(cells, 100, seed=0):
        for cell in chosen:
            seen[cell.path].add(split_name)
            assert known[cell.path] == split_name
    assert {name for names in seen.values() for name in names} == {"train", "val", "test"}
    assert all(len(names) == 1 for names in seen.values())


@pytest.mark.parametrize("degrees", [-6.0, 0.0, 4.5])
def test_a_box_encloses_its_cell_and_no_more(degrees: float, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    Image.new("L", (300, 300), WHITE).save(tmp_path / "white.png")
    Image.new("L", (300, 300), 0).save(tmp_path / "black.png")
    monkeypatch.setattr("examples.pv_cells.modules.folder", lambda: tmp_path)
    layout = Layout(rows=2, columns=3, side=90, gap=8, degrees=degrees)
    cells = [Cell("white.png" if place == 4 else "black.png", 1.0, "mono") for place in range(6)]
    bright_y, bright_x = np.nonzero(np.asarray(composed(layout, cells)) > WHITE // 2)
    left, top, right, bottom = layout.box(1, 1)
    measured = [bright_x.min(), bright_y.min(), bright_x.max() + 1, bright_y.max() + 1]
    assert measured == pytest.approx([left * WIDTH, top * HEIGHT, right * WIDTH, bottom * HEIGHT], abs=1.6)


def test_a_line_names_condition_and_kind_of_each_cell() -> None:
    layout = Layout(rows=1, columns=2, side=100, gap=4, degrees=0)
    cells = [Cell("a.png", 1.0, "mono"), Cell("b.png", 0.0, "poly")]
    written = line("modules/train-0000.png", "train", layout, cells)
    named = [[each["name"] for each in annotation["concepts"]] for annotation in written["annotations"]]
    assert named == [["defective", "monocrystalline"], ["functional", "polycrystalline"]]
    assert written["annotations"][0]["bbox"] == [0.2875, 0.361111, 0.495833, 0.638889]
