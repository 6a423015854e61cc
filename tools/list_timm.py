"""Writes crds/tintype_api/timm_names.py from the timm that is installed: `python tools/list_timm.py`."""

from pathlib import Path
from textwrap import fill

from timm import list_models
from timm.models import get_pretrained_cfg

TARGET = Path("crds/tintype_api/timm_names.py")
COMMON_SIZE = 224
HEADER = '''"""The names of timm's models, which `training.architecture` may name as timm/<name>.

Written by tools/list_timm.py from the pinned timm.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_COMMON_SIZE: Final = {size}
_LISTED: Final = """
{listed}
"""


def _sizes() -> dict[str, int]:
    parts = (word.rstrip("-").partition("=") for word in _LISTED.split())
    return {{name: int(size or _COMMON_SIZE) for name, _, size in parts}}


TIMM_SIZES: Final[Mapping[str, int]] = MappingProxyType(_sizes())
"""Width and height in pixels that each was designed for."""
TIMM_NAMES: Final = tuple(TIMM_SIZES)
TIMM_WITHOUT_WEIGHTS: Final = frozenset(
    word.rstrip("-").partition("=")[0] for word in _LISTED.split() if word.endswith("-")
)
"""Those that timm has no weights for; marked with a dash."""
'''


def word(name: str) -> str:
    """Return what is listed of one model: its name, its size where it is not the common one, a dash without weights."""
    configuration = get_pretrained_cfg(name, allow_unregistered=True)
    size = configuration.input_size[-1] if configuration else COMMON_SIZE
    has_weights = bool(configuration and configuration.has_weights)
    return name + (f"={size}" if size != COMMON_SIZE else "") + ("" if has_weights else "-")


def content() -> str:
    """Return the module's text."""
    words = " ".join(word(name) for name in list_models())
    listed = fill(words, width=120, break_long_words=False, break_on_hyphens=False)
    return HEADER.format(size=COMMON_SIZE, listed=listed)


if __name__ == "__main__":
    TARGET.write_text(content())
