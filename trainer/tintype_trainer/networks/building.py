"""Builds the catalogue's detectors, always without weights: torchvision's builders would download them by default."""

from typing import Any, Final

from torch import nn
from torchvision.models import detection
from torchvision.models.detection import FasterRCNN, RetinaNet
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.retinanet import RetinaNetHead
from torchvision.ops import MultiScaleRoIAlign

from tintype_api.architecture import TIMM, TORCHVISION, TRANSFORMERS, Architecture
from tintype_trainer.networks.detector import DETECTIONS_PER_IMAGE, SCORE_THRESHOLD, Detector
from tintype_trainer.networks.held import hold_batch_norms, hold_parameters
from tintype_trainer.networks.library_detector import LibraryDetector
from tintype_trainer.networks.one_stage import OneStageDetector
from tintype_trainer.networks.rcnn import RcnnDetector
from tintype_trainer.networks.timm_features import TimmPyramid

RATIOS: Final = (0.5, 1.0, 2.0)
SPACED_FOR_ITS_SIZE: Final = "ssd300_vgg16"
_RESNET_STEM: Final = ("conv1", "bn1", "layer1")


def build_detector(architecture: Architecture, concepts: int, size: tuple[int, int], *, pretrained: bool) -> Detector:
    """Return a detector, drawn from torch's global random state.

    Args:
        architecture: One of the catalogue that is a detector.
        concepts: Number of concepts.
        size: Width and height of its images, in pixels.
        pretrained: Whether pretrained weights will be loaded: BatchNorm within the body is then held, and so are the
            first layers of a ResNet, as is usual for detectors.

    Raises:
        UserError: exit 78 where it needs a library that is not installed.
    """
    detector = _build(architecture, concepts, size)
    if pretrained:
        _hold(detector.body())
    return detector


def detector_arguments(architecture: Architecture, concepts: int) -> dict[str, Any]:
    """Return what torchvision's own builder must be given to make what is made here, as model.json states it."""
    of_two_stages = architecture.function.startswith("fasterrcnn")
    has_background = of_two_stages or architecture.function.startswith("ssd")
    return {
        "weights": None,
        "weights_backbone": None,
        "num_classes": concepts + has_background,
        **_cut_offs(of_two_stages=of_two_stages),
    }


def _build(architecture: Architecture, concepts: int, size: tuple[int, int]) -> LibraryDetector:
    if architecture.library == TRANSFORMERS:
        from tintype_trainer.networks.dfine import build_dfine  # noqa: PLC0415  # takes seconds to import, and an extra

        return build_dfine(architecture.name, concepts)
    if architecture.library == TIMM:
        return _on_timm(architecture, concepts)
    return _of_torchvision(architecture, concepts, size)


def is_as_torchvision_builds(architecture: Architecture, size: tuple[int, int]) -> bool:
    """Return whether torchvision's builder with these arguments makes the whole of a detector for a size of images."""
    return architecture.library == TORCHVISION and not _has_other_boxes(architecture, size)


def _of_torchvision(architecture: Architecture, concepts: int, size: tuple[int, int]) -> LibraryDetector:
    library = getattr(detection, architecture.function)(**detector_arguments(architecture, concepts))
    if _has_other_boxes(architecture, size):
        library.anchor_generator.steps = None  # one box in the middle of each of the features' own cells
    return RcnnDetector(library) if isinstance(library, FasterRCNN) else OneStageDetector(library)


def _has_other_boxes(architecture: Architecture, size: tuple[int, int]) -> bool:
    """Return whether an SSD's default boxes, which torchvision spaces for its own size alone, must be spaced anew."""
    return architecture.function == SPACED_FOR_ITS_SIZE and set(size) != {architecture.input_size}


def _on_timm(architecture: Architecture, concepts: int) -> LibraryDetector:
    if architecture.name.startswith("fasterrcnn"):
        return RcnnDetector(_rcnn_on(TimmPyramid(architecture.function, two_more_levels=False), concepts))
    pyramid = TimmPyramid(architecture.function, two_more_levels=True)
    return OneStageDetector(_retinanet_on(pyramid, concepts))


def _rcnn_on(pyramid: TimmPyramid, concepts: int) -> FasterRCNN:
    anchors = AnchorGenerator(sizes=((32,), (64,), (128,), (256,)), aspect_ratios=(RATIOS,) * 4)
    pooling = MultiScaleRoIAlign(featmap_names=["0", "1", "2"], output_size=7, sampling_ratio=2)
    return FasterRCNN(
        pyramid,
        num_classes=concepts + 1,
        rpn_anchor_generator=anchors,
        box_roi_pool=pooling,
        **_cut_offs(of_two_stages=True),
    )


def _retinanet_on(pyramid: TimmPyramid, concepts: int) -> RetinaNet:
    scales = tuple(tuple(int(size * 2 ** (third / 3)) for third in range(3)) for size in (32, 64, 128, 256, 512))
    anchors = AnchorGenerator(sizes=scales, aspect_ratios=(RATIOS,) * len(scales))
    head = RetinaNetHead(pyramid.out_channels, anchors.num_anchors_per_location()[0], concepts)
    return RetinaNet(
        pyramid, num_classes=concepts, anchor_generator=anchors, head=head, **_cut_offs(of_two_stages=False)
    )


def _cut_offs(*, of_two_stages: bool) -> dict[str, Any]:
    names = ("box_score_thresh", "box_detections_per_img") if of_two_stages else ("score_thresh", "detections_per_img")
    return dict(zip(names, (SCORE_THRESHOLD, DETECTIONS_PER_IMAGE), strict=True))


def _hold(body: nn.Module) -> None:
    hold_batch_norms(body)
    stem = [body.get_submodule(name) for name in _RESNET_STEM if hasattr(body, name)]
    if len(stem) == len(_RESNET_STEM):
        hold_parameters(stem)
