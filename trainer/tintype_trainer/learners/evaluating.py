"""What every learner does with a batch of images, and around a pass of evaluation."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from tintype_trainer.device import Device
from tintype_trainer.networks.weights import Normalisation
from tintype_trainer.pixels.batches import Batch
from tintype_trainer.pixels.images import normalise


def inputs_of(batch: Batch, device: Device, normalisation: Normalisation) -> Tensor:
    """Return the images of a batch as a network takes them: float32 (B, 3, H, W), normalised, on the device."""
    images_B3HW = batch.images_B3HW.to(device.torch_device)
    return normalise(images_B3HW, normalisation.mean, normalisation.std)


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Put the network into eval mode, without gradients; its mode is then as before."""
    was_training = network.training
    network.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        network.train(was_training)
