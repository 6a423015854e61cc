"""Classification and Tagging: a network with one output for each concept."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from tintype_api.spec.view import ViewType
from tintype_trainer.device import Device
from tintype_trainer.learners.evaluating import evaluating, inputs_of, seen_in_order
from tintype_trainer.learners.predictions import Predictions, ScorePredictions
from tintype_trainer.loop.losses import ExampleLoss
from tintype_trainer.metrics.classification import measure_classification
from tintype_trainer.metrics.measures import Measures
from tintype_trainer.metrics.tagging import measure_tagging
from tintype_trainer.networks.weights import Normalisation
from tintype_trainer.pixels.batches import Batch


@dataclass(frozen=True, slots=True)
class ScoreLearner:
    """A network whose logits become scores: by softmax in Classification, by sigmoid in Tagging.

    Attributes:
        network: The network, on the device.
        device: Where it computes.
        normalisation: What its weights expect of the input.
        view_type: Classification or Tagging.
        concepts: Names of the outputs.
        loss: The loss of training.
        validation_loss: The same without label smoothing.
    """

    network: nn.Module
    device: Device
    normalisation: Normalisation
    view_type: ViewType
    concepts: Sequence[str]
    loss: ExampleLoss
    validation_loss: ExampleLoss

    def training_loss(self, batch: Batch) -> Tensor:
        """Return the mean loss of the examples, in the network's current mode."""
        return self.loss(self._logits(batch), self._shares(batch)).mean()

    def predict(self, batches: Iterable[Batch], check: Callable[[], None]) -> Predictions:
        """Return losses and scores of all batches, in eval mode; the mode is then as before.

        Args:
            batches: At least one batch.
            check: Called before each batch; may raise to stop.
        """
        losses, scores, shares = [], [], []
        with evaluating(self.network):
            for batch, (losses_B, scores_BK) in seen_in_order(batches, self._see, check):
                losses.append(losses_B)
                scores.append(scores_BK)
                shares.append(batch.shares_BK.numpy())
        return ScorePredictions(np.concatenate(losses), np.concatenate(scores), np.concatenate(shares))

    def measure(self, predictions: Predictions) -> Measures:
        """Return the metrics of predictions of this learner."""
        assert isinstance(predictions, ScorePredictions), "a learner measures its own predictions"
        measure = measure_classification if self.view_type is ViewType.CLASSIFICATION else measure_tagging
        return measure(predictions.losses_N, predictions.scores_NK, predictions.shares_NK, self.concepts)

    def _see(self, batch: Batch) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the validation loss of each example, and the score of each concept."""
        logits_BK = self._logits(batch)
        losses_B = self.validation_loss(logits_BK, self._shares(batch)).double().cpu().numpy()
        return losses_B, scores_of(logits_BK.double(), self.view_type).cpu().numpy()

    def _logits(self, batch: Batch) -> Tensor:
        inputs_B3HW = inputs_of(batch, self.device, self.normalisation)
        with self.device.autocast():
            logits_BK: Tensor = self.network(inputs_B3HW).float()
        return logits_BK

    def _shares(self, batch: Batch) -> Tensor:
        return batch.shares_BK.to(self.device.torch_device)


def scores_of(logits_BK: Tensor, view_type: ViewType) -> Tensor:
    """Return the scores of logits, (B, K): softmax in Classification, sigmoid in Tagging."""
    return logits_BK.softmax(dim=1) if view_type is ViewType.CLASSIFICATION else logits_BK.sigmoid()
