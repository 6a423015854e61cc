"""The network but for its head, which can be held as it is while the head learns."""

from collections.abc import Iterable

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


class Backbone:
    """The backbone of a network.

    Args:
        network: The whole.
        parameters: The backbone's; those that already are not trained stay so.
    """

    def __init__(self, network: nn.Module, parameters: Iterable[nn.Parameter]) -> None:
        everything = list(parameters)
        owned = {id(parameter) for parameter in everything}
        self._network = network
        self._trained = [parameter for parameter in everything if parameter.requires_grad]
        self._norms = [
            module
            for module in network.modules()
            if isinstance(module, _BatchNorm) and any(id(own) in owned for own in module.parameters(recurse=False))
        ]
        self._held = False

    def hold(self) -> None:
        """Train none of its parameters until it is released."""
        self._hold(held=True)

    def release(self) -> None:
        """Train them from now on."""
        self._hold(held=False)

    @property
    def is_held(self) -> bool:
        """Whether it is held."""
        return self._held

    def enter_training(self) -> None:
        """Put the network into train mode; a held backbone's BatchNorm stays in eval, and so keeps its statistics."""
        self._network.train()
        if self._held:
            for norm in self._norms:
                norm.eval()

    def _hold(self, *, held: bool) -> None:
        self._held = held
        for parameter in self._trained:
            parameter.requires_grad_(not held)
        self.enter_training()


def trains_batch_norm(network: nn.Module) -> bool:
    """Return whether a BatchNorm takes its statistics from batches, in the network's current mode."""
    return any(isinstance(module, _BatchNorm) and module.training for module in network.modules())
