"""Augmentations of one example: parameters drawn once, then applied to its picture and its boxes. Pure.

MixUp, CutMix and Mosaic take several examples and stand in `mixing`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from tintype_api.spec.augmentations import Augmentation
from tintype_trainer.pixels.augmentations.autoaugment import auto_augment
from tintype_trainer.pixels.augmentations.colours import brightness, color_jitter, contrast
from tintype_trainer.pixels.augmentations.flips import horizontal_flip, rotate90, vertical_flip
from tintype_trainer.pixels.augmentations.noise import blur, patch_noise, random_erasing
from tintype_trainer.pixels.augmentations.places import affine, random_crop
from tintype_trainer.pixels.samples import Sample

KINDS: Final[Mapping[str, Callable[[Any, Sample, np.random.Generator], Sample]]] = {
    "HorizontalFlip": horizontal_flip,
    "VerticalFlip": vertical_flip,
    "Rotate90": rotate90,
    "Brightness": brightness,
    "Contrast": contrast,
    "RandomCrop": random_crop,
    "PatchNoise": patch_noise,
    "AutoAugment": auto_augment,
    "ColorJitter": color_jitter,
    "Affine": affine,
    "Blur": blur,
    "RandomErasing": random_erasing,
}
"""What each kind does to one example, whatever its probability says."""


def augment(sample: Sample, augmentations: Sequence[Augmentation], random: np.random.Generator) -> Sample:
    """Return the sample after each augmentation in order, by its probability.

    Args:
        sample: One example as read.
        augmentations: Of single examples; resolved.
        random: The numbers of one reading of one example.
    """
    for augmentation in augmentations:
        if random.random() < augmentation.probability:
            sample = KINDS[augmentation.type](augmentation, sample, random)
    return sample


def of_examples(augmentations: Sequence[Augmentation]) -> tuple[Augmentation, ...]:
    """Return the augmentations of single examples, in order."""
    return tuple(each for each in augmentations if each.type in KINDS)
