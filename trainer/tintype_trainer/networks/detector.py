"""What every detector is to the rest of the trainer, whichever library its layers are from."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from torch import Tensor, nn

from tintype_trainer.networks.heads import HeadLayer

SCORE_THRESHOLD: Final = 0.001
"""The lowest that is returned; the libraries' own cut-offs of 0.01 to 0.2 cut the precision-recall curve."""
DETECTIONS_PER_IMAGE: Final = 100
SAMPLING_SEED: Final = 0


@dataclass(frozen=True, slots=True)
class DetectorTarget:
    """What is annotated on one image; boxes that are to be ignored are not among it.

    Attributes:
        boxes_N4: float32, x0 y0 x1 y1 in pixels of the canvas; (0, 4) for an image without boxes.
        labels_N: int64, index of the concept, from 0.
    """

    boxes_N4: Tensor
    labels_N: Tensor


@dataclass(frozen=True, slots=True)
class Detections:
    """What is detected on one image, the highest score first.

    Attributes:
        boxes_N4: float32, x0 y0 x1 y1 in pixels of the canvas.
        scores_N: float32, 0.001 to 1.
        labels_N: int64, index of the concept, from 0.
    """

    boxes_N4: Tensor
    scores_N: Tensor
    labels_N: Tensor


class Detector(nn.Module, ABC):
    """A detector of normalised images of one size; it never resizes, normalises or pads them by itself."""

    @abstractmethod
    def losses(self, images_B3HW: Tensor, targets: Sequence[DetectorTarget]) -> Tensor:
        """Return the sum of the detector's losses, a mean over the images: (). The mode must be train."""

    @abstractmethod
    def losses_and_detections(
        self, images_B3HW: Tensor, targets: Sequence[DetectorTarget]
    ) -> tuple[Tensor, list[Detections]]:
        """Return the same loss, (), and the detections, from one pass through the backbone. The mode must be eval.

        No parameter, buffer, mode or global random state is changed, and the same input gives the same loss: what
        the loss samples is drawn by a generator of its own with a fixed seed.
        """

    @abstractmethod
    def detections(self, images_B3HW: Tensor) -> list[Detections]:
        """Return at most 100 detections of each image, of scores from 0.001. The mode must be eval."""

    @abstractmethod
    def body(self) -> nn.Module:
        """Return the part that makes features of pixels, and that ImageNet weights fill."""

    @abstractmethod
    def head_layers(self) -> tuple[HeadLayer, ...]:
        """Return the layers whose shapes follow from the number of concepts."""

    def forward(self, images_B3HW: Tensor) -> list[Detections]:
        """Return `detections`."""
        return self.detections(images_B3HW)
