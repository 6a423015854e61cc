"""The data sets of `quality.py`, put together from the installed photographs of solar cells."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from examples.pv_cells.cells import Cell, installed_cells, split
from examples.pv_cells.modules import write_modules
from examples.pv_cells.prepare import SEED, prepare
from examples.pv_cells.studio import CONCEPTS, VIEW

from tintype_trainer.storage import Store

CELLS: Final = "pv-cells.jsonl"
WEIGHTED: Final = "pv-cells-weighted.jsonl"
MODULES: Final = "modules/pv-modules.jsonl"
MODULE_PICTURES: Final = 240
THIRDS: Final = 3
"""Annotators' probabilities of a defect are whole thirds."""


def prepare_sets(work: Path) -> None:
    """Write photographs, weights and the data set files below a folder, where they are not there yet."""
    store = Store.from_settings()
    prepare(work.as_uri(), store, lambda _done, _total: None)
    cells = installed_cells()
    lines = list(weighted_lines(cells, split(cells, SEED)))
    for line in lines:
        _link(work, line["data"]["file"])
    header = {"name": "pv-cells-weighted", "splits": ["train", "val", "test"]}
    header["views"] = [{"name": VIEW, "type": "Classification", "concepts": list(CONCEPTS)}]
    (work / WEIGHTED).write_text("".join(json.dumps(document) + "\n" for document in (header, *lines)))
    if not (work / MODULES).exists():
        write_modules((work / MODULES).parent.as_uri(), store, MODULE_PICTURES)


def weighted_lines(cells: Iterable[Cell], splits: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Yield the cells as Deitsch et al. 2019 read the labels: defective from any probability on, weighted by it.

    A training cell stands there three times, an uncertain one as often as its probability has thirds, each time with a
    picture of its own name; cells of validation and test stand there once. Pure.
    """
    for cell in cells:
        concept = CONCEPTS[cell.probability > 0]
        name = splits[cell.path]
        for copy in range(times(cell) if name == "train" else 1):
            concepts = [{"name": concept, "bool": True}]
            file = f"copy-{copy}/{cell.path}" if copy else cell.path
            yield {"data": {"file": file}, "splits": [name], "annotations": [{"concepts": concepts}]}


def times(cell: Cell) -> int:
    """Return three times the weight of a cell: its probability of a defect, or 1 where there is none for sure."""
    return round(THIRDS * (cell.probability or 1.0))


def _link(work: Path, file: str) -> None:
    """Make another name of a photograph: `copy-1/images/cell0001.png` of `images/cell0001.png`."""
    if file.startswith("copy-") and not (work / file).exists():
        (work / file).parent.mkdir(parents=True, exist_ok=True)
        os.link(work / file.partition("/")[2], work / file)
