"""What the catalogue states of one architecture, and of the pretrained weights that it has."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

IMAGENET: Final = "ImageNet"
COCO: Final = "COCO"
TORCHVISION: Final = "torchvision"
TIMM: Final = "timm"
TRANSFORMERS: Final = "transformers"

Channels = tuple[float, float, float]

IMAGENET_MEAN: Final[Channels] = (0.485, 0.456, 0.406)
IMAGENET_STD: Final[Channels] = (0.229, 0.224, 0.225)


class Optimizer(StrEnum):
    """Optimizers, by the names of the field."""

    MOMENTUM = "Momentum"
    RMSPROP = "RMSProp"
    ADAM = "Adam"
    ADAMW = "AdamW"
    NADAM = "NAdam"
    RADAM = "RAdam"


WEIGHT_DECAYS: Final[Mapping[Optimizer, float]] = MappingProxyType(
    dict.fromkeys(Optimizer, 0.0) | {Optimizer.MOMENTUM: 1e-4, Optimizer.RMSPROP: 1e-5, Optimizer.ADAMW: 0.01}
)
"""Weight decay where the spec names none."""
ADAM_FAMILY: Final = frozenset({Optimizer.ADAM, Optimizer.ADAMW, Optimizer.NADAM, Optimizer.RADAM})


def scaled_rate(optimizer: Optimizer, rate: float, scale: float) -> float:
    """Return a learning rate for batches that are `scale` times as large.

    It scales linearly for Momentum and RMSProp (Goyal et al. 2017), by the square root for the Adam family (Malladi et
    al. 2022).
    """
    return rate * (math.sqrt(scale) if optimizer in ADAM_FAMILY else scale)


@dataclass(frozen=True)
class PretrainedWeights:
    """One file of weights of a library.

    Attributes:
        tag: The library's own name of them.
        url: Where the library has them; empty where only the trainer's timm knows (`timm/<name>`).
        file: Name of the file without its ending; a mirror has it as <file>.safetensors or under the library's name.
        sha256: The first hexadecimal digits of the file at `url`, as its name states them; empty where it does not.
        licence: SPDX identifier, in lower case; of torchvision the library's own, since it states no other.
        mean: Mean of each RGB channel in [0, 1] that they were trained with.
        std: Standard deviation of each RGB channel in [0, 1], likewise.
        interpolation: How pictures were resized for them; recorded, pixels here are always resized bilinearly.
        no_eps: Whether they were trained with BatchNorms that add nothing to the variance.
    """

    tag: str
    url: str
    file: str
    sha256: str = ""
    licence: str = "bsd-3-clause"
    mean: Channels = IMAGENET_MEAN
    std: Channels = IMAGENET_STD
    interpolation: str = "bilinear"
    no_eps: bool = False


@dataclass(frozen=True)
class Architecture:
    """One network that can be trained.

    Attributes:
        name: The name in `training.architecture`.
        library: "torchvision", "timm" or "transformers".
        function: The builder's name in that library; of a detector on timm's features the features' name.
        purpose: What it is for, in one line.
        detector: Whether it is for Detection, and not for Classification and Tagging.
        input_size: Width and height in pixels that the network was designed for; the default resizer's size.
        minimum_size: The smallest width and height in pixels that the network can take.
        stride: Width and height must be multiples of it; 1 where any will do.
        batch_size: The batch size for which the learning rates are.
        optimizer: The default optimizer.
        learning_rates: Peak learning rate of each optimizer at `batch_size`.
        weights: Pretrained weights by source, ImageNet or COCO; a detector's of ImageNet fill its body alone.
        parameters: Number of trained parameters, with 1,000 concepts (a detector: 80); None for `timm/<name>`.
        gflops: Billions of multiply-adds for one picture of `input_size`, as torchvision's tables count them; None
            likewise.
    """

    name: str
    library: str
    function: str
    purpose: str
    detector: bool
    input_size: int
    minimum_size: int
    stride: int
    batch_size: int
    optimizer: Optimizer
    learning_rates: Mapping[Optimizer, float]
    weights: Mapping[str, PretrainedWeights]
    parameters: int | None
    gflops: float | None

    @property
    def usual_weights(self) -> PretrainedWeights | None:
        """The weights of COCO where there are any, else those of ImageNet."""
        return self.weights.get(COCO) or self.weights.get(IMAGENET)


@dataclass(frozen=True)
class Rates:
    """Peak learning rates at one batch size.

    Attributes:
        batch_size: That they are for.
        momentum: Of Momentum.
        rmsprop: Of RMSProp.
        adam: Of each of the Adam family.
        default: The optimizer that an architecture of this kind is best trained with.
    """

    batch_size: int
    momentum: float
    rmsprop: float
    adam: float
    default: Optimizer = Optimizer.MOMENTUM

    def at(self, batch_size: int) -> Mapping[Optimizer, float]:
        """Return them scaled to a batch size."""
        own = {Optimizer.MOMENTUM: self.momentum, Optimizer.RMSPROP: self.rmsprop}
        own |= dict.fromkeys(sorted(ADAM_FAMILY), self.adam)
        scale = batch_size / self.batch_size
        return MappingProxyType({optimizer: scaled_rate(optimizer, rate, scale) for optimizer, rate in own.items()})


CONVOLUTIONAL: Final = Rates(32, momentum=0.032, rmsprop=0.0005, adam=0.0005)
UNNORMALISED: Final = Rates(32, momentum=0.002, rmsprop=0.0001, adam=0.0001)
TRANSFORMER: Final = Rates(32, momentum=0.01, rmsprop=0.0001, adam=0.0001, default=Optimizer.ADAMW)
