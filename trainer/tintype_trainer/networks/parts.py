"""The head of a network and its backbone: which layers, which parameters."""

from collections.abc import Iterator
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


def head_parameters(network: nn.Module) -> list[nn.Parameter]:
    """Return what the backbone has not: the last layer of a classifier, all but the body of a detector."""
    return list(_split(network, backbone=False))


def backbone_parameters(network: nn.Module) -> list[nn.Parameter]:
    """Return the parameters that make features of pixels, and that pretrained weights of another head may fill."""
    return list(_split(network, backbone=True))


def _split(network: nn.Module, *, backbone: bool) -> Iterator[nn.Parameter]:
    if isinstance(network, Detector):
        body = {id(parameter) for parameter in network.body().parameters()}
        yield from (parameter for parameter in network.parameters() if (id(parameter) in body) is backbone)
        return
    prefixes = tuple(f"{layer.name}." for layer in head_layers(network))
    for name, parameter in network.named_parameters():
        if name.startswith(prefixes) is not backbone:
            yield parameter
