"""Faster R-CNN from torchvision's parts: proposals, then boxes; its label 0 is the background."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn
from torchvision.models.detection import FasterRCNN

from tintype_trainer.networks.detector import Detections, DetectorTarget
from tintype_trainer.networks.heads import HeadLayer
from tintype_trainer.networks.library_detector import (
    LibraryDetector,
    detections,
    fixed_sampling,
    image_list,
    named,
    switched_to_training,
    total,
)

Features = Mapping[str, Tensor]


class RcnnDetector(LibraryDetector):
    """Faster R-CNN."""

    library: FasterRCNN

    def losses(self, images_B3HW: Tensor, targets: Sequence[DetectorTarget]) -> Tensor:
        """Return the sum of the losses of proposals and boxes."""
        return self._losses(images_B3HW, self.library.backbone(images_B3HW), targets)

    def losses_and_detections(
        self, images_B3HW: Tensor, targets: Sequence[DetectorTarget]
    ) -> tuple[Tensor, list[Detections]]:
        """Return losses and detections of one pass through the backbone."""
        features = self.library.backbone(images_B3HW)
        found = self._detections(images_B3HW, features)
        parts = (self.library.rpn, self.library.roi_heads)
        with fixed_sampling(images_B3HW.device), switched_to_training(*parts):
            loss = self._losses(images_B3HW, features, targets)
        return loss, found

    def detections(self, images_B3HW: Tensor) -> list[Detections]:
        """Return the detections."""
        return self._detections(images_B3HW, self.library.backbone(images_B3HW))

    def body(self) -> nn.Module:
        """Return the backbone without its feature pyramid."""
        body: nn.Module = self.library.backbone.body
        return body

    def head_layers(self) -> tuple[HeadLayer, ...]:
        """Return the last layers of the boxes' head."""
        predictor = "roi_heads.box_predictor"
        return (
            HeadLayer(f"{predictor}.cls_score", before=1),
            HeadLayer(f"{predictor}.bbox_pred", before=1, width=4),
        )

    def parts_of_library(self) -> tuple[nn.Module, ...]:
        """Return the backbone and the heads of proposals and of boxes."""
        return self.library.backbone, self.library.rpn.head, self.library.roi_heads.box_predictor

    def _losses(self, images_B3HW: Tensor, features: Features, targets: Sequence[DetectorTarget]) -> Tensor:
        images, of_images = image_list(images_B3HW), named(targets, first_label=1)
        proposals, of_proposals = self.library.rpn(images, features, of_images)
        _, of_boxes = self.library.roi_heads(features, proposals, images.image_sizes, of_images)
        return total({**of_proposals, **of_boxes})

    def _detections(self, images_B3HW: Tensor, features: Features) -> list[Detections]:
        images: Any = image_list(images_B3HW)
        proposals, _ = self.library.rpn(images, features, None)
        found, _ = self.library.roi_heads(features, proposals, images.image_sizes, None)
        return detections(found, first_label=1)
