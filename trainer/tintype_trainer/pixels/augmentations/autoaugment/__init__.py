"""AutoAugment: draws one sub-policy of a learned policy and carries it out.

What magnitudes mean is as in the papers' own code. The two papers differ in Color, Contrast, Brightness, Sharpness
and Posterize: on ImageNet a factor lies as far from 1 either way, in Detection it grows from 0.1 to 1.9.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tintype_api.spec.augmentations import AutoAugment, AutoAugmentPolicy
from tintype_trainer.pixels.augmentations.autoaugment import operations
from tintype_trainer.pixels.augmentations.autoaugment.in_boxes import (
    CUTOUT_BOX_MOST,
    CUTOUT_MOST,
    GREY,
    PAPER_SIDE,
    cutout,
    cutout_in_box,
    larger_side,
    only_in_boxes,
)
from tintype_trainer.pixels.augmentations.autoaugment.policies import MAX_MAGNITUDE, POLICIES, Name, Step
from tintype_trainer.pixels.augmentations.colours import scaled_brightness, scaled_contrast
from tintype_trainer.pixels.augmentations.places import about_centre, rotation_22, warp, warp_picture
from tintype_trainer.pixels.images import Picture
from tintype_trainer.pixels.samples import Sample

ROTATE_MOST: Final = np.deg2rad(30)
SHEAR_MOST: Final = 0.3
TRANSLATE_MOST: Final = 250 / PAPER_SIDE
"""As a share of the larger side."""
TRANSLATE_BOX_MOST: Final = 120 / PAPER_SIDE
"""Inside of a box, as a share of the picture's larger side."""
ONLY_BOXES_FACTOR: Final = 1 / 3
"""By which the probability of each box is less than the policy's, as in the paper's own code."""

Matrix_22 = NDArray[np.float64]
OnPicture = Callable[[Picture, float, np.random.Generator], Picture]
OnSample = Callable[[Sample, float, np.random.Generator], Sample]


def auto_augment(option: AutoAugment, sample: Sample, random: np.random.Generator) -> Sample:
    """Carry out one sub-policy, drawn evenly."""
    policy = POLICIES[option.policy]
    for step in policy[int(random.integers(len(policy)))]:
        sample = apply_step(sample, step, option.policy, random)
    return sample


def apply_step(sample: Sample, step: Step, policy: AutoAugmentPolicy, random: np.random.Generator) -> Sample:
    """Return the sample after one operation, by the operation's probability."""
    strength = step.magnitude / MAX_MAGNITUDE[policy]
    if step.name in _ONLY_BOXES:
        side = larger_side(sample.picture)
        inner = _ONLY_BOXES[step.name]

        def change(part: Picture, numbers: np.random.Generator) -> Picture:
            return inner(part, strength, side, numbers)

        return only_in_boxes(sample, step.probability * ONLY_BOXES_FACTOR, change, random)
    if random.random() >= step.probability:
        return sample
    if step.name in _SAMPLES:
        return _SAMPLES[step.name](sample, strength, random)
    on_picture = (_ON_IMAGENET if policy is AutoAugmentPolicy.IMAGENET else _ON_COCO)[step.name]
    return replace(sample, picture=on_picture(sample.picture, strength, random))


def _either(value: float, random: np.random.Generator) -> float:
    """Return the value or its negative."""
    return value if random.random() < 0.5 else -value


def _linear(matrix: Callable[[float], Matrix_22], most: float) -> OnSample:
    def operation(sample: Sample, strength: float, random: np.random.Generator) -> Sample:
        linear_22 = matrix(_either(strength * most, random))
        return warp(sample, about_centre(linear_22, sample.picture), fill=GREY)

    return operation


def _shift(x: float, y: float) -> NDArray[np.float64]:
    return np.array([[1.0, 0.0, x], [0.0, 1.0, y]])


def _shear_x(shear: float) -> Matrix_22:
    return np.array([[1.0, shear], [0.0, 1.0]])


def _shear_y(shear: float) -> Matrix_22:
    return np.array([[1.0, 0.0], [shear, 1.0]])


def _translate_x(sample: Sample, strength: float, random: np.random.Generator) -> Sample:
    pixels = _either(strength * TRANSLATE_MOST * larger_side(sample.picture), random)
    return warp(sample, _shift(round(pixels), 0), fill=GREY)


