"""Whether bytes are a picture, found out by decoding them once."""

import io
from dataclasses import dataclass
from typing import Final

from PIL import Image, UnidentifiedImageError

_JPEG_REDUCTION: Final = 8


UNKNOWN_RANGE: Final = ("I", "F")
"""Modes whose pixels may have any range, so that black and white are anybody's guess."""


class UnreadablePicture(Exception):  # noqa: N818
    """The bytes are no picture; the message says what is wrong."""


@dataclass(frozen=True, slots=True)
class Size:
    """Width and height in pixels, before any EXIF rotation."""

    width: int
    height: int


def check_picture(data: bytes) -> Size:
    """Decode a picture and return its size.

    Its EXIF data must be readable, since it may say how the picture is turned.
    All of the file is decoded, so that a truncated one is found here and not in the middle of a training. A JPEG
    is decoded at an eighth of its size: the whole stream is still read, in less than half of the time where it is
    not progressive (14 ms instead of 32 ms for 3 megapixels).

    Raises:
        UnreadablePicture: where it cannot be decoded.
    """
    try:
        with Image.open(io.BytesIO(data)) as picture:
            size = Size(*picture.size)
            picture.draft(None, (size.width // _JPEG_REDUCTION, size.height // _JPEG_REDUCTION))
            picture.load()
            picture.getexif()
            check_mode(picture)
    except MemoryError:
        raise
    except UnidentifiedImageError as error:
        raise UnreadablePicture("is empty" if not data else "is no picture of a known kind") from error
    except Exception as error:
        # Decoders raise whatever broken bytes lead them to: OSError, SyntaxError, struct.error, zlib.error and more.
        raise UnreadablePicture(f"cannot be decoded ({error})") from error
    return size


def check_mode(picture: Image.Image) -> None:
    """Check that the range of the pixels is known.

    Raises:
        ValueError: they are 32-bit numbers.
    """
    if picture.mode in UNKNOWN_RANGE:
        raise ValueError(f"its pixels, of mode {picture.mode}, have no known range; save it with 8 or 16 bits")
