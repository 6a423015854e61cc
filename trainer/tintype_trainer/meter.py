"""What a run counts beside its status: where its time goes, and what it asks of storage. Any thread may count."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

T = TypeVar("T")


class Activity(StrEnum):
    """What the time of a training goes to."""

    DATA = "data"
    """The step waits for its batch."""
    STEP = "step"
    """Forward, backward, and the update of the weights."""
    VALIDATION = "validation"
    CHECKPOINT = "checkpoint"
    """From the copy of the weights to the pointer in storage."""


class Counted(StrEnum):
    """What is counted; the values are names of metrics without prefix and suffix."""

    CHECKPOINTS = "checkpoints"
    CHECKPOINT_ERRORS = "checkpoint_errors"
    NAN_LOSSES = "nan_losses"
    CACHE_HITS = "image_cache_hits"
    CACHE_MISSES = "image_cache_misses"
    STORAGE_REQUESTS = "storage_requests"
    STORAGE_ERRORS = "storage_errors"
    STORAGE_RETRIES = "storage_retries"
    """But for parts of uploads, pages of lists and creations, which obstore tries again: they just show as slow."""
    STORAGE_SECONDS = "storage_request_seconds"
    STORAGE_READ_BYTES = "storage_read_bytes"
    STORAGE_WRITTEN_BYTES = "storage_written_bytes"


@dataclass(frozen=True, slots=True)
class GpuFigures:
    """A GPU as its driver sees it, whoever uses it.

    Attributes:
        used_bytes: Memory in use.
        total_bytes: Memory in all.
        busy: Share of the latest sample in which something ran, 0 to 1; None where the driver does not say.
    """

    used_bytes: int
    total_bytes: int
    busy: float | None


class Meter:
    """Numbers that only grow, and a look at the GPU."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts = dict.fromkeys(Counted, 0.0)
        self._seconds = dict.fromkeys(Activity, 0.0)
        self._gpu: Callable[[], GpuFigures | None] = lambda: None

    def count(self, what: Counted, number: float = 1) -> None:
        """Add to a count."""
        with self._lock:
            self._counts[what] += number

    def spend(self, activity: Activity, seconds: float) -> None:
        """Add to the seconds of an activity."""
        with self._lock:
            self._seconds[activity] += seconds

    @contextmanager
    def during(self, activity: Activity) -> Iterator[None]:
        """Count the time of a block, however it ends."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.spend(activity, time.perf_counter() - began)

    def waited_for(self, items: Iterable[T]) -> Iterator[T]:
        """Yield the items; the time until each is there counts as waiting for data."""
        iterator = iter(items)
        while True:
            with self.during(Activity.DATA):
                try:
                    item = next(iterator)
                except StopIteration:
                    return
            yield item

    def watch_gpu(self, read: Callable[[], GpuFigures | None]) -> None:
        """Have the GPU read whenever somebody asks."""
        self._gpu = read

    def gpu(self) -> GpuFigures | None:
        """Return the GPU as it is now; None where there is none."""
        return self._gpu()

    @property
    def counts(self) -> Mapping[Counted, float]:
        """All counts."""
        return dict(self._counts)

    @property
    def seconds(self) -> Mapping[Activity, float]:
        """The seconds of each activity."""
        return dict(self._seconds)
