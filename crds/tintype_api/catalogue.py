"""The catalogue of architectures: what `training.architecture` may name, and the defaults that go with each.

Learning rates are for the entry's own batch size; `resolve` scales them to the batch size of the spec.
Inception v2 is in neither library, and so not here.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from tintype_api.architecture import (
    ADAM_FAMILY,
    CONVOLUTIONAL,
    IMAGENET,
    TIMM,
    Architecture,
    Optimizer,
    PretrainedWeights,
)
from tintype_api.catalogue_classifiers import CLASSIFIERS
from tintype_api.catalogue_detectors import DETECTORS
from tintype_api.timm_names import TIMM_SIZES, TIMM_WITHOUT_WEIGHTS
from tintype_api.timm_strides import timm_stride

__all__ = [
    "ADAM_FAMILY",
    "CATALOGUE",
    "DEFAULT_ARCHITECTURE",
    "DEFAULT_DETECTOR",
    "TIMM_PREFIX",
    "Architecture",
    "Optimizer",
    "architecture",
]

CATALOGUE: Final[Mapping[str, Architecture]] = MappingProxyType(
    {entry.name: entry for entry in (*CLASSIFIERS, *DETECTORS)}
)
DEFAULT_ARCHITECTURE: Final = "efficientnet_b0"
DEFAULT_DETECTOR: Final = "retinanet_resnet50_fpn_v2"
TIMM_PREFIX: Final = "timm/"


def architecture(name: str) -> Architecture:
    """Return the entry of a name of the catalogue, or of `timm/<name>`.

    What the catalogue does not know of one of timm's is assumed: that 32 pixels are enough, that any size will do
    where its name does not say otherwise, and rates that suit convolutional networks.

    Raises:
        KeyError: there is no such architecture.
    """
    if not name.startswith(TIMM_PREFIX):
        return CATALOGUE[name]
    function = name.removeprefix(TIMM_PREFIX)
    weights = {} if function in TIMM_WITHOUT_WEIGHTS else {IMAGENET: PretrainedWeights(function, "", function)}
    return Architecture(
        name=name,
        library=TIMM,
        function=function,
        purpose="one of timm's",
        detector=False,
        input_size=TIMM_SIZES[function],
        minimum_size=32,
        stride=timm_stride(name),
        batch_size=CONVOLUTIONAL.batch_size,
        optimizer=CONVOLUTIONAL.default,
        learning_rates=CONVOLUTIONAL.at(CONVOLUTIONAL.batch_size),
        weights=MappingProxyType(weights),
        parameters=None,
        gflops=None,
    )
