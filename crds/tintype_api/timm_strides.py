"""Of what the sides of a picture must be multiples for timm's networks: patterns of their names, for CEL and Python.

timm builds a transformer whose patches do not divide a picture without a word, and its right and lower border are then
never seen. Networks with windows, or with maps that are added up, end with an error within.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_STEP_32: Final = (
    "botnet",
    "coat_(mini|small|tiny)",
    "coatnet",
    "coatnext",
    "dla",
    "eca_botnext",
    "efficientformerv2",
    "gcvit",
    "hiera",
    "hrnet",
    "lambda_resnet26",
    "maxx?vit",
    "mixer_[bls]32",
    "qwen3_vit",
    "resnet[0-9x]+_(clip|mlp)",
    "sam2_hiera",
    "(se)?resne(t|xt)aa",
    "sebotnet",
    "twins",
    "vit_tiny_r_s16",
)
STRIDE_PATTERNS: Final[Mapping[int, str]] = MappingProxyType(
    {
        # Two whose own size their patches do not divide, and one of a family of others.
        1: "patch14_siglip(_gap)?_384|coatnet_rmlp_1_rw_",
        14: "patch14|_p14$|^timm/deepseek",
        32: f"patch32|^timm/({'|'.join(_STEP_32)})",
    }
)
"""Regular expressions that are searched in `timm/<name>`, by the number of pixels; the first that is found counts."""


def timm_stride(name: str) -> int:
    """Return of what number width and height must be multiples for `timm/<name>`; 1 where none is known."""
    return next((stride for stride, pattern in STRIDE_PATTERNS.items() if re.search(pattern, name)), 1)
