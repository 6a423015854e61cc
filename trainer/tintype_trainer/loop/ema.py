"""An exponential moving average of a network's weights."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn


def decay_at(step: int, decay: float) -> float:
    """Return min(decay, (1 + t) / (10 + t)) at step t, from 0: the first weights, drawn at random, soon fade."""
    return min(decay, (1 + step) / (10 + step))


class Ema:
    """The average of a network's parameters, and its newest buffers.

    Args:
        network: Whose weights; the average starts as they are.
        decay: The largest share that the average keeps of itself at a step.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self._network = network
        self._decay = decay
        self._step = 0
        self._average = {name: tensor.detach().clone() for name, tensor in network.named_parameters()}

    @torch.no_grad()
    def update(self) -> None:
        """Take in the parameters after an optimizer step.

        BatchNorm's statistics are averages already, so that buffers are taken as they are.
        """
        weight = 1 - decay_at(self._step, self._decay)
        self._step += 1
        for name, parameter in self._network.named_parameters():
            self._average[name].lerp_(parameter, weight)

    @property
    def average(self) -> Mapping[str, Tensor]:
        """The average of each parameter."""
        return self._average

    @torch.no_grad()
    def restore(self, average: Mapping[str, Tensor], steps: int) -> None:
        """Make the average as it was after a number of steps."""
        for name, own in self._average.items():
            own.copy_(average[name])
        self._step = steps

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Give the network the average, and at the end its own weights back, bit by bit."""
        self._exchange()
        try:
            yield
        finally:
            self._exchange()

    def _exchange(self) -> None:
        for name, parameter in self._network.named_parameters():
            own: Tensor = parameter.data
            parameter.data = self._average[name]
            self._average[name] = own
