"""The one exact tag that "ImageNet" and "COCO" mean for an entry of the catalogue.

They are trained on ImageNet-1k alone (and COCO). Of torchvision's classifiers it is always the first version, trained
without label smoothing and mixing: weights trained with them score higher on ImageNet, but their features carry over
less well (Kornblith et al. 2021), and detectors share them.
"""

from dataclasses import replace
from typing import Final

from tintype_api.architecture import Channels, PretrainedWeights

_TORCHVISION_URL: Final = "https://download.pytorch.org/models/"
_HUB_URL: Final = "https://huggingface.co/"
_HALVES: Final[Channels] = (0.5, 0.5, 0.5)
_VGG_MEAN: Final[Channels] = (0.48235, 0.45882, 0.40784)
_VGG_STD: Final[Channels] = (1 / 255, 1 / 255, 1 / 255)


def torchvision_imagenet(enumeration: str, file: str, interpolation: str = "bilinear") -> PretrainedWeights:
    """Return torchvision's weights IMAGENET1K_V1."""
    return _torchvision(f"{enumeration}_Weights.IMAGENET1K_V1", file, interpolation=interpolation)


def torchvision_coco(enumeration: str, file: str, *, no_eps: bool = False) -> PretrainedWeights:
    """Return torchvision's weights COCO_V1 that see pictures as ImageNet's do."""
    return replace(_torchvision(f"{enumeration}_Weights.COCO_V1", file), no_eps=no_eps)


def timm_imagenet(tag: str, *, halves: bool = True) -> PretrainedWeights:
    """Return a tag of timm under Apache-2.0; `halves`: trained on [-1, 1]."""
    url = f"{_HUB_URL}timm/{tag}/resolve/main/model.safetensors"
    weights = PretrainedWeights(tag, url, tag, licence="apache-2.0", interpolation="bicubic")
    return _halved(weights) if halves else weights


def dfine_coco(size: str) -> PretrainedWeights:
    """Return the weights of D-FINE (Peng et al. 2024), under Apache-2.0, which see pixels in [0, 1]."""
    hub = f"ustc-community/dfine-{size}-coco"
    url = f"{_HUB_URL}{hub}/resolve/main/model.safetensors"
    return PretrainedWeights(hub, url, f"dfine-{size}-coco", licence="apache-2.0", mean=(0, 0, 0), std=(1, 1, 1))


def _torchvision(
    tag: str, file: str, *, mean: Channels | None = None, std: Channels | None = None, interpolation: str = "bilinear"
) -> PretrainedWeights:
    weights = PretrainedWeights(
        tag, f"{_TORCHVISION_URL}{file}.pth", file, file.rsplit("-", 1)[1], interpolation=interpolation
    )
    return weights if mean is None or std is None else _seeing(weights, mean, std)


def _halved(weights: PretrainedWeights) -> PretrainedWeights:
    return _seeing(weights, _HALVES, _HALVES)


def _seeing(weights: PretrainedWeights, mean: Channels, std: Channels) -> PretrainedWeights:
    return replace(weights, mean=mean, std=std)


RESNET50: Final = torchvision_imagenet("ResNet50", "resnet50-0676ba61")
MOBILENET_V3_LARGE: Final = torchvision_imagenet("MobileNet_V3_Large", "mobilenet_v3_large-8738ca79")
EFFICIENTNET_LITE0: Final = timm_imagenet("tf_efficientnet_lite0.in1k")
# Ported from TensorFlow, where they saw [-1, 1]; torchvision's builders convert from its usual normalisation.
GOOGLENET: Final = _halved(torchvision_imagenet("GoogLeNet", "googlenet-1378be20"))
INCEPTION_V3: Final = _halved(torchvision_imagenet("Inception_V3", "inception_v3_google-0cc3c7bd"))
SSD300_VGG16: Final = _torchvision(
    "SSD300_VGG16_Weights.COCO_V1", "ssd300_vgg16_coco-b556d3b4", mean=_VGG_MEAN, std=_VGG_STD
)
SSDLITE320: Final = _torchvision(
    "SSDLite320_MobileNet_V3_Large_Weights.COCO_V1",
    "ssdlite320_mobilenet_v3_large_coco-a79551df",
    mean=_HALVES,
    std=_HALVES,
)
