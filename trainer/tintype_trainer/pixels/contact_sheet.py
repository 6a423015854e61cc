"""Contact sheets: pictures as a network sees them in rows, boxes drawn, words below. Pure.

Every picture has a tile of one size. Small pictures are enlarged by a whole factor, so that their pixels stay visible.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from tintype_trainer.pixels.images import Picture

TILE_SIDE: Final = 192
"""About how many pixels the larger side of a tile has."""
GAP: Final = 6
TEXT_HEIGHT: Final = 16
FONT_SIZE: Final = 11
TAG_HEIGHT: Final = 13
PAPER: Final = (255, 255, 255)
INK: Final = (40, 40, 40)
COLOURS: Final = ((230, 25, 75), (0, 130, 200), (60, 180, 75), (245, 130, 48), (145, 30, 180), (0, 160, 160))
"""Of boxes, by concept, again from the first where there are more concepts."""


@dataclass(frozen=True, slots=True)
class Tile:
    """One picture with its words.

    Attributes:
        picture: uint8 (H, W, 3).
        words: A line below it, cut where it is too long.
        boxes_N4: x0 y0 x1 y1 in pixels of the picture.
        labels_N: The index of each box's concept.
    """

    picture: Picture
    words: str
    boxes_N4: NDArray[np.float32]
    labels_N: NDArray[np.int64]


def contact_sheet(headings: Sequence[str], rows: Sequence[Sequence[Tile]], concepts: Sequence[str]) -> Image.Image:
    """Return a sheet with one heading for each column.

    Args:
        headings: One for each column.
        rows: Tiles of pictures of one size, as many in each row as there are headings.
        concepts: The names that boxes are given.
    """
    height, width, _ = rows[0][0].picture.shape
    scale = _scale(max(height, width))
    across, down = max(1, round(width * scale)), max(1, round(height * scale))
    step_x, step_y = across + GAP, down + TEXT_HEIGHT + GAP
    sheet = Image.new("RGB", (GAP + step_x * len(headings), TEXT_HEIGHT + GAP + step_y * len(rows)), PAPER)
    pen = ImageDraw.Draw(sheet)
    for column, heading in enumerate(headings):
        _write(pen, (GAP + column * step_x, 2), heading, across)
    for number, row in enumerate(rows):
        for column, tile in enumerate(row):
            place = (GAP + column * step_x, TEXT_HEIGHT + GAP + number * step_y)
            sheet.paste(_drawn(tile, (across, down), scale, concepts), place)
            _write(pen, (place[0], place[1] + down + 1), tile.words, across)
    return sheet


def _scale(side: int) -> float:
    return max(1, TILE_SIDE // side) if side <= TILE_SIDE else TILE_SIDE / side


def _drawn(tile: Tile, size: tuple[int, int], scale: float, concepts: Sequence[str]) -> Image.Image:
    resampling = Image.Resampling.NEAREST if scale >= 1 else Image.Resampling.BILINEAR
    image = Image.fromarray(np.ascontiguousarray(tile.picture)).resize(size, resampling)
    pen = ImageDraw.Draw(image)
    for box_4, label in zip((tile.boxes_N4 * scale).tolist(), tile.labels_N.tolist(), strict=True):
        colour = COLOURS[label % len(COLOURS)]
        left, top, right, bottom = box_4
        pen.rectangle((left, top, max(left, right - 1), max(top, bottom - 1)), outline=colour, width=2)
        _tag(pen, (left, top), concepts[label], colour)
    return image


def _tag(pen: ImageDraw.ImageDraw, place: tuple[float, float], words: str, colour: tuple[int, int, int]) -> None:
    """Write the name of a box on its top, or inside where the picture ends."""
    font = ImageFont.load_default(FONT_SIZE)
    left, top = place
    place = (left, top - TAG_HEIGHT) if top >= TAG_HEIGHT else place
    x0, y0, x1, y1 = pen.textbbox(place, words, font)
    pen.rectangle((x0, y0 - 1, x1 + 1, y1 + 1), fill=colour)
    pen.text(place, words, PAPER, font)


def _write(pen: ImageDraw.ImageDraw, place: tuple[int, int], words: str, room: int) -> None:
    font = ImageFont.load_default(FONT_SIZE)
    if pen.textlength(words, font) > room:
        while words and pen.textlength(words + "…", font) > room:
            words = words[:-1]
        words += "…"
    pen.text(place, words, INK, font)
