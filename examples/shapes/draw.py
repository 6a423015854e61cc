"""Draws a small data set for Classification: circles, squares and triangles on plain ground.

    python examples/shapes/draw.py /tmp/tintype-shapes

makes a folder for each concept, and beside them shapes.jsonl, the same pictures as Studio JSON lines with their
splits (60 % train, 20 % validation, 20 % test). The same seed draws the same pictures.
"""

import argparse
import json
import math
import random
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw

CONCEPTS = ("circle", "square", "triangle")
VIEW = "shape"
SPLITS = ("train", "train", "train", "val", "test")
SIZE = 64
TILT = 0.2
Colour = tuple[int, int, int]


def main() -> None:
    """Draw as the command line says."""
    parser = argparse.ArgumentParser(description="Draws circles, squares and triangles.")
    parser.add_argument("folder", type=Path, help="where to; it is made if need be")
    parser.add_argument("--count", type=int, default=200, help="pictures of each concept (default: 200)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the drawing (default: 0)")
    arguments = parser.parse_args()
    draw_dataset(arguments.folder, arguments.count, arguments.seed)
    print(f"{arguments.count * len(CONCEPTS)} pictures and shapes.jsonl in {arguments.folder}")


def draw_dataset(folder: Path, count: int, seed: int = 0) -> None:
    """Draw `count` pictures of each concept into a folder of its own, and write shapes.jsonl."""
    rng = random.Random(seed)
    header: dict[str, object] = {
        "name": "shapes",
        "splits": ["train", "val", "test"],
        "views": [{"name": VIEW, "type": "Classification", "concepts": list(CONCEPTS)}],
    }
    lines: list[dict[str, object]] = [header]
    for concept in CONCEPTS:
        (folder / concept).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            name = f"{concept}/{number:04}.png"
            draw_shape(concept, rng).save(folder / name)
            lines.append(
                {
                    "data": {"file": name},
                    "splits": [SPLITS[number % len(SPLITS)]],
                    "annotations": [{"concepts": [{"name": concept, "bool": True}]}],
                }
            )
    (folder / "shapes.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def draw_shape(concept: str, rng: random.Random) -> Image.Image:
    """Return a picture of 64 x 64 pixels: a dark shape on light ground, somewhere, a little tilted."""
    ground, colour = _colour(rng, 160, 255), _colour(rng, 0, 96)
    image = Image.new("RGB", (SIZE, SIZE), ground)
    radius = rng.uniform(0.2, 0.4) * SIZE
    x, y = (rng.uniform(radius, SIZE - radius) for _ in range(2))
    pen = ImageDraw.Draw(image)
    if concept == "circle":
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
    else:
        corners, upright = (4, math.pi / 4) if concept == "square" else (3, -math.pi / 2)
        pen.polygon(_corners(x, y, radius, corners, upright + rng.uniform(-TILT, TILT)), fill=colour)
    return image


def _corners(x: float, y: float, radius: float, corners: int, start: float) -> Sequence[tuple[float, float]]:
    angles = (start + 2 * math.pi * corner / corners for corner in range(corners))
    return [(x + radius * math.cos(angle), y + radius * math.sin(angle)) for angle in angles]


def _colour(rng: random.Random, darkest: int, lightest: int) -> Colour:
    return rng.randint(darkest, lightest), rng.randint(darkest, lightest), rng.randint(darkest, lightest)


if __name__ == "__main__":
    main()
