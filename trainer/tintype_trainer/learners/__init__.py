"""Learners: a network with its device, its loss and its metrics, one kind for each kind of view."""

from collections.abc import Callable, Iterable
from typing import Protocol

from torch import Tensor, nn

from tintype_trainer.device import Device
from tintype_trainer.learners.predictions import Predictions
from tintype_trainer.metrics.measures import Measures
from tintype_trainer.pixels.batches import Batch


class Learner(Protocol):
    """What the training loop knows of a view."""

    @property
    def network(self) -> nn.Module:
        """What is trained, in place."""
        ...

    @property
    def device(self) -> Device:
        """Where it computes."""
        ...

    def training_loss(self, batch: Batch) -> Tensor:
        """Return the mean loss of the examples as a scalar, to be minimised; the network is in train mode."""
        ...

    def predict(self, batches: Iterable[Batch], check: Callable[[], None]) -> Predictions:
        """Return what the network says of all batches, at least one; the network and random states stay as they are."""
        ...

    def measure(self, predictions: Predictions) -> Measures:
        """Return the metrics of predictions. Pure."""
        ...
