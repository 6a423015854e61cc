"""Targets of examples for tests of what comes after the data set."""

from collections.abc import Sequence

from tintype_trainer.datasets.dataset import Example, Split
from tintype_trainer.pixels.samples import Target, targets_of


def classified(labels: Sequence[int], concepts: int) -> list[Target]:
    """Return targets of Classification: each label is the number of the one concept that holds."""
    names = [str(number) for number in range(concepts)]
    examples = [Example(str(place), "", Split.TRAIN, (names[label],)) for place, label in enumerate(labels)]
    return targets_of(examples, names, detection=False)
