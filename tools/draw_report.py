"""Draws the pictures of docs/report.md: trains two versions on drawn shapes, and looks at their reports in Chromium.

    .venv/bin/python tools/draw_report.py docs/images/report

takes three and a half minutes on two cores. Chromium is installed where it is missing, as root on Debian.
"""

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from PIL import Image

ROOT: Final = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from examples.shapes.draw import draw_dataset, draw_scenes  # noqa: E402

from support.chromium import Page, chromium  # noqa: E402
from support.published import published_path  # noqa: E402
from tintype_trainer.commandline import run_command_line  # noqa: E402
from tintype_trainer.interruption import Interruption  # noqa: E402

EPOCHS, SHAPES, COLOURS = 4, 200, 224
DETECTION_EPOCHS, SCENES = 14, 500
VIEWS: Final[Mapping[str, tuple[int, int, bool, str]]] = {
    "head": (1200, 760, False, "scrollTo(0, 0)"),
    "concepts": (
        1200,
        1000,
        False,
        "document.querySelector('[data-concept=\"1\"]').click(); document.querySelector('.controls').scrollIntoView()",
    ),
    "pictures": (
        1200,
        1060,
        True,
        "document.getElementById('tab-wrong').click(); document.getElementById('matrix').scrollIntoView()",
    ),
    "closer": (
        1200,
        760,
        False,
        "document.querySelector('.card').click(); document.getElementById('pictures').scrollIntoView()",
    ),
    "small": (400, 800, True, "document.querySelector('.controls').scrollIntoView()"),
}
"""Width and height in pixels, whether the reader likes it dark, and what is done before the picture is taken."""
VIEWS_OF_BOXES: Final[Mapping[str, tuple[int, int, bool, str]]] = {
    "boxes": (1200, 1000, False, "document.getElementById('matrix').scrollIntoView()"),
    "box": (
        1200,
        760,
        True,
        "document.getElementById('tab-missed').click(); document.querySelector('.card').click(); "
        "document.getElementById('pictures').scrollIntoView()",
    ),
}
"""The same of a version of a Detection view."""
DETECTION: Final = (
    "view={name: objects, type: Detection}",
    "training.architecture=retinanet_efficientnet_lite0",
    f"training.epochs={DETECTION_EPOCHS}",
    "training.batchSize=4",
    "imageResizer={type: Fixed, width: 128, height: 96}",
)
"""How its version differs from examples/shapes.yaml."""


def main() -> None:
    """Draw as the command line says."""
    parser = argparse.ArgumentParser(description="Draws the pictures of docs/report.md.")
    parser.add_argument("folder", type=Path, help="where to; it is made if need be")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        shapes, scenes = Path(place) / "shapes", Path(place) / "scenes"
        draw_dataset(shapes, SHAPES)
        draw_scenes(scenes, SCENES)
        views = {
            trained(shapes, shapes / "shapes.jsonl", [f"training.epochs={EPOCHS}"]): VIEWS,
            trained(scenes, scenes / "scenes.jsonl", DETECTION): VIEWS_OF_BOXES,
        }
        with chromium(Path(place) / "profile") as page:
            for report, of_report in views.items():
                for name, view in of_report.items():
                    picture(page, report, view, folder / f"{name}.png")
    print(f"{sum(map(len, views.values()))} pictures in {folder}")


def trained(folder: Path, dataset: Path, changes: Sequence[str]) -> Path:
    """Train examples/shapes.yaml with changes on a data set, and return its report."""
    command = ["run", str(ROOT / "examples" / "shapes.yaml"), "--output", str(folder / "models")]
    options = [word for change in (f"dataset.uri={dataset.as_uri()}", *changes) for word in ("--set", change)]
    if run_command_line([*command, *options, "--cache", str(folder / "cache")], Interruption()) != 0:
        raise SystemExit("draw_report: the training has failed; what it said stands above")
    return published_path(folder / "models" / "default" / "shapes", "report.html")


def picture(page: Page, report: Path, view: tuple[int, int, bool, str], file: Path) -> None:
    """Save one view of the report, in few colours so that it is small."""
    width, height, dark, action = view
    page.look(width, height, dark=dark)
    page.open(report)
    page.value(action)
    page.draw(file)
    with Image.open(file) as image:
        image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(file, optimize=True)


if __name__ == "__main__":
    main()
