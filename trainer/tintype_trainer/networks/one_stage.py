"""RetinaNet, FCOS and SSD from torchvision's parts: heads that see every place of the features."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torchvision.models.detection import FCOS, RetinaNet
from torchvision.models.detection.ssd import SSD
from torchvision.ops import box_iou

from tintype_trainer.networks.detector import Detections, DetectorTarget
from tintype_trainer.networks.heads import HeadLayer
from tintype_trainer.networks.library_detector import LibraryDetector, detections, image_list, named, total


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the heads say of a batch: their outputs, the anchors of each image, and the anchors of each level."""

    outputs: dict[str, Tensor]
    anchors: list[Tensor]
    levels: list[int]


class OneStageDetector(LibraryDetector):
    """RetinaNet, FCOS or SSD; only SSD has a background, its label 0."""

    library: RetinaNet | FCOS | SSD

    def losses(self, images_B3HW: Tensor, targets: Sequence[DetectorTarget]) -> Tensor:
        """Return the sum of the losses of classes and boxes."""
        return self._losses(self._see(images_B3HW), targets)

    def losses_and_detections(
        self, images_B3HW: Tensor, targets: Sequence[DetectorTarget]
    ) -> tuple[Tensor, list[Detections]]:
        """Return losses and detections of one pass through backbone and heads."""
        seen = self._see(images_B3HW)
        return self._losses(seen, targets), self._detections(seen, images_B3HW)

    def detections(self, images_B3HW: Tensor) -> list[Detections]:
        """Return the detections."""
        return self._detections(self._see(images_B3HW), images_B3HW)

    def body(self) -> nn.Module:
        """Return the backbone without its feature pyramid; all of it in SSD, which has none."""
        backbone: nn.Module = self.library.backbone
        body: nn.Module = getattr(backbone, "body", backbone)
        return body

    def head_layers(self) -> tuple[HeadLayer, ...]:
        """Return the last layers of the classes' head."""
        head: nn.Module = self.library.head.classification_head
        if not isinstance(self.library, SSD):
            anchors = self.library.anchor_generator.num_anchors_per_location()[0]
            return (HeadLayer("head.classification_head.cls_logits", groups=anchors),)
        last = {name.split(".")[1]: name for name, module in head.named_modules() if isinstance(module, nn.Conv2d)}
        anchors_of_levels = self.library.anchor_generator.num_anchors_per_location()
        return tuple(
            HeadLayer(f"head.classification_head.{name}", groups=anchors, before=1)
            for name, anchors in zip(last.values(), anchors_of_levels, strict=True)
        )

    def parts_of_library(self) -> tuple[nn.Module, ...]:
        """Return the backbone and the heads."""
        return self.library.backbone, self.library.head

    @property
    def _first_label(self) -> int:
        return 1 if isinstance(self.library, SSD) else 0

    def _see(self, images_B3HW: Tensor) -> _Seen:
        features = list(self.library.backbone(images_B3HW).values())
        outputs = self.library.head(features)
        anchors = self.library.anchor_generator(image_list(images_B3HW), features)
        places = [level.shape[-2] * level.shape[-1] for level in features]
        per_place = self.library.anchor_generator.num_anchors_per_location()
        return _Seen(outputs, anchors, [of * each for of, each in zip(places, per_place, strict=True)])

    def _losses(self, seen: _Seen, targets: Sequence[DetectorTarget]) -> Tensor:
        of_images = named(targets, self._first_label)
        if isinstance(self.library, SSD):
            matched = self._matched(seen.anchors, targets)
            return total(self.library.compute_loss(of_images, seen.outputs, seen.anchors, matched))
        if isinstance(self.library, FCOS):
            return total(self.library.compute_loss(of_images, seen.outputs, seen.anchors, seen.levels))
        return total(self.library.compute_loss(of_images, seen.outputs, seen.anchors))

    def _matched(self, anchors: list[Tensor], targets: Sequence[DetectorTarget]) -> list[Tensor]:
        return [
            self.library.proposal_matcher(box_iou(target.boxes_N4, of_image))
            if len(target.boxes_N4)
            else torch.full((len(of_image),), -1, dtype=torch.int64, device=of_image.device)
            for of_image, target in zip(anchors, targets, strict=True)
        ]

    def _detections(self, seen: _Seen, images_B3HW: Tensor) -> list[Detections]:
        sizes = image_list(images_B3HW).image_sizes
        if isinstance(self.library, SSD):
            found = self.library.postprocess_detections(seen.outputs, seen.anchors, sizes)
        else:
            outputs = {name: list(torch.split(output, seen.levels, dim=1)) for name, output in seen.outputs.items()}
            anchors = [list(torch.split(of_image, seen.levels)) for of_image in seen.anchors]
            found = self.library.postprocess_detections(outputs, anchors, sizes)
        return detections(found, self._first_label)
