"""Networks with one output for each concept, for Classification and Tagging."""

from typing import Any, Final

import torch
from torch import nn

from tintype_api.architecture import TORCHVISION
from tintype_api.catalogue import CATALOGUE, Architecture
from tintype_api.errors import invalid_spec
from tintype_trainer.networks.parts import head_layers
from tintype_trainer.sentences import first_line

WITH_AUXILIARY_HEADS: Final = ("googlenet", "inception_v3")
"""Networks whose further heads are for trainings from nothing only."""


def build_classifier(architecture: Architecture, concepts: int, size: tuple[int, int]) -> nn.Module:
    """Return a network from (B, 3, height, width) to logits (B, concepts), drawn from torch's global random state.

    It is the library's own, so that its weights load into what the library's builder makes. Only the head's first
    weights are drawn as torch draws any linear layer's, within 1/sqrt(inputs): both libraries draw EfficientNet's
    within 1/sqrt(outputs), which for two concepts starts a pretrained network at a loss of 3 instead of 0.7.

    Args:
        architecture: One of the catalogue that is no detector, or one of timm's.
        concepts: Number of outputs.
        size: Width and height of its images, in pixels.

    Raises:
        UserError: exit 64 where one of timm's is no classifier, or not for images of this size.
    """
    if architecture.name in CATALOGUE:
        return _build(architecture, concepts, size)
    try:
        network = _build(architecture, concepts, size)
        _try(network, concepts, size)
    except (AssertionError, AttributeError, KeyError, RuntimeError, TypeError, ValueError) as error:
        width, height = size
        raise invalid_spec(
            f"training.architecture: {architecture.name} cannot classify pictures of {width} x {height} pixels "
            f"({first_line(error)}); choose another imageResizer or architecture"
        ) from error
    return network


def _build(architecture: Architecture, concepts: int, size: tuple[int, int]) -> nn.Module:
    arguments = classifier_arguments(architecture, concepts, size)
    if architecture.library == TORCHVISION:
        from torchvision.models import get_model  # noqa: PLC0415  # each library takes seconds to import

        network: nn.Module = get_model(architecture.function, weights=None, **arguments)
    else:
        from timm import create_model  # noqa: PLC0415

        network = create_model(architecture.function, pretrained=False, **arguments)
    for layer in head_layers(network):
        head = network.get_submodule(layer.name)
        assert isinstance(head, nn.Linear | nn.Conv2d), f"its head is a {type(head).__name__}"
        head.reset_parameters()
    return network


def _try(network: nn.Module, concepts: int, size: tuple[int, int]) -> None:
    """Have the network see one black picture, which shows what timm's builders take without a word."""
    width, height = size
    training = network.training
    with torch.no_grad():  # what some networks cache in inference mode could not be trained on
        logits_BK = network.eval()(torch.zeros(1, 3, height, width))
    network.train(training)
    assert logits_BK.shape == (1, concepts), f"it answers with the shape {list(logits_BK.shape)}"


def classifier_arguments(architecture: Architecture, concepts: int, size: tuple[int, int]) -> dict[str, Any]:
    """Return what the library's builder of this architecture must be given, as model.json states it.

    Transformers of timm are built for their images' size, to which position embeddings of weights are interpolated.
    """
    if architecture.library == TORCHVISION:
        auxiliary = {"aux_logits": False, "init_weights": True} if architecture.function in WITH_AUXILIARY_HEADS else {}
        return {"num_classes": concepts, **auxiliary}
    width, height = size
    return {"num_classes": concepts} | ({"img_size": [height, width]} if _has_one_size(architecture.function) else {})


def _has_one_size(function: str) -> bool:
    from timm.models import get_pretrained_cfg  # noqa: PLC0415

    configuration = get_pretrained_cfg(function, allow_unregistered=True)
    return bool(configuration and configuration.fixed_input_size)
