"""Pictures of modules, put together from the photographs of single cells: for Detection and its child view.

    python -m examples.pv_cells.modules file:///tmp/pv-modules
    python -m examples.pv_cells.modules s3://datasets/pv-modules --count 240

No photograph of a whole module is to be had under a licence that allows it. So each picture is a grid of cells on
black ground whose rows, columns, scale, gaps and rotation vary, and a box lies about each cell. They show that a
training is right, not how well detectors find cells in the field: real modules have frames, busbars across cells,
perspective and blur. Every cell keeps its split: no cell is in pictures of two splits. The licence of the photographs
holds for these pictures, too (see cells.py).
"""

import argparse
import io
import json
import math
import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from examples.pv_cells.cells import Cell, folder, installed_cells, split
from examples.pv_cells.prepare import LICENCE_NOTE, SEED
from PIL import Image

from tintype_api.errors import UserError
from tintype_trainer.storage import Store, join

DATASET_NAME: Final = "pv-modules.jsonl"
DETECTION_VIEW: Final = "cells of a module"
CHILD_VIEW: Final = "kind of cell"
SHARES: Final = {"train": 0.6, "val": 0.15, "test": 0.25}
WIDTH, HEIGHT = 480, 360
CLEAR: Final = 0.96
"""Share of the picture that the grid may fill."""
_HEADER: Final = {
    "name": "pv-modules",
    "splits": ["train", "val", "test"],
    "views": [
        {
            "name": DETECTION_VIEW,
            "type": "Detection",
            "concepts": ["functional", "defective"],
            "children": [
                {
                    "name": CHILD_VIEW,
                    "type": "Classification",
                    "concepts": ["monocrystalline", "polycrystalline"],
                    "conditions": [[{"concept": "defective", "holds": True}]],
                }
            ],
        }
    ],
}
_KINDS: Final = {"mono": "monocrystalline", "poly": "polycrystalline"}
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the cells of one picture lie.

    Attributes:
        rows: Rows of the grid.
        columns: Columns of the grid.
        side: Side of a cell in pixels.
        gap: Pixels between cells.
        degrees: Rotation of the whole grid, counterclockwise.
    """

    rows: int
    columns: int
    side: int
    gap: int
    degrees: float

    def corners(self, row: int, column: int) -> tuple[Point, Point, Point, Point]:
        """Return the corners of a cell in pixels, rotated about the middle of the picture."""
        step = self.side + self.gap
        left = WIDTH / 2 - (self.columns * step - self.gap) / 2 + column * step
        top = HEIGHT / 2 - (self.rows * step - self.gap) / 2 + row * step
        right, bottom = left + self.side, top + self.side
        return (
            self._turned(left, top),
            self._turned(right, top),
            self._turned(right, bottom),
            self._turned(left, bottom),
        )

    def box(self, row: int, column: int) -> tuple[float, float, float, float]:
        """Return the box that encloses a cell: left, top, right and bottom as shares of the picture."""
        xs, ys = zip(*self.corners(row, column), strict=True)
        return min(xs) / WIDTH, min(ys) / HEIGHT, max(xs) / WIDTH, max(ys) / HEIGHT

    def _turned(self, x: float, y: float) -> Point:
        radians = math.radians(-self.degrees)
        dx, dy = x - WIDTH / 2, y - HEIGHT / 2
        cosine, sine = math.cos(radians), math.sin(radians)
        return WIDTH / 2 + dx * cosine - dy * sine, HEIGHT / 2 + dx * sine + dy * cosine


def drawn_layout(rng: random.Random) -> Layout:
    """Return a layout that fits into the picture."""
    rows, columns = rng.randint(2, 3), rng.randint(2, 4)
    gap, degrees = rng.randint(2, 10), rng.uniform(-6, 6)
    radians = abs(math.radians(degrees))
    # A rotated grid of width w and height h is w cos + h sin wide and w sin + h cos high.
    wide = columns * math.cos(radians) + rows * math.sin(radians)
    high = columns * math.sin(radians) + rows * math.cos(radians)
    largest = min(CLEAR * WIDTH / wide, CLEAR * HEIGHT / high) - gap
    return Layout(rows, columns, int(largest * rng.uniform(0.7, 1.0)), gap, degrees)


def composed(layout: Layout, cells: Sequence[Cell]) -> Image.Image:
    """Return the picture of a layout with the cells row by row."""
    upright = Image.new("L", (WIDTH, HEIGHT))
    step = layout.side + layout.gap
    left = WIDTH / 2 - (layout.columns * step - layout.gap) / 2
    top = HEIGHT / 2 - (layout.rows * step - layout.gap) / 2
    for place, cell in enumerate(cells):
        row, column = divmod(place, layout.columns)
        with Image.open(folder() / cell.path) as photograph:
            pixels = photograph.convert("L").resize((layout.side, layout.side), Image.Resampling.BILINEAR)
        upright.paste(pixels, (round(left + column * step), round(top + row * step)))
    return upright.rotate(layout.degrees, Image.Resampling.BILINEAR)


def modules(cells: Sequence[Cell], count: int, seed: int) -> Iterator[tuple[str, str, Layout, Sequence[Cell]]]:
    """Yield name, split, layout and cells of each picture; equal arguments give equal pictures."""
    rng = random.Random(seed)
    splits = split(cells, SEED)
    for name, share in SHARES.items():
        members = [cell for cell in cells if splits[cell.path] == name]
        pool: list[Cell] = []
        for number in range(round(share * count)):
            layout = drawn_layout(rng)
            if len(pool) < layout.rows * layout.columns:
                pool = rng.sample(members, len(members))
            chosen = [pool.pop() for _ in range(layout.rows * layout.columns)]
            yield f"modules/{name}-{number:04}.png", name, layout, chosen


def line(name: str, split_name: str, layout: Layout, cells: Sequence[Cell]) -> Mapping[str, Any]:
    """Return the line of a picture in the data set."""
    annotations = []
    for place, cell in enumerate(cells):
        concepts = [{"name": cell.concept, "bool": True}, {"name": _KINDS[cell.kind], "bool": True}]
        box = [round(share, 6) for share in layout.box(*divmod(place, layout.columns))]
        annotations.append({"bbox": box, "concepts": concepts})
    return {"data": {"file": name}, "splits": [split_name], "annotations": annotations}


def write_modules(uri: str, store: Store, count: int, seed: int = SEED) -> int:
    """Write pictures and data set file below a folder or prefix; return the number of pictures."""
    lines = [json.dumps(_HEADER)]
    for name, split_name, layout, cells in modules(installed_cells(), count, seed):
        content = io.BytesIO()
        composed(layout, cells).save(content, "PNG")
        store.upload(join(uri, name), content.getvalue())
        lines.append(json.dumps(line(name, split_name, layout, cells)))
    store.upload(join(uri, DATASET_NAME), "".join(text + "\n" for text in lines).encode())
    return len(lines) - 1


def main() -> int:
    """Run the program; return its exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("uri", help="where to, such as file:///tmp/pv-modules or s3://datasets/pv-modules")
    parser.add_argument("--count", type=int, default=240, help="pictures in all (default: 240)")
    arguments = parser.parse_args()
    try:
        count = write_modules(arguments.uri, Store.from_settings(), arguments.count)
    except UserError as error:
        print(f"error: {error.message}", file=sys.stderr)
        return error.exit_code
    print(f"{arguments.uri} has {count} pictures of modules and {DATASET_NAME}.")
    print(LICENCE_NOTE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
