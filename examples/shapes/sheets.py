"""Draws one contact sheet for each augmentation from scenes of shapes: the pictures of docs/options.md.

    python -m examples.shapes.sheets docs/images/augmentations

Each augmentation acts at every reading, with its defaults but for those of STRONGER.
"""

import argparse
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, get_args

from examples.shapes.draw import CONCEPTS, TONES, draw_scenes
from PIL import Image

from tintype_api.modelversion import ModelVersion, resolve
from tintype_api.spec.augmentations import Augmentation
from tintype_trainer.preview import preview
from tintype_trainer.storage import Store

STRONGER: Final[Mapping[str, Mapping[str, float]]] = {
    "Brightness": {"maxDelta": 0.2},
    "Contrast": {"minFactor": 0.5, "maxFactor": 2},
    "PatchNoise": {"maxStandardDeviation": 0.2},
    "MixUp": {"alpha": 1},
}
"""What would hardly be seen at its default."""
MIXING: Final = ("MixUp", "CutMix")
EXAMPLES, DRAWS, COLOURS = 2, 4, 48


def main() -> None:
    """Draw as the command line says."""
    parser = argparse.ArgumentParser(description="Draws one contact sheet for each augmentation.")
    parser.add_argument("folder", type=Path, help="where to; it is made if need be")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for kind in kinds():
        with tempfile.TemporaryDirectory() as scenes:
            draw_scenes(Path(scenes), 40, seed=3)
            sheet(kind, Path(scenes)).save(folder / f"{kind}.png", optimize=True)
    print(f"{len(kinds())} sheets in {folder}")


def kinds() -> list[str]:
    """Return the names of all augmentations."""
    union, _ = get_args(Augmentation)
    return [get_args(kind.model_fields["type"].annotation)[0] for kind in get_args(union)]


def sheet(kind: str, scenes: Path) -> Image.Image:
    """Return the sheet of one augmentation, in few colours so that it is small."""
    version = resolve(ModelVersion.parse(_document(kind, scenes)))
    made = preview(version, Store.from_settings(version.spec.storage), scenes, EXAMPLES, DRAWS)
    return made.sheet.quantize(COLOURS, dither=Image.Dither.NONE)


def _document(kind: str, scenes: Path) -> dict[str, Any]:
    mixing = kind in MIXING
    return {
        "apiVersion": "tintype.dev/v1alpha1",
        "kind": "ModelVersion",
        "metadata": {"name": kind.lower()},
        "spec": {
            "view": {"name": "tone", "type": "Classification"} if mixing else {"name": "objects", "type": "Detection"},
            "concepts": list(TONES if mixing else CONCEPTS),
            "dataset": {"uri": (scenes / "scenes.jsonl").as_uri()},
            "imageResizer": {"type": "Fixed", "width": 128 if mixing else 192, "height": 128 if mixing else 144},
            "augmentations": [{"type": kind, "probability": 1, **STRONGER.get(kind, {})}],
            "output": {"uri": scenes.as_uri()},
        },
    }


if __name__ == "__main__":
    main()
