"""Entries of the catalogue for Classification and Tagging."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from tintype_api.architecture import (
    CONVOLUTIONAL,
    IMAGENET,
    TIMM,
    TORCHVISION,
    TRANSFORMER,
    UNNORMALISED,
    Architecture,
    PretrainedWeights,
    Rates,
)
from tintype_api.catalogue_figures import FIGURES
from tintype_api.catalogue_weights import (
    EFFICIENTNET_LITE0,
    GOOGLENET,
    INCEPTION_V3,
    MOBILENET_V3_LARGE,
    RESNET50,
    timm_imagenet,
    torchvision_imagenet,
)

_PATCH: Final = 16


def _entry(
    name: str,
    purpose: str,
    weights: PretrainedWeights,
    *,
    library: str = TORCHVISION,
    function: str | None = None,
    size: int = 224,
    smallest: int = 32,
    stride: int = 1,
    batch_size: int = 32,
    rates: Rates = CONVOLUTIONAL,
) -> Architecture:
    return Architecture(
        name=name,
        library=library,
        function=function or name,
        purpose=purpose,
        detector=False,
        input_size=size,
        minimum_size=smallest,
        stride=stride,
        batch_size=batch_size,
        optimizer=rates.default,
        learning_rates=rates.at(batch_size),
        weights=MappingProxyType({IMAGENET: weights}),
        parameters=FIGURES[name][0],
        gflops=FIGURES[name][1],
    )


def _efficientnet(
    number: int, purpose: str, file: str, *, size: int, batch_size: int = 32, smallest: int = 32
) -> Architecture:
    weights = torchvision_imagenet(f"EfficientNet_B{number}", f"efficientnet_b{number}_{file}", "bicubic")
    return _entry(f"efficientnet_b{number}", purpose, weights, size=size, batch_size=batch_size, smallest=smallest)


_EFFICIENTNETS: Final = (
    _entry(
        "efficientnet_lite0",
        "small and quick on CPUs and phones; no squeeze-and-excitation, exports anywhere",
        EFFICIENTNET_LITE0,
        library=TIMM,
        function="tf_efficientnet_lite0",
    ),
    _efficientnet(0, "the default: a good accuracy for its cost", "rwightman-7f5810bc", size=224),
    _efficientnet(1, "a little more accurate than B0", "rwightman-bac287d4", size=240),
    _efficientnet(2, "for finer details than B1 sees", "rwightman-c35c1473", size=260),
    _efficientnet(3, "for fine details, given a GPU", "rwightman-b3899882", size=300),
    _efficientnet(4, "for finer details than B3 sees", "rwightman-23ab8bcd", size=380, batch_size=16),
    _efficientnet(5, "for small details, given a large GPU", "lukemelas-1a07897c", size=456, batch_size=8),
    _efficientnet(
        6, "the most accurate EfficientNet here, and the slowest", "lukemelas-24a108a5", size=528, batch_size=8
    ),
    _entry(
        "efficientnet_v2_s",
        "trains faster than B4 and is more accurate",
        torchvision_imagenet("EfficientNet_V2_S", "efficientnet_v2_s-dd5fe13b"),
        size=384,
        smallest=48,
        batch_size=16,
    ),
    _entry(
        "efficientnet_v2_m",
        "more accurate than V2-S, given a large GPU",
        torchvision_imagenet("EfficientNet_V2_M", "efficientnet_v2_m-dc08266a"),
        size=480,
        smallest=48,
        batch_size=8,
    ),
)

_INCEPTIONS: Final = (
    _entry("inception_v1", "GoogLeNet, without its auxiliary heads", GOOGLENET, function="googlenet"),
    _entry("inception_v3", "well known, without its auxiliary head", INCEPTION_V3, size=299, smallest=80),
    _entry(
        "inception_v4",
        "more accurate than v3",
        timm_imagenet("inception_v4.tf_in1k"),
        library=TIMM,
        size=299,
        smallest=80,
    ),
    _entry(
        "inception_resnet_v2",
        "v4 with residual connections",
        timm_imagenet("inception_resnet_v2.tf_in1k"),
        library=TIMM,
        size=299,
        smallest=80,
    ),
)

_RESNETS: Final = (
    _entry("resnet18", "a small, well understood network", torchvision_imagenet("ResNet18", "resnet18-f37072fd")),
    _entry("resnet34", "a middling, well understood network", torchvision_imagenet("ResNet34", "resnet34-b627a593")),
    _entry("resnet50", "the network that most papers compare with", RESNET50),
    _entry("resnet101", "a deep ResNet, given a GPU", torchvision_imagenet("ResNet101", "resnet101-63fe2227")),
    _entry("resnet152", "the deepest ResNet", torchvision_imagenet("ResNet152", "resnet152-394f9c45")),
)

_MOBILENETS: Final = (
    _entry(
        "mobilenet_v1",
        "plain and quick, for old devices",
        timm_imagenet("mobilenetv1_100.ra4_e3600_r224_in1k"),
        library=TIMM,
        function="mobilenetv1_100",
    ),
    _entry(
        "mobilenet_v2", "quick, for devices at the edge", torchvision_imagenet("MobileNet_V2", "mobilenet_v2-b0353104")
    ),
    _entry(
        "mobilenet_v3_small",
        "the quickest, for devices at the edge",
        torchvision_imagenet("MobileNet_V3_Small", "mobilenet_v3_small-047dcff4"),
    ),
    _entry("mobilenet_v3_large", "quicker than v2 and more accurate", MOBILENET_V3_LARGE),
)

_PLAIN: Final = (
    _entry(
        "vgg16",
        "for comparisons with older work; large and slow",
        torchvision_imagenet("VGG16", "vgg16-397923af"),
        rates=UNNORMALISED,
    ),
    _entry("vgg16_bn", "VGG 16 that trains more easily", torchvision_imagenet("VGG16_BN", "vgg16_bn-6c64b313")),
)


def _of_kind(
    rates: Rates, entries: Iterable[tuple[str, str, PretrainedWeights, Mapping[str, int]]]
) -> tuple[Architecture, ...]:
    return tuple(
        _entry(
            name,
            purpose,
            weights,
            rates=rates,
            size=sizes.get("size", 224),
            batch_size=sizes.get("batch_size", 32),
        )
        for name, purpose, weights, sizes in entries
    )


_CONVNEXTS: Final = _of_kind(
    TRANSFORMER,
    (
        (
            "convnext_tiny",
            "accurate and modern, given a GPU",
            torchvision_imagenet("ConvNeXt_Tiny", "convnext_tiny-983f1562"),
            {},
        ),
        (
            "convnext_small",
            "more accurate than ConvNeXt tiny",
            torchvision_imagenet("ConvNeXt_Small", "convnext_small-0c510722"),
            {},
        ),
        (
            "convnext_base",
            "the most accurate ConvNeXt here, given a large GPU",
            torchvision_imagenet("ConvNeXt_Base", "convnext_base-6075fbad"),
            {"batch_size": 16},
        ),
    ),
)

_SWINS: Final = _of_kind(
    TRANSFORMER,
    (
        (
            "swin_t",
            "a transformer with windows, given a GPU",
            torchvision_imagenet("Swin_T", "swin_t-704ceda3", "bicubic"),
            {},
        ),
        ("swin_s", "more accurate than Swin tiny", torchvision_imagenet("Swin_S", "swin_s-5e29d889", "bicubic"), {}),
        (
            "swin_b",
            "the most accurate Swin here, given a large GPU",
            torchvision_imagenet("Swin_B", "swin_b-68c6b09e", "bicubic"),
            {"batch_size": 16},
        ),
        (
            "swin_v2_t",
            "Swin tiny for higher resolutions",
            torchvision_imagenet("Swin_V2_T", "swin_v2_t-b137f0e2", "bicubic"),
            {"size": 256},
        ),
    ),
)

_REGNETS: Final = _of_kind(
    CONVOLUTIONAL,
    (
        (
            "regnet_y_400mf",
            "small and quick on GPUs",
            torchvision_imagenet("RegNet_Y_400MF", "regnet_y_400mf-c65dace8"),
            {},
        ),
        ("regnet_y_800mf", "quick on GPUs", torchvision_imagenet("RegNet_Y_800MF", "regnet_y_800mf-1b27b58c"), {}),
        (
            "regnet_y_1_6gf",
            "middling, quick on GPUs",
            torchvision_imagenet("RegNet_Y_1_6GF", "regnet_y_1_6gf-b11a554e"),
            {},
        ),
        (
            "regnet_y_3_2gf",
            "more accurate than ResNet-50 at its cost",
            torchvision_imagenet("RegNet_Y_3_2GF", "regnet_y_3_2gf-b5a9779c"),
            {},
        ),
        (
            "regnet_y_8gf",
            "accurate, given a large GPU",
            torchvision_imagenet("RegNet_Y_8GF", "regnet_y_8gf-d0d0e4a8"),
            {},
        ),
    ),
)

_VITS: Final = tuple(
    _entry(
        name,
        purpose,
        timm_imagenet(f"{function}.{tag}", halves=halves),
        library=TIMM,
        function=function,
        stride=_PATCH,
        rates=TRANSFORMER,
    )
    for name, purpose, function, tag, halves in (
        ("deit_tiny", "the smallest transformer here", "deit_tiny_patch16_224", "fb_in1k", False),
        ("vit_s_16", "a small plain transformer", "vit_small_patch16_224", "augreg_in1k", True),
        ("vit_b_16", "the plain transformer, for many pictures", "vit_base_patch16_224", "augreg_in1k", True),
    )
)

CLASSIFIERS: Final = (
    *_EFFICIENTNETS,
    *_INCEPTIONS,
    *_RESNETS,
    *_MOBILENETS,
    *_PLAIN,
    *_CONVNEXTS,
    *_VITS,
    *_SWINS,
    *_REGNETS,
)
