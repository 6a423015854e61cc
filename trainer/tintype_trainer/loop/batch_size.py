"""The batch size Auto: the largest that the device has memory for, up to the catalogue's."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import torch
from torch import nn

from tintype_trainer.gpu_memory import is_out_of_gpu_memory, release_memory
from tintype_trainer.learners import Learner
from tintype_trainer.loop.stepping import add_gradients, smallest_part, too_large
from tintype_trainer.pixels.batches import Batch

TENSORS_OF_A_PARAMETER: Final = 3
"""What a training keeps for each parameter besides it and its gradient: the optimizer's two at most, and an average."""


def largest_batch(learner: Learner, largest: int, batch_of: Callable[[int], Batch]) -> int:
    """Return the largest batch size that fits: `largest`, or the first of its halves that does.

    Each size is tried with a pass forward and back over a real batch, with room set aside for the optimizer. Nothing
    of the try is left: weights, buffers, mode, gradients and random state are as before. A CPU runs out of memory by
    being killed, not by an error that could be caught: there the first try is the answer, and compute.memory must
    suffice for the catalogue's batch size.

    Args:
        learner: What is to be trained, on its device.
        largest: The catalogue's batch size.
        batch_of: Makes a batch of so many training examples.

    Raises:
        UserError: exit 1 where not even the smallest batch fits.
    """
    size = largest
    with _untouched(learner.network):
        learner.network.train()
        smallest = min(largest, smallest_part(learner.network))
        while not _fits(learner, batch_of(size)):
            release_memory()
            if size == smallest:
                raise too_large(size)
            size = max(smallest, size // 2)
    return size


def _fits(learner: Learner, batch: Batch) -> bool:
    try:
        room = [
            torch.empty_like(parameter)
            for parameter in learner.network.parameters()
            for _ in range(TENSORS_OF_A_PARAMETER)
        ]
        add_gradients(learner, [batch], len(batch))
        del room
    except RuntimeError as error:
        if is_out_of_gpu_memory(error):
            return False
        raise
    finally:
        learner.network.zero_grad(set_to_none=True)
    return True


@contextmanager
def _untouched(network: nn.Module) -> Iterator[None]:
    """Give the network its mode and buffers back, and torch its random state."""
    buffers = [(buffer, buffer.clone()) for buffer in network.buffers()]
    modes = [(module, module.training) for module in network.modules()]
    try:
        with torch.random.fork_rng():
            yield
    finally:
        with torch.no_grad():
            for buffer, before in buffers:
                buffer.copy_(before)
        for module, training in modes:
            module.training = training
        release_memory()
