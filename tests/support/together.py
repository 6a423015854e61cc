"""Runs a function in several processes that form one group, as the processes of a training do."""

import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any, TypeVar

import torch

from support.ports import free_port
from tintype_trainer.processes.joined import join
from tintype_trainer.processes.place import Place

T = TypeVar("T")


class Together:
    """Processes that stay, so that torch is imported once; each call of `run` forms a new group."""

    def __init__(self, size: int) -> None:
        self.size = size
        spawn = multiprocessing.get_context("spawn")
        self._pools = [ProcessPoolExecutor(1, mp_context=spawn) for _ in range(size)]

    def run(self, function: Callable[..., T], *arguments: object) -> list[Any]:
        """Return what `function(group, *arguments)` returns or raises in each process, in the order of their ranks."""
        port = free_port()
        places = [Place(rank, self.size, rank, self.size, "127.0.0.1", port, os.getpid()) for rank in range(self.size)]
        futures = [
            pool.submit(_call, place, function, arguments) for pool, place in zip(self._pools, places, strict=True)
        ]
        return [future.exception() or future.result() for future in futures]

    def close(self) -> None:
        """End the processes."""
        for pool in self._pools:
            pool.shutdown()


def _call(place: Place, function: Callable[..., T], arguments: tuple[object, ...]) -> T:
    torch.set_num_threads(1)
    with join(place, lambda: None) as group:
        return function(group, *arguments)


def whole(results: list[Any]) -> list[Any]:
    """Return results of which none is an error."""
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results
