"""Draws small data sets for every kind of view: circles, squares and triangles on plain ground.

    python examples/shapes/draw.py /tmp/tintype-shapes

makes a folder for each concept, and beside them shapes.jsonl, the same pictures as Studio JSON lines with their
splits (60 % train, 20 % validation, 20 % test), for Classification.

    python examples/shapes/draw.py /tmp/tintype-scenes --scenes

draws several shapes into each picture, or none, and writes scenes.jsonl with a Detection view (`objects`), a child view
under it (`tone`, Classification of each shape) and a Tagging view (`contents`). The same seed draws the same pictures.
"""

import argparse
import json
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw

CONCEPTS = ("circle", "square", "triangle")
VIEW = "shape"
SPLITS = ("train", "train", "train", "val", "test")
SIZE = 64
SCENE = (96, 72)
TONES = ("dark", "bright")
TILT = 0.2
Colour = tuple[int, int, int]
SCENES_HEADER: dict[str, object] = {
    "name": "scenes",
    "splits": ["train", "val", "test"],
    "views": [
        {
            "name": "objects",
            "type": "Detection",
            "concepts": list(CONCEPTS),
            "children": [{"name": "tone", "type": "Classification", "concepts": list(TONES)}],
        },
        {"name": "contents", "type": "Tagging", "concepts": [f"{concept}s" for concept in CONCEPTS]},
    ],
}


def main() -> None:
    """Draw as the command line says."""
    parser = argparse.ArgumentParser(description="Draws circles, squares and triangles.")
    parser.add_argument("folder", type=Path, help="where to; it is made if need be")
    parser.add_argument("--count", type=int, default=200, help="pictures, of each concept without --scenes (200)")
    parser.add_argument("--scenes", action="store_true", help="draw several shapes into each picture")
    parser.add_argument("--seed", type=int, default=0, help="seed of the drawing (default: 0)")
    arguments = parser.parse_args()
    if arguments.scenes:
        draw_scenes(arguments.folder, arguments.count, arguments.seed)
        print(f"{arguments.count} pictures and scenes.jsonl in {arguments.folder}")
        return
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
    _paint(ImageDraw.Draw(image), concept, (x, y, radius), colour, rng)
    return image


@dataclass(frozen=True)
class Shape:
    """One shape of a scene.

    Attributes:
        concept: What it is.
        tone: dark or bright.
        box: Left, top, right and bottom in pixels.
    """

    concept: str
    tone: str
    box: tuple[float, float, float, float]


def draw_scenes(folder: Path, count: int, seed: int = 0) -> None:
    """Draw `count` scenes below a folder, and write scenes.jsonl."""
    rng = random.Random(seed)
    (folder / "scenes").mkdir(parents=True, exist_ok=True)
    lines: list[dict[str, object]] = [SCENES_HEADER]
    for number in range(count):
        name = f"scenes/{number:04}.png"
        image, shapes = draw_scene(rng)
        image.save(folder / name)
        # An annotation without concepts says that somebody has looked: a scene without shapes is annotated, too.
        annotations = [*([_region(shape) for shape in shapes] or [{"concepts": []}]), _contents(shapes)]
        lines.append({"data": {"file": name}, "splits": [SPLITS[number % len(SPLITS)]], "annotations": annotations})
    (folder / "scenes.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def draw_scene(rng: random.Random) -> tuple[Image.Image, list[Shape]]:
    """Return a picture of 96 x 72 pixels with up to four shapes, dark or bright, none over another."""
    image = Image.new("RGB", SCENE, _colour(rng, 112, 144))
    pen = ImageDraw.Draw(image)
    shapes: list[Shape] = []
    for place in rng.sample(range(4), rng.choice((0, 1, 1, 2, 2, 3, 4))):
        concept, tone = rng.choice(CONCEPTS), rng.choice(TONES)
        width, height = SCENE[0] / 2, SCENE[1] / 2
        radius = rng.uniform(0.28, 0.48) * height
        x = (place % 2) * width + rng.uniform(radius, width - radius)
        y = (place // 2) * height + rng.uniform(radius, height - radius)
        colour = _colour(rng, 0, 64) if tone == "dark" else _colour(rng, 192, 255)
        # PIL's whole numbers are the middles of pixels, those of boxes are their borders.
        left, top, right, bottom = _paint(pen, concept, (x - 0.5, y - 0.5, radius), colour, rng)
        shapes.append(Shape(concept, tone, (left + 0.5, top + 0.5, right + 0.5, bottom + 0.5)))
    return image, shapes


def _region(shape: Shape) -> dict[str, object]:
    left, top, right, bottom = shape.box
    width, height = SCENE
    box = [round(left / width, 6), round(top / height, 6), round(right / width, 6), round(bottom / height, 6)]
    concepts = [{"name": shape.concept, "bool": True}, {"name": shape.tone, "bool": True}]
    return {"bbox": box, "concepts": concepts}


def _contents(shapes: Sequence[Shape]) -> dict[str, object]:
    there = {shape.concept for shape in shapes}
    return {"concepts": [{"name": f"{concept}s", "bool": concept in there} for concept in CONCEPTS]}


def _paint(
    pen: ImageDraw.ImageDraw, concept: str, place: tuple[float, float, float], colour: Colour, rng: random.Random
) -> tuple[float, float, float, float]:
    """Paint a shape at (x, y, radius) and return the box that encloses it."""
    x, y, radius = place
    if concept == "circle":
        box = (x - radius, y - radius, x + radius, y + radius)
        pen.ellipse(box, fill=colour)
        return box
    corners, upright = (4, math.pi / 4) if concept == "square" else (3, -math.pi / 2)
    points = _corners(x, y, radius, corners, upright + rng.uniform(-TILT, TILT))
    pen.polygon(points, fill=colour)
    xs, ys = zip(*points, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def _corners(x: float, y: float, radius: float, corners: int, start: float) -> Sequence[tuple[float, float]]:
    angles = (start + 2 * math.pi * corner / corners for corner in range(corners))
    return [(x + radius * math.cos(angle), y + radius * math.sin(angle)) for angle in angles]


def _colour(rng: random.Random, darkest: int, lightest: int) -> Colour:
    return rng.randint(darkest, lightest), rng.randint(darkest, lightest), rng.randint(darkest, lightest)


if __name__ == "__main__":
    main()
