"""The data set file of the cells: Studio JSON lines."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from examples.pv_cells.cells import Cell

VIEW: Final = "cell condition"
CONCEPTS: Final = ("functional", "defective")
_HEADER: Final = {
    "name": "pv-cells",
    "splits": ["train", "val", "test"],
    "views": [{"name": VIEW, "type": "Classification", "concepts": list(CONCEPTS)}],
}


def dataset_file(cells: Iterable[Cell], splits: Mapping[str, str]) -> bytes:
    """Return the file: a header, then a line for each cell; equal input gives equal bytes."""
    documents = [_HEADER, *(_line(cell, splits[cell.path]) for cell in cells)]
    return "".join(json.dumps(document) + "\n" for document in documents).encode()


def _line(cell: Cell, split: str) -> Mapping[str, Any]:
    return {
        "data": {"file": cell.path},
        "splits": [split],
        "annotations": [{"concepts": [{"name": cell.concept, "bool": True}]}],
    }
