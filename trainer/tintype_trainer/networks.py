"""Networks: the catalogue's builders of torchvision and timm, without any download."""

from typing import Final

from torch import nn

from tintype_api.catalogue import Architecture

TORCHVISION: Final = "torchvision"


def build_network(architecture: Architecture, concepts: int) -> nn.Module:
    """Return the network with one output for each concept and weights drawn from torch's global random state.

    It is the library's own, so that its weights load into what the library's builder makes. Only the head's first
    weights are drawn as torch draws any linear layer's, within 1/sqrt(inputs): both libraries draw EfficientNet's
    within 1/sqrt(outputs), which for two concepts starts a pretrained network at a loss of 3 instead of 0.7.
    """
    if architecture.library == TORCHVISION:
        from torchvision.models import get_model  # noqa: PLC0415  # each library takes seconds to import

        network: nn.Module = get_model(architecture.function, weights=None, num_classes=concepts)
    else:
        from timm import create_model  # noqa: PLC0415

        network = create_model(architecture.function, pretrained=False, num_classes=concepts)
    head = network.get_submodule(head_name(network))
    assert isinstance(head, nn.Linear)
    head.reset_parameters()
    return network


def head_name(network: nn.Module) -> str:
    """Return the name of the layer whose outputs are the concepts: the last linear one."""
    linear: list[str] = [name for name, module in network.named_modules() if isinstance(module, nn.Linear)]
    return linear[-1]
