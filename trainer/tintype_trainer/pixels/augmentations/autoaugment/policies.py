"""The learned policies: what Cubuk et al. 2019 found on ImageNet and Zoph et al. 2019 on COCO. Data.

Each line is one sub-policy, of which one is drawn at each reading: operations with their probability and magnitude,
in order. Magnitudes run to 9 for ImageNet and to 10 for Detection. Operations of the Detection policies whose name
ends in ONLY_BOXES change the inside of boxes and leave the rest.
"""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from tintype_api.spec.augmentations import AutoAugmentPolicy


class Name(Enum):
    """Operations of the policies."""

    AUTO_CONTRAST = auto()
    BRIGHTNESS = auto()
    COLOR = auto()
    CONTRAST = auto()
    CUTOUT = auto()
    CUTOUT_IN_BOX = auto()
    CUTOUT_ONLY_BOXES = auto()
    EQUALIZE = auto()
    EQUALIZE_ONLY_BOXES = auto()
    FLIP_ONLY_BOXES = auto()
    INVERT = auto()
    POSTERIZE = auto()
    ROTATE = auto()
    SHARPNESS = auto()
    SHEAR_X = auto()
    SHEAR_X_ONLY_BOXES = auto()
    SHEAR_Y = auto()
    SHEAR_Y_ONLY_BOXES = auto()
    SOLARIZE = auto()
    SOLARIZE_ADD = auto()
    TRANSLATE_X = auto()
    TRANSLATE_Y = auto()
    TRANSLATE_Y_ONLY_BOXES = auto()


@dataclass(frozen=True, slots=True)
class Step:
    """One operation of a sub-policy."""

    name: Name
    probability: float
    magnitude: int


SubPolicy = tuple[Step, Step]


def _policy(*pairs: tuple[tuple[Name, float, int], tuple[Name, float, int]]) -> tuple[SubPolicy, ...]:
    return tuple((Step(*first), Step(*second)) for first, second in pairs)


_IMAGENET: Final = _policy(
    ((Name.POSTERIZE, 0.4, 8), (Name.ROTATE, 0.6, 9)),
    ((Name.SOLARIZE, 0.6, 5), (Name.AUTO_CONTRAST, 0.6, 5)),
    ((Name.EQUALIZE, 0.8, 8), (Name.EQUALIZE, 0.6, 3)),
    ((Name.POSTERIZE, 0.6, 7), (Name.POSTERIZE, 0.6, 6)),
    ((Name.EQUALIZE, 0.4, 7), (Name.SOLARIZE, 0.2, 4)),
    ((Name.EQUALIZE, 0.4, 4), (Name.ROTATE, 0.8, 8)),
    ((Name.SOLARIZE, 0.6, 3), (Name.EQUALIZE, 0.6, 7)),
    ((Name.POSTERIZE, 0.8, 5), (Name.EQUALIZE, 1.0, 2)),
    ((Name.ROTATE, 0.2, 3), (Name.SOLARIZE, 0.6, 8)),
    ((Name.EQUALIZE, 0.6, 8), (Name.POSTERIZE, 0.4, 6)),
    ((Name.ROTATE, 0.8, 8), (Name.COLOR, 0.4, 0)),
    ((Name.ROTATE, 0.4, 9), (Name.EQUALIZE, 0.6, 2)),
    ((Name.EQUALIZE, 0.0, 7), (Name.EQUALIZE, 0.8, 8)),
    ((Name.INVERT, 0.6, 4), (Name.EQUALIZE, 1.0, 8)),
    ((Name.COLOR, 0.6, 4), (Name.CONTRAST, 1.0, 8)),
    ((Name.ROTATE, 0.8, 8), (Name.COLOR, 1.0, 2)),
    ((Name.COLOR, 0.8, 8), (Name.SOLARIZE, 0.8, 7)),
    ((Name.SHARPNESS, 0.4, 7), (Name.INVERT, 0.6, 8)),
    ((Name.SHEAR_X, 0.6, 5), (Name.EQUALIZE, 1.0, 9)),
    ((Name.COLOR, 0.4, 0), (Name.EQUALIZE, 0.6, 3)),
    ((Name.EQUALIZE, 0.4, 7), (Name.SOLARIZE, 0.2, 4)),
    ((Name.SOLARIZE, 0.6, 5), (Name.AUTO_CONTRAST, 0.6, 5)),
    ((Name.INVERT, 0.6, 4), (Name.EQUALIZE, 1.0, 8)),
    ((Name.COLOR, 0.6, 4), (Name.CONTRAST, 1.0, 8)),
    ((Name.EQUALIZE, 0.8, 8), (Name.EQUALIZE, 0.6, 3)),
)

