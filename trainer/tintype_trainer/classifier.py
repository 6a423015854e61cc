"""A network for Classification on its device: from batches to losses and scores."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from tintype_trainer.batches import Batch
from tintype_trainer.device import Device
from tintype_trainer.images import normalise
from tintype_trainer.weights import Normalisation


@dataclass(frozen=True, slots=True)
class Scores:
    """What the network says of some examples, in their order.

    Attributes:
        losses_N: Cross-entropy of each.
        scores_NK: Softmax score of each concept; a row sums to 1.
        labels_N: Index of the annotated concept.
    """

    losses_N: NDArray[np.float64]
    scores_NK: NDArray[np.float64]
    labels_N: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Classifier:
    """A network with what its input needs.

    Attributes:
        network: The network, on the device.
        device: Where it computes.
        normalisation: What its weights expect of the input.
    """

    network: nn.Module
    device: Device
    normalisation: Normalisation

    def losses(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return cross-entropy (B) and logits (B, K) as float32, in the network's current mode."""
        images_B3HW = batch.images_B3HW.to(self.device.torch_device)
        shares_BK = batch.shares_BK.to(self.device.torch_device)
        inputs_B3HW = normalise(images_B3HW, self.normalisation.mean, self.normalisation.std)
        with self.device.autocast():
            logits_BK = self.network(inputs_B3HW).float()
        return functional.cross_entropy(logits_BK, shares_BK, reduction="none"), logits_BK

    def evaluate(self, batches: Iterable[Batch], check: Callable[[], None]) -> Scores:
        """Return losses and scores of all batches, in eval mode; the mode is then as before.

        Args:
            batches: At least one batch.
            check: Called before each batch; may raise to stop.
        """
        was_training = self.network.training
        self.network.eval()
        losses, scores, labels = [], [], []
        with torch.inference_mode():
            for batch in batches:
                check()
                losses_B, logits_BK = self.losses(batch)
                losses.append(losses_B.double().cpu().numpy())
                scores.append(logits_BK.double().softmax(dim=1).cpu().numpy())
                labels.append(batch.shares_BK.argmax(dim=1).numpy())
        self.network.train(was_training)
        return Scores(np.concatenate(losses), np.concatenate(scores), np.concatenate(labels))
