"""The data set of the solar cells: what each is, where it is, and the split."""

import json
from collections import Counter

import pytest
from examples.pv_cells.cells import Cell, folder, installed_cells, parse, split
from examples.pv_cells.studio import dataset_file


@pytest.mark.parametrize(
    ("probability", "concept"),
    [(0.0, "functional"), (1 / 3, "functional"), (0.5, "defective"), (2 / 3, "defective"), (1.0, "defective")],
)
def test_a_defect_more_likely_than_not_is_defective(probability: float, concept: str) -> None:
    assert Cell("images/a.png", probability, "mono").concept == concept


def test_the_table_is_read_line_by_line() -> None:
    table = "images/cell0001.png  1.0                 mono\nimages/cell0002.png  0.3333333333333333  poly\n\n"
    assert parse(table) == (
        Cell("images/cell0001.png", 1.0, "mono"),
        Cell("images/cell0002.png", 0.3333333333333333, "poly"),
    )


def test_the_package_has_the_published_number_of_photographs_each_with_its_file() -> None:
    cells = installed_cells()
    assert len(cells) == 2624
    assert len({cell.path for cell in cells}) == 2624
    assert [cell.path for cell in cells if not (folder() / cell.path).is_file()] == []
    assert Counter(cell.concept for cell in cells) == {"functional": 1803, "defective": 821}


def test_each_group_of_cells_is_cut_by_the_same_shares() -> None:
    cells = installed_cells()
    splits = split(cells, seed=0)
    assert set(splits) == {cell.path for cell in cells}
    groups = Counter((cell.probability, cell.kind) for cell in cells)
    members = Counter((cell.probability, cell.kind, splits[cell.path]) for cell in cells)
    assert len(groups) == 8
    for (probability, kind), size in groups.items():
        assert abs(members[probability, kind, "val"] - 0.15 * size) <= 0.5
        assert abs(members[probability, kind, "test"] - 0.25 * size) <= 0.5
    assert Counter(splits.values()) == {"train": 1576, "val": 394, "test": 654}


def test_the_split_depends_on_the_seed_alone() -> None:
    cells = installed_cells()
    assert split(cells, seed=0) == split(reversed(cells), seed=0)
    assert split(cells, seed=0) != split(cells, seed=1)


def test_the_file_is_a_header_and_a_line_for_each_cell() -> None:
    cells = [Cell("images/a.png", 1.0, "mono"), Cell("images/b.png", 0.0, "poly")]
    file = dataset_file(cells, {"images/a.png": "train", "images/b.png": "test"})
    header, *lines = [json.loads(line) for line in file.decode().splitlines()]
    assert header["views"] == [
        {"name": "cell condition", "type": "Classification", "concepts": ["functional", "defective"]},
        {"name": "cell properties", "type": "Tagging", "concepts": ["defective", "polycrystalline"]},
    ]
    assert [(line["data"]["file"], line["splits"]) for line in lines] == [
        ("images/a.png", ["train"]),
        ("images/b.png", ["test"]),
    ]
    named = [{each["name"]: each["bool"] for each in line["annotations"][0]["concepts"]} for line in lines]
    assert named == [
        {"functional": False, "defective": True, "polycrystalline": False},
        {"functional": True, "defective": False, "polycrystalline": True},
    ]
