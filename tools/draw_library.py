"""Draws the pictures of docs/library.md and docs/deciding.md: trains three versions on drawn shapes, and looks at them.

    .venv/bin/python tools/draw_library.py docs/images

takes three minutes on two cores, and prints what `tintype compare` says of two of them. Chromium is installed where it
is missing, as root on Debian.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import yaml

ROOT: Final = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from examples.shapes.draw import draw_dataset  # noqa: E402
from tools.draw_report import SHAPES, picture  # noqa: E402

from support.chromium import chromium  # noqa: E402
from tintype_trainer.commandline import run_command_line  # noqa: E402
from tintype_trainer.interruption import Interruption  # noqa: E402

VERSIONS: Final[Mapping[str, Mapping[str, object]]] = {
    "shapes-1": {"training.epochs": 2},
    "shapes-2": {},
    "shapes-3": {
        "training.optimizer.learningRate": 0.002,
        "augmentations": [{"type": "HorizontalFlip", "probability": 0.5}, {"type": "Rotate90", "probability": 0.5}],
    },
}
"""What differs from examples/shapes.yaml."""
IN_PRODUCTION: Final = "shapes-1"
NEWEST: Final = "shapes-3"
VIEWS: Final[Mapping[str, tuple[int, int, bool, str]]] = {
    "library": (1280, 700, False, "scrollTo(0, 0)"),
    "library-small": (400, 800, True, "scrollTo(0, 0)"),
}
"""Width and height in pixels, whether the reader likes it dark, and what is done before the picture is taken."""


def main() -> None:
    """Draw as the command line says."""
    parser = argparse.ArgumentParser(description="Draws the pictures of docs/library.md and docs/deciding.md.")
    parser.add_argument("folder", type=Path, help="where to; it is made if need be")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="tintype-") as place:
        models = trained(Path(place))
        page = models / "index.html"
        tintype("library", models, "--output", page)
        tintype("compare", f"{models / 'default' / NEWEST}@production", models / "default" / NEWEST, "--pictures", 3)
        with chromium(Path(place) / "profile") as browser:
            for name, view in VIEWS.items():
                picture(browser, page, view, folder / f"{name}.png")
    print(f"{len(VIEWS)} pictures in {folder}")


def trained(folder: Path) -> Path:
    """Train the versions, one of which is in production, and return the folder of all."""
    draw_dataset(folder / "shapes", SHAPES)
    document = yaml.safe_load((ROOT / "examples" / "shapes.yaml").read_text())
    for name, changes in VERSIONS.items():
        document["metadata"]["name"] = name
        file = folder / f"{name}.yaml"
        file.write_text(yaml.safe_dump(document))
        options = {"dataset.uri": (folder / "shapes" / "shapes.jsonl").as_uri(), **changes}
        words = [word for path, value in options.items() for word in ("--set", f"{path}={json.dumps(value)}")]
        tintype("run", file, "--output", folder / "models", *words, "--cache", folder / "cache")
    tintype("promote", folder / "models" / "default" / IN_PRODUCTION, "production")
    return folder / "models"


def tintype(*arguments: object) -> None:
    """Call the command."""
    if run_command_line([str(argument) for argument in arguments], Interruption()) != 0:
        raise SystemExit(f"draw_library: `tintype {arguments[0]}` has failed; what it said stands above")


if __name__ == "__main__":
    main()
