"""Small pictures as data URIs, each no larger than it may be."""

import base64
import io
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import Image

from tintype_api.errors import UserError
from tintype_trainer.pixels.images import Picture

LOSSLESS: Final = 0
SIZES: Final = (
    (320, LOSSLESS),
    (320, 82), (272, 78), (232, 74), (200, 70), (168, 66), (144, 62), (120, 58), (96, 52), (80, 46), (64, 40), (48, 34),
    (32, 28), (16, 20),
)  # fmt: skip
"""Larger side in pixels and WebP's quality, tried in this order until a picture is small enough.

Drawings and small pictures are small without any loss; WebP's half-sized colours would blur their edges.
"""
METHOD: Final = 3
FASTEST: Final = 20
"""Effort of WebP's encoder, 0 to 6, and that without loss, 0 to 100: more of it takes longer and saves little."""
MOST_BYTES: Final = 20_000
"""Of one picture, as many as there may be room for."""
LEAST_BYTES: Final = 1_500
"""Where there is less room for each, some have none."""
PREFIX: Final = "data:image/webp;base64,"


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A picture, made small.

    Attributes:
        uri: As a data URI.
        size: Width and height in pixels of the picture itself.
    """

    uri: str
    size: tuple[int, int]


def thumbnails(
    indices: Sequence[int],
    picture_of: Callable[[int], Picture],
    room_bytes: int,
    workers: int,
    check: Callable[[], None] = lambda: None,
) -> Mapping[int, Thumbnail]:
    """Return a thumbnail of each example, of the first ones where there is no room for all; none of unreadable ones.

    Args:
        indices: The examples, the most important first.
        picture_of: Returns the picture of one, uint8 (H, W, C).
        room_bytes: For all of them, as they stand in the page.
        workers: Threads.
        check: Called before each; may raise to stop.
    """
    shown = indices[: _encoded_room(room_bytes) // LEAST_BYTES]
    if not shown:
        return {}
    most_bytes = min(MOST_BYTES, _encoded_room(room_bytes) // len(shown))
    made = {}
    with ThreadPoolExecutor(workers, thread_name_prefix="thumbnail") as pool:
        try:
            for index, found in zip(
                shown, pool.map(lambda each: _made(each, picture_of, most_bytes), shown), strict=True
            ):
                check()
                if found is not None:
                    made[index] = found
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
    return made


def thumbnail(picture: Picture, most_bytes: int) -> Thumbnail:
    """Return a picture of uint8 (H, W, C) as large and as good as so many bytes allow, and no larger than it is."""
    height, width, channels = picture.shape
    image = Image.fromarray(np.ascontiguousarray(picture[:, :, 0] if channels == 1 else picture))
    image.thumbnail((SIZES[0][0], SIZES[0][0]), Image.Resampling.LANCZOS)
    contents: dict[int, bytes] = {}

    def fits(place: int) -> bool:
        contents[place] = _webp(image, *SIZES[place])
        return len(contents[place]) <= most_bytes

    place = min(bisect_left(range(len(SIZES)), True, key=fits), len(SIZES) - 1)
    content = contents.get(place) or _webp(image, *SIZES[place])
    return Thumbnail(PREFIX + base64.b64encode(content).decode(), (width, height))


def _made(index: int, picture_of: Callable[[int], Picture], most_bytes: int) -> Thumbnail | None:
    try:
        return thumbnail(picture_of(index), most_bytes)
    except UserError:
        return None


def _webp(image: Image.Image, side: int, quality: int) -> bytes:
    small = image.copy()
    small.thumbnail((side, side), Image.Resampling.LANCZOS)
    content = io.BytesIO()
    small.save(content, "WEBP", lossless=quality == LOSSLESS, quality=quality or FASTEST, method=METHOD)
    return content.getvalue()


def _encoded_room(room_bytes: int) -> int:
    """Return how many bytes fit as base64, with the start of each URI left out of account."""
    return max(0, room_bytes) * 3 // 4
