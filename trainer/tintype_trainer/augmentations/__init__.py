"""Augmentations of one example: parameters drawn once, then applied to its picture and its boxes."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tintype_api.spec.augmentations import Augmentation, HorizontalFlip
from tintype_trainer.samples import Sample


def augment(sample: Sample, augmentations: Sequence[Augmentation], random: np.random.Generator) -> Sample:
    """Return the sample after each augmentation in order, with random numbers of one reading of one example."""
    for augmentation in augmentations:
        if isinstance(augmentation, HorizontalFlip) and random.random() < augmentation.probability:
            sample = replace(sample, picture=sample.picture[:, ::-1])
    return sample
