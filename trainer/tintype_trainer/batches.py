"""Batches of examples, made ahead by threads.

Threads suffice: decoding, resizing and copying leave Python's lock to the training, which spends its own time in
torch. What a batch holds depends on the seed, the epoch and the examples' indices alone.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from types import TracebackType
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tintype_api.spec.augmentations import Augmentation
from tintype_api.spec.resizer import ImageResizer
from tintype_trainer.images import Picture, augment, resize
from tintype_trainer.picture_memory import PictureMemory
from tintype_trainer.plan import Plan, batch_bounds, batch_count, training_batch
from tintype_trainer.randomness import Stream, generator


@dataclass(frozen=True, slots=True)
class Batch:
    """Some examples, on the CPU.

    Attributes:
        images_B3HW: uint8, before normalisation, channels last in memory.
        labels_B: int64, the index of each example's concept.
    """

    images_B3HW: Tensor
    labels_B: Tensor

    def __len__(self) -> int:
        return len(self.labels_B)


class Loader:
    """Makes the batches of a training and of evaluations.

    Args:
        pictures: All pictures of the run; examples are named by their index in it.
        labels: The concept's index of each of them.
        resizer: How a picture gets the network's size.
        workers: Threads; batches made ahead are twice as many.
    """

    def __init__(self, pictures: PictureMemory, labels: Sequence[int], resizer: ImageResizer, workers: int) -> None:
        self._pictures = pictures
        self._labels_N = np.asarray(labels, dtype=np.int64)
        self._resizer = resizer
        self._ahead = 2 * workers
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="loader")

    def training(
        self, indices: Sequence[int], plan: Plan, seed: int, augmentations: Sequence[Augmentation]
    ) -> Iterator[Batch]:
        """Yield the batch of each step of the plan over the examples `indices`, augmented anew at every reading."""
        indices_N = np.asarray(indices)

        def make(iteration: int) -> Batch:
            epoch, chosen_B = training_batch(plan, seed, iteration)
            return self._augmented(indices_N[chosen_B], seed, epoch, augmentations)

        return self._in_order(make, plan.iterations)

    def evaluation(self, indices: Sequence[int], batch_size: int) -> Iterator[Batch]:
        """Yield the examples `indices` once, in their order, as they are."""
        indices_N = np.asarray(indices)

        def make(position: int) -> Batch:
            first, end = batch_bounds(len(indices_N), batch_size, position)
            chosen_B = indices_N[first:end]
            return self._batch(chosen_B, [resize(self._pictures[index], self._resizer) for index in chosen_B])

        return self._in_order(make, batch_count(len(indices_N), batch_size))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def _augmented(
        self, chosen_B: NDArray[np.int64], seed: int, epoch: int, augmentations: Sequence[Augmentation]
    ) -> Batch:
        def read(index: int) -> Picture:
            random = generator(seed, Stream.AUGMENTATION, epoch, index)
            return resize(augment(self._pictures[index], augmentations, random), self._resizer)

        return self._batch(chosen_B, [read(int(index)) for index in chosen_B])

    def _batch(self, chosen_B: NDArray[np.int64], pictures: Sequence[Picture]) -> Batch:
        images_BHW3 = torch.from_numpy(np.stack(pictures))
        return Batch(images_BHW3.permute(0, 3, 1, 2), torch.from_numpy(self._labels_N[chosen_B]))

    def _in_order(self, make: Callable[[int], Batch], count: int) -> Iterator[Batch]:
        submitted = (self._pool.submit(make, number) for number in range(count))
        pending: deque[Future[Batch]] = deque(islice(submitted, self._ahead))
        while pending:
            batch = pending.popleft().result()
            pending.extend(islice(submitted, 1))
            yield batch
