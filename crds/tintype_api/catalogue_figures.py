"""What each architecture of the catalogue costs: parameters, and billions of multiply-adds for one picture.

Written by tools/measure_architectures.py, which says how they are counted.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

FIGURES: Final[Mapping[str, tuple[int, float]]] = MappingProxyType(
    {
        "efficientnet_lite0": (4_652_008, 0.39),
        "efficientnet_b0": (5_288_548, 0.39),
        "efficientnet_b1": (7_794_184, 0.69),
        "efficientnet_b2": (9_109_994, 0.99),
        "efficientnet_b3": (12_233_232, 1.83),
        "efficientnet_b4": (19_341_616, 4.39),
        "efficientnet_b5": (30_389_784, 10.27),
        "efficientnet_b6": (43_040_704, 19.07),
        "efficientnet_v2_s": (21_458_488, 8.37),
        "efficientnet_v2_m": (54_139_356, 24.58),
        "inception_v1": (6_624_904, 1.50),
        "inception_v3": (23_834_568, 5.71),
        "inception_v4": (42_679_816, 12.25),
        "inception_resnet_v2": (55_843_464, 13.16),
        "resnet18": (11_689_512, 1.81),
        "resnet34": (21_797_672, 3.66),
        "resnet50": (25_557_032, 4.09),
        "resnet101": (44_549_160, 7.80),
        "resnet152": (60_192_808, 11.51),
        "mobilenet_v1": (4_231_976, 0.57),
        "mobilenet_v2": (3_504_872, 0.30),
        "mobilenet_v3_small": (2_542_856, 0.06),
        "mobilenet_v3_large": (5_483_032, 0.22),
        "vgg16": (138_357_544, 15.47),
        "vgg16_bn": (138_365_992, 15.47),
        "convnext_tiny": (28_589_128, 4.46),
        "convnext_small": (50_223_688, 8.68),
        "convnext_base": (88_591_464, 15.35),
        "deit_tiny": (5_717_416, 1.25),
        "vit_s_16": (22_050_664, 4.60),
        "vit_b_16": (86_567_656, 17.56),
        "swin_t": (28_288_354, 4.49),
        "swin_s": (49_606_258, 8.74),
        "swin_b": (87_768_224, 15.43),
        "swin_v2_t": (28_351_570, 5.94),
        "regnet_y_400mf": (4_344_144, 0.40),
        "regnet_y_800mf": (6_432_512, 0.83),
        "regnet_y_1_6gf": (11_202_430, 1.61),
        "regnet_y_3_2gf": (19_436_338, 3.18),
        "regnet_y_8gf": (39_381_472, 8.47),
        "retinanet_resnet50_fpn_v2": (37_970_740, 149.19),
        "retinanet_resnet50_fpn": (33_839_924, 148.50),
        "fcos_resnet50_fpn": (32_297_365, 127.87),
        "fasterrcnn_resnet50_fpn": (41_757_156, 134.33),
        "fasterrcnn_resnet50_fpn_v2": (43_661_028, 280.32),
        "fasterrcnn_mobilenet_v3_large_fpn": (19_359_504, 18.80),
        "fasterrcnn_mobilenet_v3_large_320_fpn": (19_359_504, 2.87),
        "ssd300_vgg16": (34_305_206, 34.36),
        "ssdlite320_mobilenet_v3_large": (3_301_460, 0.56),
        "retinanet_efficientnet_lite0": (5_809_908, 13.94),
        "fasterrcnn_efficientnet_lite0": (11_500_196, 11.44),
        "dfine_n": (3_782_693, 3.72),
        "dfine_s": (10_321_877, 13.90),
        "dfine_m": (19_590_064, 30.24),
    }
)
