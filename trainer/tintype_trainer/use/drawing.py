"""Pictures with what was predicted drawn on them."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from PIL import Image, ImageDraw, ImageFont

from tintype_api.errors import environment_error
from tintype_trainer.pixels.images import decode_bytes
from tintype_trainer.storage import Store

COLOURS: Final = ("#e6194b", "#3cb44b", "#4363d8", "#f58231", "#911eb4", "#008080", "#9a6324", "#800000")
_ODD: Final = re.compile(r"[^\w.-]+")


def draw_answer(line: Mapping[str, Any], concepts: Sequence[str], store: Store, folder: Path) -> Path:
    """Write the picture of an answer with its boxes and labels, and return where it is.

    Args:
        line: An answer without an error.
        concepts: All concepts, whose place chooses the colour.
        store: Storage.
        folder: Made where it is not there.

    Raises:
        UserError: exit 78 where it cannot be written.
    """
    picture = decode_bytes(store.read(line["uri"]))
    image = Image.fromarray(picture.squeeze(2) if picture.shape[2] == 1 else picture).convert("RGB")
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(max(12, image.width // 40))
    for found in line.get("detections", ()):
        colour = COLOURS[concepts.index(found["concept"]) % len(COLOURS)]
        pen.rectangle(found["box"], outline=colour, width=max(2, image.width // 200))
        _label(pen, font, (found["box"][0], found["box"][1]), f"{found['concept']} {found['score']:.2f}", colour)
    if "scores" in line:
        said = ", ".join(f"{name} {line['scores'][name]:.2f}" for name in line["predicted"]) or "none"
        _label(pen, font, (0, 0), said, "#000000")
    path = folder / f"{_ODD.sub('_', line['id'].removesuffix('.png')).strip('_')}.png"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        image.save(path)
    except OSError as error:
        raise environment_error(
            f"--draw: {path} cannot be written ({error.strerror}); choose another folder"
        ) from error
    return path


def _label(
    pen: ImageDraw.ImageDraw,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    place: tuple[float, float],
    text: str,
    colour: str,
) -> None:
    left, top, right, bottom = pen.textbbox(place, text, font=font)
    pen.rectangle((left - 2, top - 2, right + 2, bottom + 2), fill=colour)
    pen.text(place, text, fill="#ffffff", font=font)
