"""Whether bytes are a picture, found out by decoding them once."""

import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageOps, UnidentifiedImageError

UNKNOWN_RANGE: Final = ("I", "F")
"""Modes whose pixels may have any range, so that black and white are anybody's guess."""


class UnreadablePicture(Exception):  # noqa: N818
    """The bytes are no picture; the message says what is wrong."""


@dataclass(frozen=True, slots=True)
class CheckedPicture:
    """What is known of a picture that was decoded.

    Attributes:
        width: Width in pixels as stored, before any EXIF rotation.
        height: Height in pixels, likewise.
        pixels_sha256: sha256 of its size and its pixels in RGB (16-bit ones as they are) with any EXIF rotation
            applied, hexadecimal: equal for copies in other files and formats that lose nothing.
    """

    width: int
    height: int
    pixels_sha256: str


def check_picture(data: bytes) -> CheckedPicture:
    """Decode a picture and return what is known of it.

    Its EXIF data must be readable, since it may say how the picture is turned.
    All of the file is decoded, so that a truncated one is found here and not in the middle of a training.

    Raises:
        UnreadablePicture: where it cannot be decoded.
    """
    with opened(data) as picture:
        width, height = picture.size
        check_mode(picture)
        return CheckedPicture(width, height, _pixels_sha256(ImageOps.exif_transpose(picture)))


@contextmanager
def opened(data: bytes) -> Iterator[Image.Image]:
    """Open a picture, to be decoded within the context.

    Raises:
        UnreadablePicture: where it cannot be, or decoding it within the context fails.
    """
    try:
        with Image.open(io.BytesIO(data)) as picture:
            yield picture
    except MemoryError:
        raise
    except UnidentifiedImageError as error:
        raise UnreadablePicture("is empty" if not data else "is no picture of a known kind") from error
    except Exception as error:
        # Decoders raise whatever broken bytes lead them to: OSError, SyntaxError, struct.error, zlib.error and more.
        raise UnreadablePicture(f"cannot be decoded ({error})") from error


def _pixels_sha256(picture: Image.Image) -> str:
    if not picture.mode.startswith("I;16"):
        picture = (picture.convert("RGBA") if "transparency" in picture.info else picture).convert("RGB")
    digest = hashlib.sha256(f"{picture.mode} {picture.width} {picture.height} ".encode())
    digest.update(picture.tobytes())
    return digest.hexdigest()


def check_mode(picture: Image.Image) -> None:
    """Check that the range of the pixels is known.

    Raises:
        ValueError: they are 32-bit numbers.
    """
    if picture.mode in UNKNOWN_RANGE:
        raise ValueError(f"its pixels, of mode {picture.mode}, have no known range; save it with 8 or 16 bits")