def _translate_y(sample: Sample, strength: float, random: np.random.Generator) -> Sample:
    pixels = _either(strength * TRANSLATE_MOST * larger_side(sample.picture), random)
    return warp(sample, _shift(0, round(pixels)), fill=GREY)


def _away_from_one(change: Callable[[Picture, float], Picture]) -> OnPicture:
    return lambda picture, strength, random: change(picture, 1 + _either(0.9 * strength, random))


def _growing(change: Callable[[Picture, float], Picture]) -> OnPicture:
    return lambda picture, strength, _random: change(picture, 0.1 + 1.8 * strength)


def _cutout(picture: Picture, strength: float, random: np.random.Generator) -> Picture:
    return cutout(picture, strength * CUTOUT_MOST * larger_side(picture), random)


_SAMPLES: Final[Mapping[Name, OnSample]] = {
    Name.ROTATE: _linear(rotation_22, ROTATE_MOST),
    Name.SHEAR_X: _linear(_shear_x, SHEAR_MOST),
    Name.SHEAR_Y: _linear(_shear_y, SHEAR_MOST),
    Name.TRANSLATE_X: _translate_x,
    Name.TRANSLATE_Y: _translate_y,
    Name.CUTOUT_IN_BOX: cutout_in_box,
}

_ON_BOTH: Final[Mapping[Name, OnPicture]] = {
    Name.AUTO_CONTRAST: lambda picture, _strength, _random: operations.auto_contrast(picture),
    Name.EQUALIZE: lambda picture, _strength, _random: operations.equalize(picture),
}

_ON_IMAGENET: Final[Mapping[Name, OnPicture]] = {
    **_ON_BOTH,
    Name.COLOR: _away_from_one(operations.color),
    Name.CONTRAST: _away_from_one(scaled_contrast),
    Name.SHARPNESS: _away_from_one(operations.sharpness),
    Name.INVERT: lambda picture, _strength, _random: operations.invert(picture),
    Name.SOLARIZE: lambda picture, strength, _random: operations.solarize(picture, 255 * (1 - strength)),
    Name.POSTERIZE: lambda picture, strength, _random: operations.posterize(picture, 8 - round(4 * strength)),
}

_ON_COCO: Final[Mapping[Name, OnPicture]] = {
    **_ON_BOTH,
    Name.BRIGHTNESS: _growing(scaled_brightness),
    Name.COLOR: _growing(operations.color),
    Name.CONTRAST: _growing(scaled_contrast),
    Name.SHARPNESS: _growing(operations.sharpness),
    Name.CUTOUT: _cutout,
    Name.SOLARIZE_ADD: lambda picture, strength, _random: operations.solarize_add(picture, strength),
    # The paper's own code keeps no bit at magnitude 2, which its framework's shift makes one.
    Name.POSTERIZE: lambda picture, strength, _random: operations.posterize(picture, max(1, int(4 * strength))),
}

_ONLY_BOXES: Final[Mapping[Name, Callable[[Picture, float, int, np.random.Generator], Picture]]] = {
    Name.CUTOUT_ONLY_BOXES: lambda part, strength, side, random: cutout(
        part, strength * CUTOUT_BOX_MOST * side, random
    ),
    Name.EQUALIZE_ONLY_BOXES: lambda part, _strength, _side, _random: operations.equalize(part),
    Name.FLIP_ONLY_BOXES: lambda part, _strength, _side, _random: part[:, ::-1],
    Name.SHEAR_X_ONLY_BOXES: lambda part, strength, _side, random: warp_picture(
        part, about_centre(_shear_x(_either(strength * SHEAR_MOST, random)), part), fill=GREY
    ),
    Name.SHEAR_Y_ONLY_BOXES: lambda part, strength, _side, random: warp_picture(
        part, about_centre(_shear_y(_either(strength * SHEAR_MOST, random)), part), fill=GREY
    ),
    Name.TRANSLATE_Y_ONLY_BOXES: lambda part, strength, side, random: warp_picture(
        part, _shift(0, round(_either(strength * TRANSLATE_BOX_MOST * side, random))), fill=GREY
    ),
}
