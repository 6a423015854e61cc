"""Layers of pretrained weights that a training leaves as they are."""

from collections.abc import Iterable
from typing import Self

from torch import nn


class HeldBatchNorm2d(nn.BatchNorm2d):
    """BatchNorm that keeps its statistics and weights: batches of a few large images would only spoil them."""

    def train(self, mode: bool = True) -> Self:  # noqa: ARG002  # torch's own signature
        """Stay in eval mode."""
        return super().train(False)


def hold_batch_norms(module: nn.Module) -> None:
    """Hold all BatchNorms within a module, in place; their weights are not trained any more.

    Each stays what it is otherwise: timm's have an activation within them.
    """
    norms = [child for child in module.modules() if isinstance(child, nn.BatchNorm2d)]
    kinds = {kind: _held(kind) for kind in {type(norm) for norm in norms}}
    for norm in norms:
        norm.__class__ = kinds[type(norm)]
        norm.requires_grad_(False)
        norm.eval()


def hold_parameters(modules: Iterable[nn.Module]) -> None:
    """Train none of the parameters of some modules."""
    for module in modules:
        module.requires_grad_(False)


def _held(kind: type[nn.BatchNorm2d]) -> type[nn.BatchNorm2d]:
    if kind is nn.BatchNorm2d or issubclass(kind, HeldBatchNorm2d):
        return HeldBatchNorm2d if kind is nn.BatchNorm2d else kind
    return type(f"Held{kind.__name__}", (HeldBatchNorm2d, kind), {})
