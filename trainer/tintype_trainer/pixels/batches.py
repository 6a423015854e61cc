"""Batches of examples, made ahead by threads.

Threads suffice: decoding, resizing and copying leave Python's lock to the training, which spends its own time in
torch. What a batch holds depends on the seed, the epoch and the examples' places in the list of training examples
alone.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from types import TracebackType
from typing import Self

import numpy as np
import torch
from torch import Tensor

from tintype_api.spec.augmentations import Augmentation
from tintype_api.spec.resizer import ImageResizer
from tintype_trainer.loop.plan import Plan, batch_bounds, batch_count, training_batch
from tintype_trainer.pixels.images import Picture
from tintype_trainer.pixels.picture_memory import PictureMemory
from tintype_trainer.pixels.reading import Seen, cropped, read_evaluation
from tintype_trainer.pixels.samples import Target
from tintype_trainer.pixels.training_reader import TrainingReader
from tintype_trainer.processes.group import ALONE, Group


@dataclass(frozen=True, slots=True)
class BoxesOfImage:
    """The boxes of one image of a batch.

    Attributes:
        boxes_N4: float32 x0 y0 x1 y1 in pixels of the canvas.
        labels_N: int64, the index of each box's concept.
        ignored_N: bool, boxes that count neither way in evaluation; none of them in training.
        scale_xy: Canvas pixels per pixel of the original picture, by which detections are mapped back to it; (1, 1)
            in training, whose pictures have no way back.
    """

    boxes_N4: Tensor
    labels_N: Tensor
    ignored_N: Tensor
    scale_xy: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Batch:
    """Some examples, on the CPU.

    Attributes:
        images_B3HW: uint8, before normalisation, channels last in memory.
        shares_BK: float32, the share of each concept: 0 or 1, between them after MixUp and CutMix; (B, 0) in Detection.
        boxes: One for each image (Detection), else empty.
    """

    images_B3HW: Tensor
    shares_BK: Tensor
    boxes: tuple[BoxesOfImage, ...] = ()

    def __len__(self) -> int:
        return len(self.images_B3HW)


class Loader:
    """Makes the batches of a training and of evaluations.

    Args:
        pictures: All pictures of the run; examples are named by their index in it.
        targets: What is annotated on each of them.
        resizer: How a picture gets the network's size.
        workers: Threads; batches made ahead are twice as many.
        crop_margin: Around each region, as a share of its smaller side.
    """

    def __init__(
        self,
        pictures: PictureMemory,
        targets: Sequence[Target],
        resizer: ImageResizer,
        workers: int,
        crop_margin: float = 0.0,
    ) -> None:
        self._pictures = pictures
        self._targets = targets
        self._resizer = resizer
        self._crop_margin = crop_margin
        self._ahead = 2 * workers
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="loader")

    def training(
        self,
        indices: Sequence[int],
        plan: Plan,
        seed: int,
        augmentations: Sequence[Augmentation],
        first: int = 0,
        group: Group = ALONE,
    ) -> Iterator[Batch]:
        """Yield this process's share of the batches of a plan's steps, augmented anew at every reading.

        Args:
            indices: The training examples; one that stands there several times is drawn anew for each.
            plan: The length of the training.
            seed: Of the training.
            augmentations: In the user's order.
            first: The step, from 0, whose batch comes first.
            group: The processes that share each batch.
        """
        reader = self.reader(indices, seed, augmentations)

        def make(iteration: int) -> Batch:
            epoch, places_B = training_batch(plan, seed, iteration)
            start, end = group.bounds(len(places_B))
            return batch_of(reader.batch(epoch, places_B[start:end].tolist(), iteration, group.rank))

        return self._in_order(make, range(first, plan.iterations))

    def evaluation(self, indices: Sequence[int], batch_size: int) -> Iterator[Batch]:
        """Yield the examples `indices` once, in their order, as they are."""

        def make(position: int) -> Batch:
            first, end = batch_bounds(len(indices), batch_size, position)
            return batch_of([self.plain(index) for index in indices[first:end]])

        return self._in_order(make, range(batch_count(len(indices), batch_size)))

    def reader(self, indices: Sequence[int], seed: int, augmentations: Sequence[Augmentation]) -> TrainingReader:
        """Return what reads the training examples `indices` one at a time."""
        return TrainingReader(
            self._pictures, self._targets, indices, self._resizer, self._crop_margin, augmentations, seed
        )

    def plain(self, index: int) -> Seen:
        """Return one example as evaluation sees it."""
        return read_evaluation(self._pictures[index], self._targets[index], self._crop_margin, self._resizer)

    def original(self, index: int) -> Picture:
        """Return the picture of one example as it is annotated: its region alone, neither resized nor padded."""
        return cropped(self._pictures[index], self._targets[index].region, self._crop_margin)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def _in_order(self, make: Callable[[int], Batch], numbers: Iterable[int]) -> Iterator[Batch]:
        submitted = (self._pool.submit(make, number) for number in numbers)
        pending: deque[Future[Batch]] = deque(islice(submitted, self._ahead))
        while pending:
            batch = pending.popleft().result()
            pending.extend(islice(submitted, 1))
            yield batch


def batch_of(seen: Sequence[Seen]) -> Batch:
    """Return what the network sees at once, of at least one example."""
    images_BHW3 = torch.from_numpy(np.stack([each.canvas for each in seen]))
    shares_BK = torch.from_numpy(np.stack([each.shares_K for each in seen]))
    detection = not shares_BK.shape[1]
    boxes = tuple(_boxes_of_image(each) for each in seen) if detection else ()
    return Batch(images_BHW3.permute(0, 3, 1, 2), shares_BK, boxes)


def _boxes_of_image(seen: Seen) -> BoxesOfImage:
    return BoxesOfImage(
        boxes_N4=torch.from_numpy(seen.boxes_N4),
        labels_N=torch.from_numpy(seen.labels_N),
        ignored_N=torch.from_numpy(seen.ignored_N),
        scale_xy=seen.scale_xy,
    )
