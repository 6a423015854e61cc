"""Optimizers and their parameters.

| optimizer | settings | weight decay where the spec names none |
|---|---|---|
| Momentum | SGD, momentum 0.9, no Nesterov | 1e-4, as in He et al. 2015 |
| RMSProp | decay 0.9, momentum 0.9, eps 1e-3, as MobileNet and EfficientNet were trained | 1e-5, likewise |
| Adam, NAdam, RAdam | betas 0.9 and 0.999 | none: as a part of the gradient it acts differently on each weight |
| AdamW | betas 0.9 and 0.999 | 0.01, decoupled (Loshchilov and Hutter 2019) |

Biases and the parameters of normalisation layers (all of one dimension or less) are never decayed.
"""

from collections.abc import Iterable, Iterator
from itertools import product
from typing import Any, Final

from torch import nn, optim

from tintype_api.catalogue import Optimizer
from tintype_api.spec.training import OptimizerSettings

RATE_FACTOR: Final = "rate_factor"
"""The key in a parameter group of what its learning rate is multiplied by."""


def build_optimizer(
    network: nn.Module,
    settings: OptimizerSettings,
    backbone: Iterable[nn.Parameter] = (),
    backbone_factor: float = 1.0,
) -> optim.Optimizer:
    """Return the optimizer over all trainable parameters, at the peak learning rate.

    Args:
        network: Whose parameters.
        settings: Resolved.
        backbone: Those of them that have a learning rate of their own.
        backbone_factor: It, as a multiple of the others'.
    """
    assert settings.type is not None, "resolve fills in the optimizer"
    assert settings.learning_rate is not None, "resolve fills in the learning rate"
    assert settings.weight_decay is not None, "resolve fills in the weight decay"
    groups = list(_groups(network, settings.weight_decay, {id(parameter) for parameter in backbone}, backbone_factor))
    optimizer = _build(groups, settings.type, settings.learning_rate)
    set_learning_rate(optimizer, settings.learning_rate)
    return optimizer


def set_learning_rate(optimizer: optim.Optimizer, learning_rate: float) -> None:
    """Set the learning rate of every group, times the group's factor where it has one; nothing else changes."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate * group.get(RATE_FACTOR, 1.0)


def _build(groups: list[dict[str, Any]], kind: Optimizer, rate: float) -> optim.Optimizer:
    match kind:
        case Optimizer.MOMENTUM:
            return optim.SGD(groups, lr=rate, momentum=0.9)
        case Optimizer.RMSPROP:
            return optim.RMSprop(groups, lr=rate, alpha=0.9, momentum=0.9, eps=1e-3)
        case Optimizer.ADAM:
            return optim.Adam(groups, lr=rate)
        case Optimizer.ADAMW:
            return optim.AdamW(groups, lr=rate)
        case Optimizer.NADAM:
            return optim.NAdam(groups, lr=rate)
        case Optimizer.RADAM:
            return optim.RAdam(groups, lr=rate)


def _groups(network: nn.Module, decay: float, backbone: set[int], backbone_factor: float) -> Iterator[dict[str, Any]]:
    """Yield the groups that have a parameter: decayed and plain ones, of the backbone and of the rest."""

    def belongs(parameter: nn.Parameter) -> tuple[bool, bool]:
        return id(parameter) in backbone, parameter.ndim > 1

    trainable = [parameter for parameter in network.parameters() if parameter.requires_grad]
    for in_backbone, decayed in product((True, False), repeat=2):
        chosen = [parameter for parameter in trainable if belongs(parameter) == (in_backbone, decayed)]
        if chosen:
            factor = backbone_factor if in_backbone else 1.0
            yield {"params": chosen, "weight_decay": decay if decayed else 0.0, RATE_FACTOR: factor}
