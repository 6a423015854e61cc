"""Detection: a detector of whichever library."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from tintype_trainer.device import Device
from tintype_trainer.learners.evaluating import evaluating, inputs_of, seen_in_order
from tintype_trainer.learners.predictions import DetectionPredictions, Predictions
from tintype_trainer.metrics.boxes import AnnotatedBoxes, DetectedBoxes
from tintype_trainer.metrics.detection import measure_detection
from tintype_trainer.metrics.measures import Measures
from tintype_trainer.networks.detector import Detections, Detector, DetectorTarget
from tintype_trainer.networks.weights import Normalisation
from tintype_trainer.pixels.batches import Batch, BoxesOfImage


@dataclass(frozen=True, slots=True)
class DetectionLearner:
    """A detector with what its input needs.

    Attributes:
        network: The detector, on the device.
        device: Where it computes.
        normalisation: What its weights expect of the input.
        concepts: Names of the labels.
    """

    network: Detector
    device: Device
    normalisation: Normalisation
    concepts: Sequence[str]

    def training_loss(self, batch: Batch) -> Tensor:
        """Return the sum of the detector's losses, a mean over the images; the network must be in train mode."""
        with self.device.autocast():
            return self.network.losses(self._inputs(batch), self._targets(batch)).float()

    def predict(self, batches: Iterable[Batch], check: Callable[[], None]) -> Predictions:
        """Return losses and detections of all batches, in eval mode; the mode is then as before.

        Args:
            batches: At least one batch.
            check: Called before each batch; may raise to stop.
        """
        losses: list[float] = []
        detected: list[DetectedBoxes] = []
        annotated: list[AnnotatedBoxes] = []
        with evaluating(self.network):
            for batch, (loss, found) in seen_in_order(batches, self._see, check):
                losses += [loss] * len(batch)
                detected += found
                annotated += [_annotated(of) for of in batch.boxes]
        return DetectionPredictions(np.array(losses), tuple(detected), tuple(annotated))

    def measure(self, predictions: Predictions) -> Measures:
        """Return the metrics of predictions of this learner."""
        assert isinstance(predictions, DetectionPredictions), "a learner measures its own predictions"
        return measure_detection(predictions.losses_N, predictions.detected, predictions.annotated, self.concepts)

    def _see(self, batch: Batch) -> tuple[float, list[DetectedBoxes]]:
        """Return the batch's loss, and what is detected on each of its images."""
        with self.device.autocast():
            loss, found = self.network.losses_and_detections(self._inputs(batch), self._targets(batch))
        boxes = [in_pixels_of_picture(each, of) for each, of in zip(found, batch.boxes, strict=True)]
        return float(loss), boxes

    def _inputs(self, batch: Batch) -> Tensor:
        return inputs_of(batch, self.device, self.normalisation)

    def _targets(self, batch: Batch) -> list[DetectorTarget]:
        device = self.device.torch_device
        return [
            DetectorTarget(of.boxes_N4[kept_N].to(device), of.labels_N[kept_N].to(device))
            for of in batch.boxes
            for kept_N in [~of.ignored_N & _has_area(of.boxes_N4)]
        ]


def in_pixels_of_picture(found: Detections, of: BoxesOfImage) -> DetectedBoxes:
    """Return detections on the canvas as boxes in pixels of the original picture."""
    boxes_N4 = found.boxes_N4.double().cpu().numpy() / _scale(of)
    return DetectedBoxes(boxes_N4, found.scores_N.double().cpu().numpy(), found.labels_N.cpu().numpy())


def _annotated(of: BoxesOfImage) -> AnnotatedBoxes:
    return AnnotatedBoxes(of.boxes_N4.double().numpy() / _scale(of), of.labels_N.numpy(), of.ignored_N.numpy())


def _has_area(boxes_N4: Tensor) -> Tensor:
    """Return for each box whether anything of it is left in single precision: the loss of one without is infinite."""
    return (boxes_N4[:, 2:] > boxes_N4[:, :2]).all(dim=1)


def _scale(of: BoxesOfImage) -> NDArray[np.float64]:
    return np.array([*of.scale_xy, *of.scale_xy])
