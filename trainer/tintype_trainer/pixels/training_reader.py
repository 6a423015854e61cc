"""Training examples as the network sees them, one at a time or a batch, by seed, epoch and place."""

from collections.abc import Sequence
from typing import Final

from tintype_api.spec.augmentations import Augmentation
from tintype_api.spec.resizer import ImageResizer
from tintype_trainer.loop.randomness import Stream, generator
from tintype_trainer.pixels.augmentations import augment, of_examples
from tintype_trainer.pixels.mixing import MOSAIC_PICTURES, mix, mosaic
from tintype_trainer.pixels.picture_memory import PictureMemory
from tintype_trainer.pixels.reading import Seen, read_training, see
from tintype_trainer.pixels.samples import Sample, Target

ALONE: Final = 0
"""Number of the reading of an example for itself; those for another's mosaic follow."""


class TrainingReader:
    """Reads, augments and mixes training examples.

    What is drawn depends on the seed, the epoch and an example's place in the list of training examples, and for
    MixUp and CutMix on the iteration and the process: not on who asks first. Safe to use from many threads at once.

    Args:
        pictures: All pictures of the run.
        targets: What is annotated on each of them.
        indices: The training examples, by their index in both; repeated examples stand there several times.
        resizer: How a picture gets the network's size.
        crop_margin: Around each region, as a share of its smaller side.
        augmentations: In the user's order; resolved.
        seed: Of the training.
    """

    def __init__(
        self,
        pictures: PictureMemory,
        targets: Sequence[Target],
        indices: Sequence[int],
        resizer: ImageResizer,
        crop_margin: float,
        augmentations: Sequence[Augmentation],
        seed: int,
    ) -> None:
        self._pictures = pictures
        self._targets = targets
        self._indices = indices
        self._resizer = resizer
        self._crop_margin = crop_margin
        self._seed = seed
        self._of_examples = of_examples(augmentations)
        self._of_batches = tuple(augmentations)
        self._mosaic = next((each.probability for each in augmentations if each.type == "Mosaic"), 0.0)

    def batch(self, epoch: int, places: Sequence[int], iteration: int, rank: int = 0) -> list[Seen]:
        """Return the examples at some places of the list, mixed as the share of a process in one step (from 0)."""
        random = generator(self._seed, Stream.MIXING, iteration, *([rank] if rank else []))
        return mix([self.example(epoch, place) for place in places], self._of_batches, random)

    def example(self, epoch: int, place: int) -> Seen:
        """Return one example as it is read in one epoch (from 0), in a mosaic where one is drawn."""
        random = generator(self._seed, Stream.MOSAIC, epoch, place)
        if random.random() < self._mosaic:
            others = random.integers(len(self._indices), size=MOSAIC_PICTURES - 1).tolist()
            samples = [
                self._sample(epoch, place, number, other) for number, other in enumerate([place, *others], start=1)
            ]
            return mosaic(samples, self._resizer, random)
        shares_K = self._targets[self._indices[place]].shares_K
        return see(self._sample(epoch, place, ALONE, place), shares_K, self._resizer)

    def _sample(self, epoch: int, place: int, reading: int, shown: int) -> Sample:
        """Return the example at the place `shown`, as augmented for the reading of a number at `place`."""
        index = self._indices[shown]
        sample = read_training(self._pictures[index], self._targets[index], self._crop_margin)
        return augment(sample, self._of_examples, generator(self._seed, Stream.AUGMENTATION, epoch, place, reading))
