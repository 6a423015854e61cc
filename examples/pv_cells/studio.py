"""The data set file of the cells: Studio JSON lines, with a view for Classification and one for Tagging."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from examples.pv_cells.cells import Cell

VIEW: Final = "cell condition"
CONCEPTS: Final = ("functional", "defective")
TAGGING_VIEW: Final = "cell properties"
TAGS: Final = ("defective", "polycrystalline")
_HEADER: Final = {
    "name": "pv-cells",
    "splits": ["train", "val", "test"],
    "views": [
        {"name": VIEW, "type": "Classification", "concepts": list(CONCEPTS)},
        {"name": TAGGING_VIEW, "type": "Tagging", "concepts": list(TAGS)},
    ],
}


def dataset_file(cells: Iterable[Cell], splits: Mapping[str, str]) -> bytes:
    """Return the file: a header, then a line for each cell; equal input gives equal bytes."""
    documents = [_HEADER, *(_line(cell, splits[cell.path]) for cell in cells)]
    return "".join(json.dumps(document) + "\n" for document in documents).encode()


def _line(cell: Cell, split: str) -> Mapping[str, Any]:
    return {
        "data": {"file": cell.path},
        "splits": [split],
        "annotations": [{"concepts": [{"name": name, "bool": holds} for name, holds in _concepts(cell).items()]}],
    }


def _concepts(cell: Cell) -> Mapping[str, bool]:
    return {name: cell.concept == name for name in CONCEPTS} | {"polycrystalline": cell.kind == "poly"}
