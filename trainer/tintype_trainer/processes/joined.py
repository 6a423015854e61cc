"""One of several processes: gloo carries what is on the CPU, NCCL what is on GPUs."""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed import TCPStore  # type: ignore[attr-defined]  # its own documentation imports it from there

from tintype_api.errors import UserError, peer_lost, peer_missing
from tintype_trainer.processes.group import Group
from tintype_trainer.processes.place import Place

T = TypeVar("T")

MEETING_LIMIT: Final = timedelta(minutes=30)
"""How long processes wait for each other at the start: other nodes may still pull the image."""
NO_LIMIT: Final = timedelta(days=30)
"""Of a collective: the watchdog ends what hangs, and a process that ends closes its connections."""
BUCKET_BYTES: Final = 64 << 20
"""Tensors are added up together until they have so many bytes."""
LOOK_S: Final = 0.5


class Joined(Group):
    """One of the processes of a training.

    Args:
        place: Which one.
        beat: Told now and then while this process waits for another's work, which shows that it is alive.
    """

    def __init__(self, place: Place, beat: Callable[[], None]) -> None:
        self.rank, self.size = place.rank, place.size
        self._leads_node = place.local_rank == 0
        self._beat = beat

    def any(self, *flags: bool) -> tuple[bool, ...]:
        """Return, for each flag, whether it holds in any process."""
        return tuple(number > 0 for number in self.sum(flags))

    def sum(self, numbers: Sequence[float]) -> Sequence[float]:
        """Return the sums of numbers over all processes."""
        sums = torch.tensor(numbers, dtype=torch.float64)
        with _together():
            dist.all_reduce(sums)
        found: list[float] = sums.tolist()
        return found

    def add(self, tensors: Sequence[Tensor]) -> None:
        """Replace tensors, of one type and on one device, by their sums over all processes."""
        for bucket in buckets(tensors, BUCKET_BYTES):
            flat = torch.cat([tensor.reshape(-1) for tensor in bucket])
            with _together():
                dist.all_reduce(flat)
            parts = torch.split(flat, [tensor.numel() for tensor in bucket])
            for tensor, part in zip(bucket, parts, strict=True):
                tensor.copy_(part.view(tensor.shape))

    @torch.no_grad()
    def level(self, tensors: Iterable[Tensor]) -> None:
        """Replace tensors by those of rank 0."""
        for tensor in tensors:
            whole = tensor.detach().contiguous()
            with _together():
                dist.broadcast(whole, src=0)
            tensor.copy_(whole)

    def first(self, value: T) -> T:
        """Return what rank 0 has given."""
        values = [value]
        with _together():
            dist.broadcast_object_list(values, src=0)
        return values[0]

    def gather(self, value: T) -> list[T]:
        """Return what each process has given, in the order of their ranks."""
        values: list[Any] = [None] * self.size
        with _together():
            dist.all_gather_object(values, value)
        return values

    def one_after_another(self, action: Callable[[], T]) -> T:
        """Do something that the first process of each node makes easy for the others there: they follow it."""
        if self._leads_node:
            done = action()
            self._wait()
        else:
            self._wait()
            done = action()
        self._wait()
        return done

    def _wait(self) -> None:
        """Wait until all processes wait."""
        with _together():
            work = dist.all_reduce(torch.zeros(1), async_op=True)
            while not work.is_completed():
                self._beat()
                time.sleep(LOOK_S)
            work.wait()


@contextmanager
def join(place: Place, beat: Callable[[], None]) -> Iterator[Group]:
    """Meet the other processes, and part from them at the end.

    Raises:
        UserError: exit 1 PeerMissing where they do not come, PeerLost where they come and go.
    """
    began = time.monotonic()
    _end_with(place.launcher)
    if place.size == place.local_size and "lo" in (name for _, name in socket.if_nameindex()):
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    try:
        store = TCPStore(place.host, place.port, place.size, is_master=place.rank == 0, timeout=MEETING_LIMIT)
        dist.init_process_group(backend, store=store, rank=place.rank, world_size=place.size, timeout=NO_LIMIT)
    except RuntimeError as error:
        if time.monotonic() - began < MEETING_LIMIT.total_seconds():
            raise _left_alone() from error
        raise peer_missing(
            f"the {place.size} processes of this training did not meet at {place.host}:{place.port} within "
            f"{MEETING_LIMIT.seconds // 60} minutes; see the other Pods of this training"
        ) from error
    try:
        yield Joined(place, beat)
    finally:
        dist.destroy_process_group()


def buckets(tensors: Sequence[Tensor], most_bytes: int) -> Iterator[list[Tensor]]:
    """Yield tensors in their order, as many together as have at most so many bytes; a larger one alone. Pure."""
    bucket: list[Tensor] = []
    filled = 0
    for tensor in tensors:
        if bucket and filled + tensor.nbytes > most_bytes:
            yield bucket
            bucket, filled = [], 0
        bucket.append(tensor)
        filled += tensor.nbytes
    if bucket:
        yield bucket


@contextmanager
def _together() -> Iterator[None]:
    """Turn the loss of another process into an error that says so."""
    try:
        yield
    except RuntimeError as error:
        raise _left_alone() from error


def _left_alone() -> UserError:
    return peer_lost(
        "another process of this training ended, without which this one cannot go on; see how that one ended"
    )


def _end_with(launcher: int) -> None:
    """End this process when the one that has started it is gone, so that nobody is left behind."""

    def watch() -> None:
        while os.getppid() == launcher:
            time.sleep(1.0)
        os._exit(1)

    threading.Thread(target=watch, name="launcher", daemon=True).start()
