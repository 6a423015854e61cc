"""The head of a network and its backbone: which layers, which parameters."""

from typing import Any

from torch import nn

from tintype_trainer.networks.detector import Detector
from tintype_trainer.networks.heads import HeadLayer


def head_layers(network: nn.Module) -> tuple[HeadLayer, ...]:
    """Return the layers whose shapes follow from the number of concepts.

    A classifier has one, by the words of timm's configuration or else the last linear one; a few of timm's have two.
    """
    if isinstance(network, Detector):
        return network.head_layers()
    configuration: dict[str, Any] | None = getattr(network, "pretrained_cfg", None)
    names = configuration.get("classifier") if configuration else None
    if names is None:
        names = [name for name, module in network.named_modules() if isinstance(module, nn.Linear)][-1]
    return tuple(HeadLayer(name) for name in ([names] if isinstance(names, str) else names))


def backbone_parameters(network: nn.Module) -> list[nn.Parameter]:
    """Return the parameters that make features of pixels, and that pretrained weights of another head may fill.

    All but the last layer of a classifier; the body of a detector.
    """
    if isinstance(network, Detector):
        return list(network.body().parameters())
    prefixes = tuple(f"{layer.name}." for layer in head_layers(network))
    return [parameter for name, parameter in network.named_parameters() if not name.startswith(prefixes)]
