"""Entries of the catalogue for Detection."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from tintype_api.architecture import (
    COCO,
    IMAGENET,
    TIMM,
    TORCHVISION,
    TRANSFORMERS,
    Architecture,
    Optimizer,
    PretrainedWeights,
    Rates,
)
from tintype_api.catalogue_figures import FIGURES
from tintype_api.catalogue_weights import (
    EFFICIENTNET_LITE0,
    MOBILENET_V3_LARGE,
    RESNET50,
    SSD300_VGG16,
    SSDLITE320,
    dfine_coco,
    torchvision_coco,
)

# torchvision's references for 16 pictures (SSD 32) and the papers', scaled.
_TWO_STAGES: Final = Rates(8, momentum=0.01, rmsprop=0.0002, adam=0.0001)
_ONE_STAGE: Final = Rates(8, momentum=0.005, rmsprop=0.0001, adam=0.0001)
_SSD: Final = Rates(16, momentum=0.001, rmsprop=0.0001, adam=0.0001)
_SSDLITE: Final = Rates(32, momentum=0.02, rmsprop=0.0005, adam=0.0005)
_DFINE: Final = Rates(8, momentum=0.002, rmsprop=0.0001, adam=0.0001, default=Optimizer.ADAMW)


def _entry(
    name: str,
    purpose: str,
    weights: Mapping[str, PretrainedWeights],
    *,
    rates: Rates,
    library: str = TORCHVISION,
    function: str | None = None,
    size: int = 800,
    smallest: int = 64,
    stride: int = 1,
) -> Architecture:
    return Architecture(
        name=name,
        library=library,
        function=function or name,
        purpose=purpose,
        detector=True,
        input_size=size,
        minimum_size=smallest,
        stride=stride,
        batch_size=rates.batch_size,
        optimizer=rates.default,
        learning_rates=rates.at(rates.batch_size),
        weights=MappingProxyType(dict(weights)),
        parameters=FIGURES[name][0],
        gflops=FIGURES[name][1],
    )


_WITHOUT_EPS: Final = ("retinanet_resnet50_fpn", "fasterrcnn_resnet50_fpn")
"""Whose weights of COCO were trained with BatchNorms that add nothing to the variance."""

_ON_RESNET50: Final = tuple(
    _entry(
        name,
        purpose,
        {COCO: torchvision_coco(enumeration, file, no_eps=name in _WITHOUT_EPS), IMAGENET: RESNET50},
        rates=rates,
    )
    for name, purpose, enumeration, file, rates in (
        (
            "retinanet_resnet50_fpn_v2",
            "the default: one stage, trains steadily",
            "RetinaNet_ResNet50_FPN_V2",
            "retinanet_resnet50_fpn_v2_coco-5905b1c5",
            _ONE_STAGE,
        ),
        (
            "retinanet_resnet50_fpn",
            "RetinaNet as it was published",
            "RetinaNet_ResNet50_FPN",
            "retinanet_resnet50_fpn_coco-eeacb38b",
            _ONE_STAGE,
        ),
        (
            "fcos_resnet50_fpn",
            "one stage without anchors, for boxes of any proportion",
            "FCOS_ResNet50_FPN",
            "fcos_resnet50_fpn_coco-99b0c9b7",
            _ONE_STAGE,
        ),
        (
            "fasterrcnn_resnet50_fpn",
            "two stages: boxes that fit closely",
            "FasterRCNN_ResNet50_FPN",
            "fasterrcnn_resnet50_fpn_coco-258fb6c6",
            _TWO_STAGES,
        ),
        (
            "fasterrcnn_resnet50_fpn_v2",
            "the most accurate of torchvision's, and the slowest",
            "FasterRCNN_ResNet50_FPN_V2",
            "fasterrcnn_resnet50_fpn_v2_coco-dd69338a",
            _TWO_STAGES,
        ),
    )
)

_ON_MOBILENET: Final = (
    _entry(
        "fasterrcnn_mobilenet_v3_large_fpn",
        "two stages, for CPUs",
        {
            COCO: torchvision_coco("FasterRCNN_MobileNet_V3_Large_FPN", "fasterrcnn_mobilenet_v3_large_fpn-fb6a3cc7"),
            IMAGENET: MOBILENET_V3_LARGE,
        },
        rates=_TWO_STAGES,
    ),
    _entry(
        "fasterrcnn_mobilenet_v3_large_320_fpn",
        "two stages on small pictures, for devices at the edge",
        {
            COCO: torchvision_coco(
                "FasterRCNN_MobileNet_V3_Large_320_FPN", "fasterrcnn_mobilenet_v3_large_320_fpn-907ea3f9"
            ),
            IMAGENET: MOBILENET_V3_LARGE,
        },
        rates=_TWO_STAGES,
        size=320,
    ),
)

_SSDS: Final = (
    _entry(
        "ssd300_vgg16",
        "for comparisons with older work",
        {COCO: SSD300_VGG16},
        rates=_SSD,
        size=300,
        smallest=272,
    ),
    # Its own weights of COCO are for a tail half as wide as ImageNet's MobileNet has.
    _entry(
        "ssdlite320_mobilenet_v3_large",
        "the quickest detector, for devices at the edge",
        {COCO: SSDLITE320},
        rates=_SSDLITE,
        size=320,
    ),
)

_ON_LITE0: Final = tuple(
    _entry(
        name,
        purpose,
        {IMAGENET: EFFICIENTNET_LITE0},
        rates=rates,
        library=TIMM,
        function="tf_efficientnet_lite0",
        size=512,
    )
    for name, purpose, rates in (
        ("retinanet_efficientnet_lite0", "one stage, small, for CPUs", _ONE_STAGE),
        ("fasterrcnn_efficientnet_lite0", "two stages, small, for CPUs", _TWO_STAGES),
    )
)

# It chooses 300 places of its features, of strides 16 and 32, of the larger ones 8 too.
_DFINES: Final = tuple(
    _entry(
        f"dfine_{letter}",
        purpose,
        {COCO: dfine_coco(size)},
        rates=_DFINE,
        library=TRANSFORMERS,
        function="DFineForObjectDetection",
        size=640,
        smallest=smallest,
        stride=32,
    )
    for letter, size, smallest, purpose in (
        ("n", "nano", 256, "a small modern transformer, quick on any machine"),
        ("s", "small", 128, "a modern transformer, accurate in real time on a GPU"),
        ("m", "medium", 128, "the most accurate in real time, given a GPU"),
    )
)

DETECTORS: Final = (*_ON_RESNET50, *_ON_MOBILENET, *_SSDS, *_ON_LITE0, *_DFINES)
