"""Optimizers and their parameters.

| optimizer | settings | weight decay |
|---|---|---|
| Momentum | SGD, momentum 0.9, no Nesterov | 1e-4, as in He et al. 2015 |
| RMSProp | decay 0.9, momentum 0.9, eps 1e-3, as MobileNet and EfficientNet were trained | 1e-5, likewise |
| Adam, NAdam, RAdam | betas 0.9 and 0.999 | none: as a part of the gradient it acts differently on each weight |
| AdamW | betas 0.9 and 0.999 | 0.01, decoupled (Loshchilov and Hutter 2019) |

Biases and the parameters of normalisation layers (all of one dimension or less) are never decayed.
"""

from collections.abc import Iterable

from torch import nn, optim

from tintype_api.catalogue import Optimizer


def build_optimizer(network: nn.Module, kind: Optimizer, learning_rate: float) -> optim.Optimizer:
    """Return the optimizer over all trainable parameters, at a learning rate that the schedule then sets."""
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    match kind:
        case Optimizer.MOMENTUM:
            return optim.SGD(_groups(parameters, 1e-4), lr=learning_rate, momentum=0.9)
        case Optimizer.RMSPROP:
            return optim.RMSprop(_groups(parameters, 1e-5), lr=learning_rate, alpha=0.9, momentum=0.9, eps=1e-3)
        case Optimizer.ADAM:
            return optim.Adam(_groups(parameters, 0.0), lr=learning_rate)
        case Optimizer.ADAMW:
            return optim.AdamW(_groups(parameters, 0.01), lr=learning_rate)
        case Optimizer.NADAM:
            return optim.NAdam(_groups(parameters, 0.0), lr=learning_rate)
        case Optimizer.RADAM:
            return optim.RAdam(_groups(parameters, 0.0), lr=learning_rate)


def set_learning_rate(optimizer: optim.Optimizer, learning_rate: float) -> None:
    """Set the learning rate of every group."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate


def _groups(parameters: Iterable[nn.Parameter], weight_decay: float) -> list[dict[str, object]]:
    decayed: list[nn.Parameter] = []
    plain: list[nn.Parameter] = []
    for parameter in parameters:
        (decayed if parameter.ndim > 1 else plain).append(parameter)
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": plain, "weight_decay": 0.0}]
