"""The catalogue of architectures: what `training.architecture` may name, and the defaults that go with each.

Learning rates are for the entry's own batch size; `resolve` scales them to the batch size of the spec.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Optimizer(StrEnum):
    """Optimizers, by the names of the field."""

    MOMENTUM = "Momentum"
    RMSPROP = "RMSProp"
    ADAM = "Adam"
    ADAMW = "AdamW"
    NADAM = "NAdam"
    RADAM = "RAdam"


ADAM_FAMILY: Final = frozenset({Optimizer.ADAM, Optimizer.ADAMW, Optimizer.NADAM, Optimizer.RADAM})


@dataclass(frozen=True)
class Architecture:
    """One network that can be trained.

    Attributes:
        name: The name in `training.architecture`.
        library: "torchvision" or "timm".
        function: The builder's name in that library.
        input_size: Width and height in pixels that the network was designed for; the default resizer's size.
        minimum_size: The smallest width and height in pixels that the network can take.
        batch_size: The batch size for which the learning rates are.
        optimizer: The default optimizer.
        learning_rates: Peak learning rate of each optimizer at `batch_size`.
        mean: Mean of each RGB channel in [0, 1] that the usual ImageNet weights were trained with.
        std: Standard deviation of each RGB channel in [0, 1], likewise.
        purpose: What it is for, in one line.
    """

    name: str
    library: str
    function: str
    input_size: int
    minimum_size: int
    batch_size: int
    optimizer: Optimizer
    learning_rates: Mapping[Optimizer, float]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    purpose: str


def _rates(momentum: float, rmsprop: float, adam: float) -> Mapping[Optimizer, float]:
    return MappingProxyType(
        {Optimizer.MOMENTUM: momentum, Optimizer.RMSPROP: rmsprop} | dict.fromkeys(sorted(ADAM_FAMILY), adam)
    )


_CONVOLUTIONAL: Final = _rates(0.032, 0.0005, 0.0005)
_TRANSFORMER: Final = _rates(0.01, 0.0001, 0.0001)
_IMAGENET: Final = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_INCEPTION: Final = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


def _entry(
    name: str,
    library: str,
    function: str,
    purpose: str,
    *,
    input_size: int = 224,
    minimum_size: int = 32,
    transformer: bool = False,
    normalisation: tuple[tuple[float, float, float], tuple[float, float, float]] = _IMAGENET,
) -> Architecture:
    return Architecture(
        name=name,
        library=library,
        function=function,
        input_size=input_size,
        minimum_size=minimum_size,
        batch_size=32,
        optimizer=Optimizer.ADAMW if transformer else Optimizer.MOMENTUM,
        learning_rates=_TRANSFORMER if transformer else _CONVOLUTIONAL,
        mean=normalisation[0],
        std=normalisation[1],
        purpose=purpose,
    )


_ENTRIES: Final = (
    _entry(
        "efficientnet_lite0",
        "timm",
        "tf_efficientnet_lite0",
        "small and quick on CPUs and phones; no squeeze-and-excitation, exports anywhere",
        normalisation=_INCEPTION,
    ),
    _entry("efficientnet_b0", "torchvision", "efficientnet_b0", "the default: a good accuracy for its cost"),
    _entry("efficientnet_b1", "torchvision", "efficientnet_b1", "a little more accurate than B0", input_size=240),
    _entry("efficientnet_b2", "torchvision", "efficientnet_b2", "for finer details than B1 sees", input_size=260),
    _entry("efficientnet_b3", "torchvision", "efficientnet_b3", "for fine details, given a GPU", input_size=300),
    _entry("mobilenet_v3_small", "torchvision", "mobilenet_v3_small", "the quickest, for devices at the edge"),
    _entry("mobilenet_v3_large", "torchvision", "mobilenet_v3_large", "quick, for devices at the edge"),
    _entry("resnet18", "torchvision", "resnet18", "a small, well understood network"),
    _entry("resnet34", "torchvision", "resnet34", "a middling, well understood network"),
    _entry("resnet50", "torchvision", "resnet50", "the network that most papers compare with"),
    _entry("convnext_tiny", "torchvision", "convnext_tiny", "accurate and modern, given a GPU", transformer=True),
    _entry("regnet_y_400mf", "torchvision", "regnet_y_400mf", "small and quick on GPUs"),
)

CATALOGUE: Final[Mapping[str, Architecture]] = MappingProxyType({entry.name: entry for entry in _ENTRIES})
DEFAULT_ARCHITECTURE: Final = "efficientnet_b0"
