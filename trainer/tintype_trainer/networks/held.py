"""Layers of pretrained weights that a training leaves as they are."""

from collections.abc import Iterable, Mapping
from typing import Any, Self

from torch import nn


class HeldBatchNorm2d(nn.BatchNorm2d):
    """BatchNorm that keeps its statistics and weights: batches of a few large images would only spoil them.

    Its state has the names of any other BatchNorm's.
    """

    def train(self, mode: bool = True) -> Self:  # noqa: ARG002  # torch's own signature
        """Stay in eval mode."""
        return super().train(False)


def hold_batch_norms(module: nn.Module) -> None:
    """Put held BatchNorms in the place of all within a module; their weights are not trained any more."""
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm2d):
            setattr(module, name, _held(child))
        else:
            hold_batch_norms(child)


def hold_parameters(modules: Iterable[nn.Module]) -> None:
    """Train none of the parameters of some modules."""
    for module in modules:
        module.requires_grad_(False)


def _held(norm: nn.BatchNorm2d) -> HeldBatchNorm2d:
    held = HeldBatchNorm2d(norm.num_features, norm.eps, norm.momentum, norm.affine, norm.track_running_stats)
    state: Mapping[str, Any] = norm.state_dict()
    held.load_state_dict(state)
    held.requires_grad_(False)
    return held.eval()
