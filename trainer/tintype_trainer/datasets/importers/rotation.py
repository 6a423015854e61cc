"""EXIF rotations: boxes of other formats refer to the pixels as stored, those of Studio JSON lines to what is shown.

Programs that annotate differ. Where the source states a size, it tells which of the two its boxes refer to, unless
width and height are the same; else they are taken to refer to the pixels as stored.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from PIL import Image, UnidentifiedImageError

from tintype_trainer.datasets.dataset import Box
from tintype_trainer.datasets.importers.imported import no_picture

_ORIENTATION_TAG: Final = 0x0112
_UPRIGHT: Final = 1
_SIDEWAYS: Final = (5, 6, 7, 8)
_TURNED: Final[Mapping[int, Callable[[float, float], tuple[float, float]]]] = {
    2: lambda x, y: (1 - x, y),
    3: lambda x, y: (1 - x, 1 - y),
    4: lambda x, y: (x, 1 - y),
    5: lambda x, y: (y, x),
    6: lambda x, y: (1 - y, x),
    7: lambda x, y: (1 - y, 1 - x),
    8: lambda x, y: (y, 1 - x),
}
"""Where a point of the stored picture comes to lie, both as shares of width and height, by EXIF orientation."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A picture as it is stored.

    Attributes:
        width: Width in pixels.
        height: Height in pixels.
        orientation: Its EXIF orientation; 1 where it is upright.
    """

    width: int
    height: int
    orientation: int

    @property
    def is_rotated(self) -> bool:
        """Whether it is shown otherwise than it is stored."""
        return self.orientation in _TURNED

    def turns_boxes(self, stated: tuple[int, int] | None) -> bool:
        """Return whether boxes must be turned, given the size that the source states."""
        if not self.is_rotated:
            return False
        sideways = self.orientation in _SIDEWAYS and self.width != self.height
        is_of_shown = sideways and stated == (self.height, self.width)
        return not is_of_shown

    def turned(self, box: Box) -> Box:
        """Return a box of the stored picture as a box of the shown one."""
        turn = _TURNED[self.orientation]
        (xa, ya), (xb, yb) = turn(box.x0, box.y0), turn(box.x1, box.y1)
        return replace(box, x0=min(xa, xb), y0=min(ya, yb), x1=max(xa, xb), y1=max(ya, yb))


def stored_picture(path: Path) -> Stored:
    """Return size and orientation of a picture.

    Raises:
        UserError: exit 65 where there is no such picture.
    """
    try:
        with Image.open(path) as image:
            return Stored(*image.size, image.getexif().get(_ORIENTATION_TAG, _UPRIGHT))
    except (OSError, UnidentifiedImageError, SyntaxError) as error:
        raise no_picture(path) from error
