"""The photographs of PyPI's `elpv-dataset`: where they are, what is known of each, and our split of them.

2,624 electroluminescence photographs of solar cells, 300 x 300 pixels, grey (Buerhop-Lutz et al. 2018, Deitsch et
al. 2019). They are CC BY-NC-SA 4.0: installed from PyPI, never committed, and nothing derived from them is either.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import elpv_dataset

DEFECTIVE_FROM: Final = 0.5
SHARES: Final = {"val": 0.15, "test": 0.25}
"""The rest is for training. 25 % is the share that Deitsch et al. 2019 tested on."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One photograph.

    Attributes:
        path: Its path below the data set, such as `images/cell0001.png`.
        probability: How sure the annotators were of a defect: 0, 1/3, 2/3 or 1.
        kind: `mono` or `poly`, for mono- or polycrystalline.
    """

    path: str
    probability: float
    kind: str

    @property
    def concept(self) -> str:
        """Return `defective` where the defect is more likely than not, else `functional`."""
        return "defective" if self.probability >= DEFECTIVE_FROM else "functional"


def folder() -> Path:
    """Return the folder of the installed package that `Cell.path` is relative to."""
    return Path(elpv_dataset.__file__).parent / "data"


def installed_cells() -> tuple[Cell, ...]:
    """Return all photographs, in the order of the package's table."""
    return parse((folder() / "labels.csv").read_text(encoding="utf-8"))


def parse(table: str) -> tuple[Cell, ...]:
    """Return the cells of a table with path, probability and kind in each line, set apart by blanks."""
    rows = (line.split() for line in table.splitlines() if line.strip())
    return tuple(Cell(path, float(probability), kind) for path, probability, kind in rows)


def split(cells: Iterable[Cell], seed: int) -> Mapping[str, str]:
    """Return the split of each path: `train`, `val` or `test`.

    Each group of equal probability and kind is cut by the same shares, to within one example. The order within a
    group is that of a digest of seed and path, so that it depends on no library and a new photograph moves no other.
    """
    groups: dict[tuple[float, str], list[str]] = {}
    for cell in cells:
        groups.setdefault((cell.probability, cell.kind), []).append(cell.path)
    chosen: dict[str, str] = {}
    for paths in groups.values():
        chosen |= _cut(sorted(paths, key=lambda path: _draw(path, seed)))
    return chosen


def _cut(paths: list[str]) -> dict[str, str]:
    chosen = dict.fromkeys(paths, "train")
    start = 0
    for name, share in SHARES.items():
        end = start + round(share * len(paths))
        chosen |= dict.fromkeys(paths[start:end], name)
        start = end
    return chosen


def _draw(path: str, seed: int) -> str:
    return hashlib.sha256(f"{seed}:{path}".encode()).hexdigest()
