"""Random numbers that depend on what they are for, never on workers or timing. Pure."""

from enum import IntEnum

import numpy as np


class Stream(IntEnum):
    """What random numbers are for; streams are independent of each other."""

    ORDER = 0
    AUGMENTATION = 1
    MOSAIC = 2
    MIXING = 3
    PREVIEW = 4


def generator(seed: int, stream: Stream, *position: int) -> np.random.Generator:
    """Return the generator of one place in a training, such as (epoch, index of the example)."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence((seed, stream, *position))))