_V1: Final = _policy(
    ((Name.TRANSLATE_X, 0.6, 4), (Name.EQUALIZE, 0.8, 10)),
    ((Name.TRANSLATE_Y_ONLY_BOXES, 0.2, 2), (Name.CUTOUT, 0.8, 8)),
    ((Name.SHARPNESS, 0.0, 8), (Name.SHEAR_X, 0.4, 0)),
    ((Name.SHEAR_Y, 1.0, 2), (Name.TRANSLATE_Y_ONLY_BOXES, 0.6, 6)),
    ((Name.ROTATE, 0.6, 10), (Name.COLOR, 1.0, 6)),
    ((Name.COLOR, 0.0, 0), (Name.SHEAR_X_ONLY_BOXES, 0.8, 4)),
    ((Name.SHEAR_Y_ONLY_BOXES, 0.8, 2), (Name.FLIP_ONLY_BOXES, 0.0, 10)),
    ((Name.EQUALIZE, 0.6, 10), (Name.TRANSLATE_X, 0.2, 2)),
    ((Name.COLOR, 1.0, 10), (Name.TRANSLATE_Y_ONLY_BOXES, 0.4, 6)),
    ((Name.ROTATE, 0.8, 10), (Name.CONTRAST, 0.0, 10)),
    ((Name.CUTOUT, 0.2, 2), (Name.BRIGHTNESS, 0.8, 10)),
    ((Name.COLOR, 1.0, 6), (Name.EQUALIZE, 1.0, 2)),
    ((Name.CUTOUT_ONLY_BOXES, 0.4, 6), (Name.TRANSLATE_Y_ONLY_BOXES, 0.8, 2)),
    ((Name.COLOR, 0.2, 8), (Name.ROTATE, 0.8, 10)),
    ((Name.SHARPNESS, 0.4, 4), (Name.TRANSLATE_Y_ONLY_BOXES, 0.0, 4)),
    ((Name.SHARPNESS, 1.0, 4), (Name.SOLARIZE_ADD, 0.4, 4)),
    ((Name.ROTATE, 1.0, 8), (Name.SHARPNESS, 0.2, 8)),
    ((Name.SHEAR_Y, 0.6, 10), (Name.EQUALIZE_ONLY_BOXES, 0.6, 8)),
    ((Name.SHEAR_X, 0.2, 6), (Name.TRANSLATE_Y_ONLY_BOXES, 0.2, 10)),
    ((Name.SOLARIZE_ADD, 0.6, 8), (Name.BRIGHTNESS, 0.8, 10)),
)

_V3: Final = _policy(
    ((Name.POSTERIZE, 0.8, 2), (Name.TRANSLATE_X, 1.0, 8)),
    ((Name.CUTOUT_IN_BOX, 0.2, 10), (Name.SHARPNESS, 1.0, 8)),
    ((Name.ROTATE, 0.6, 8), (Name.ROTATE, 0.8, 10)),
    ((Name.EQUALIZE, 0.8, 10), (Name.AUTO_CONTRAST, 0.2, 10)),
    ((Name.SOLARIZE_ADD, 0.2, 2), (Name.TRANSLATE_Y, 0.2, 8)),
    ((Name.SHARPNESS, 0.0, 2), (Name.COLOR, 0.4, 8)),
    ((Name.EQUALIZE, 1.0, 8), (Name.TRANSLATE_Y, 1.0, 8)),
    ((Name.POSTERIZE, 0.6, 2), (Name.ROTATE, 0.0, 10)),
    ((Name.AUTO_CONTRAST, 0.6, 0), (Name.ROTATE, 1.0, 6)),
    ((Name.EQUALIZE, 0.0, 4), (Name.CUTOUT, 0.8, 10)),
    ((Name.BRIGHTNESS, 1.0, 2), (Name.TRANSLATE_Y, 1.0, 6)),
    ((Name.CONTRAST, 0.0, 2), (Name.SHEAR_Y, 0.8, 0)),
    ((Name.AUTO_CONTRAST, 0.8, 10), (Name.CONTRAST, 0.2, 10)),
    ((Name.ROTATE, 1.0, 10), (Name.CUTOUT, 1.0, 10)),
    ((Name.SOLARIZE_ADD, 0.8, 6), (Name.EQUALIZE, 0.8, 8)),
)

POLICIES: Final = {AutoAugmentPolicy.IMAGENET: _IMAGENET, AutoAugmentPolicy.V1: _V1, AutoAugmentPolicy.V3: _V3}
MAX_MAGNITUDE: Final = {AutoAugmentPolicy.IMAGENET: 9, AutoAugmentPolicy.V1: 10, AutoAugmentPolicy.V3: 10}
