"""timm's networks as backbones of torchvision's detectors."""

from collections import OrderedDict
from typing import Final

from torch import Tensor, nn
from torchvision.ops import FeaturePyramidNetwork
from torchvision.ops.feature_pyramid_network import LastLevelMaxPool, LastLevelP6P7

PYRAMID_CHANNELS: Final = 128
"""Half of the usual: heads of 256 channels cost ten times what EfficientNet-Lite0 does."""
LEVELS: Final = (2, 3, 4)
"""Features of strides 8, 16 and 32."""


class TimmPyramid(nn.Module):
    """A timm network's features with a feature pyramid (Lin et al. 2017) over them.

    Attributes:
        body: timm's network without its head, with timm's names of weights.
        fpn: The pyramid.
        out_channels: Channels of each level.
    """

    def __init__(self, function: str, *, two_more_levels: bool) -> None:
        """Build it; `two_more_levels` adds strides 64 and 128 as RetinaNet has them, else one by pooling."""
        super().__init__()
        from timm import create_model  # noqa: PLC0415  # takes seconds to import

        self.body = create_model(function, pretrained=False, features_only=True, out_indices=LEVELS)
        self.out_channels = PYRAMID_CHANNELS
        more = LastLevelP6P7(PYRAMID_CHANNELS, PYRAMID_CHANNELS) if two_more_levels else LastLevelMaxPool()
        channels: list[int] = self.body.feature_info.channels()  # type: ignore[union-attr, operator]  # timm's own list
        self.fpn = FeaturePyramidNetwork(channels, PYRAMID_CHANNELS, more)

    def forward(self, images_B3HW: Tensor) -> "OrderedDict[str, Tensor]":
        """Return the features of each level, the finest first."""
        features = self.body(images_B3HW)
        levels: OrderedDict[str, Tensor] = self.fpn(OrderedDict(zip("012", features, strict=True)))
        return levels
