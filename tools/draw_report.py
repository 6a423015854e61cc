"""Draws the pictures of docs/report.md: trains a version on drawn shapes, and looks at its report in Chromium.

    .venv/bin/python tools/draw_report.py docs/images/report

takes two minutes on two cores. Chromium is installed where it is missing, as root on Debian.
"""

import argparse
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from PIL import Image

ROOT: Final = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from examples.shapes.draw import draw_dataset  # noqa: E402

from support.chromium import Page, chromium  # noqa: E402
from support.published import published_path  # noqa: E402
from tintype_trainer.commandline import run_command_line  # noqa: E402
from tintype_trainer.interruption import Interruption  # noqa: E402

EPOCHS, SHAPES, COLOURS = 4, 200, 96
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


def main() -> None:
    """Draw as the command line says."""
    parser = argparse.ArgumentParser(description="Draws the pictures of docs/report.md.")
    parser.add_argument("folder", type=Path, help="where to; it is made if need be")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        report = trained(Path(place))
        with chromium(Path(place) / "profile") as page:
            for name, view in VIEWS.items():
                picture(page, report, view, folder / f"{name}.png")
    print(f"{len(VIEWS)} pictures in {folder}")


def trained(folder: Path) -> Path:
    """Train examples/shapes.yaml for a few epochs, and return its report."""
    draw_dataset(folder / "shapes", SHAPES)
    changes = [f"dataset.uri={(folder / 'shapes' / 'shapes.jsonl').as_uri()}", f"training.epochs={EPOCHS}"]
    command = ["run", str(ROOT / "examples" / "shapes.yaml"), "--output", str(folder / "models")]
    options = [word for change in changes for word in ("--set", change)]
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
