"""Augmentations: ordered, each kind at most once, each drawn anew at every reading of an example."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field
from pydantic.alias_generators import to_camel

from tintype_api.model import Model, Rule
from tintype_api.spec.common import Probability


def _ordered(kind: str, lower: str, low: float, upper: str, high: float) -> Rule:
    """Return the rule that a range's lower end is not above its upper end, absent ones being as their defaults are."""
    lower_field, upper_field = to_camel(lower), to_camel(upper)
    low_cel, high_cel = (
        f"(has(self.{name}) ? self.{name} : {default})" for name, default in ((lower_field, low), (upper_field, high))
    )
    return Rule(
        cel=f"self.type != '{kind}' || {low_cel} <= {high_cel}",
        holds=lambda part: getattr(part, lower) <= getattr(part, upper),
        message=f"augmentations: {lower_field} of {kind} is above {upper_field}; exchange them",
    )


class HorizontalFlip(Model):
    """Mirrors left and right."""

    type: Literal["HorizontalFlip"]
    probability: Probability = 0.5


class VerticalFlip(Model):
    """Mirrors top and bottom."""

    type: Literal["VerticalFlip"]
    probability: Probability = 0.5


class Rotate90(Model):
    """Turns by a quarter, counterclockwise."""

    type: Literal["Rotate90"]
    probability: Probability = 0.5


class Brightness(Model):
    """Adds one number, drawn evenly, to all pixels."""

    type: Literal["Brightness"]
    probability: Probability = 0.2
    max_delta: Annotated[float, Field(ge=0, le=1)] = 0.05
    """The most that is added or taken, as a share of white."""


class Contrast(Model):
    """Scales the distance from the mean of each channel by a factor, drawn evenly."""

    rules = (_ordered("Contrast", "min_factor", 0.8, "max_factor", 1.25),)

    type: Literal["Contrast"]
    probability: Probability = 0.2
    min_factor: Annotated[float, Field(ge=0, le=10)] = 0.8
    max_factor: Annotated[float, Field(ge=0, le=10)] = 1.25


class RandomCrop(Model):
    """Cuts out a part; boxes are clipped, and those whose centre is outside are dropped."""

    rules = (
        _ordered("RandomCrop", "min_aspect_ratio", 0.75, "max_aspect_ratio", 1.33),
        _ordered("RandomCrop", "min_area", 0.5, "max_area", 1.0),
    )

    type: Literal["RandomCrop"]
    probability: Probability = 1.0
    min_aspect_ratio: Annotated[float, Field(gt=0, le=100)] = 0.75
    """Width by height, relative to the picture's own."""
    max_aspect_ratio: Annotated[float, Field(gt=0, le=100)] = 1.33
    min_area: Annotated[float, Field(gt=0, le=1)] = 0.5
    """Share of the picture's area."""
    max_area: Annotated[float, Field(gt=0, le=1)] = 1.0


class PatchNoise(Model):
    """Adds Gaussian noise to one square patch."""

    type: Literal["PatchNoise"]
    probability: Probability = 0.2
    max_standard_deviation: Annotated[float, Field(ge=0, le=1)] = 0.05
    """The standard deviation is drawn evenly up to this share of white."""


class AutoAugmentPolicy(StrEnum):
    """Learned policies of augmentation."""

    AUTO = "Auto"
    IMAGENET = "ImageNet"
    V1 = "V1"
    V3 = "V3"


class AutoAugment(Model):
    """A learned policy: one of its pairs of operations is drawn at each reading."""

    type: Literal["AutoAugment"]
    probability: Probability = 1.0
    policy: AutoAugmentPolicy = AutoAugmentPolicy.AUTO
    """ImageNet (Cubuk et al. 2019) for Classification and Tagging; V1 or V3 (Zoph et al. 2019) for Detection.

    Auto: ImageNet, and V1 in Detection.
    """


class ColorJitter(Model):
    """Changes brightness, contrast, saturation and hue by factors drawn evenly, in this order."""

    type: Literal["ColorJitter"]
    probability: Probability = 0.8
    brightness: Annotated[float, Field(ge=0, le=1)] = 0.2
    """The factor is from 1 - this to 1 + this."""
    contrast: Annotated[float, Field(ge=0, le=1)] = 0.2
    saturation: Annotated[float, Field(ge=0, le=1)] = 0.2
    hue: Annotated[float, Field(ge=0, le=0.5)] = 0.02
    """The most that hue turns, as a share of the circle."""


class Affine(Model):
    """Rotates, shears, scales and shifts about the centre; black beyond the picture; boxes enclose what they held."""

    rules = (_ordered("Affine", "min_scale", 0.9, "max_scale", 1.1),)

    type: Literal["Affine"]
    probability: Probability = 0.5
    max_rotation: Annotated[float, Field(ge=0, le=180)] = 10
    """Degrees, either way."""
    max_shear: Annotated[float, Field(ge=0, le=60)] = 5
    """Degrees, either way, along x."""
    min_scale: Annotated[float, Field(gt=0, le=10)] = 0.9
    max_scale: Annotated[float, Field(gt=0, le=10)] = 1.1
    max_translation: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Share of width and of height, either way."""


class Blur(Model):
    """Blurs by a Gaussian."""

    type: Literal["Blur"]
    probability: Probability = 0.2
    max_sigma: Annotated[float, Field(gt=0, le=50)] = 1.5
    """The standard deviation is drawn evenly up to this number of pixels."""


class RandomErasing(Model):
    """Fills one rectangle with noise (Zhong et al. 2017); boxes stay."""

    rules = (_ordered("RandomErasing", "min_area", 0.02, "max_area", 0.2),)

    type: Literal["RandomErasing"]
    probability: Probability = 0.25
    min_area: Annotated[float, Field(gt=0, le=1)] = 0.02
    """Share of the picture's area."""
    max_area: Annotated[float, Field(gt=0, le=1)] = 0.2


class MixUp(Model):
    """Blends each example of a batch with another, labels too (Zhang et al. 2017)."""

    type: Literal["MixUp"]
    probability: Probability = 0.5
    """Of a batch."""
    alpha: Annotated[float, Field(gt=0, le=100)] = 0.2
    """Both parameters of the beta distribution of the share."""


class CutMix(Model):
    """Pastes a rectangle of another example of the batch, labels by area (Yun et al. 2019)."""

    type: Literal["CutMix"]
    probability: Probability = 0.5
    """Of a batch."""
    alpha: Annotated[float, Field(gt=0, le=100)] = 1.0
    """Both parameters of the beta distribution of the share."""


class Mosaic(Model):
    """Puts four examples together in one picture (Bochkovskiy et al. 2020); for Detection."""

    type: Literal["Mosaic"]
    probability: Probability = 0.5


Augmentation = Annotated[
    HorizontalFlip
    | VerticalFlip
    | Rotate90
    | Brightness
    | Contrast
    | RandomCrop
    | PatchNoise
    | AutoAugment
    | ColorJitter
    | Affine
    | Blur
    | RandomErasing
    | MixUp
    | CutMix
    | Mosaic,
    Field(discriminator="type"),
]
