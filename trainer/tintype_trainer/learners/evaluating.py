"""What every learner does with a batch of images, and around a pass of evaluation."""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch
from torch import Tensor, nn

from tintype_api.errors import UserError, gpu_out_of_memory
from tintype_trainer.device import Device
from tintype_trainer.gpu_memory import is_out_of_gpu_memory, release_memory
from tintype_trainer.networks.weights import Normalisation
from tintype_trainer.pixels.batches import Batch
from tintype_trainer.pixels.cutting import cut_to
from tintype_trainer.pixels.images import normalise

T = TypeVar("T")

logger = logging.getLogger(__name__)


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


def seen_in_order(
    batches: Iterable[Batch], see: Callable[[Batch], T], check: Callable[[], None]
) -> Iterator[tuple[Batch, T]]:
    """Yield all examples in their order, each batch with what `see` makes of it.

    A batch for which the device has no memory is seen in halves, or in their halves, and all that follow likewise.

    Args:
        batches: The batches.
        see: What the network says of a batch.
        check: Called before each time; may raise to stop.

    Raises:
        UserError: exit 1 where the device has no memory for a single example.
    """
    at_once: int | None = None
    for batch in batches:
        parts = deque(cut_to(batch, at_once or len(batch)))
        while parts:
            check()
            part = parts.popleft()
            seen = _seen(see, part)
            if seen is not None:
                yield part, seen
                continue
            at_once = _half(len(part))
            parts = deque(smaller for each in (part, *parts) for smaller in cut_to(each, at_once))


def _seen(see: Callable[[Batch], T], batch: Batch) -> T | None:
    """Return what is seen; None where there was too little memory."""
    try:
        return see(batch)
    except RuntimeError as error:
        if is_out_of_gpu_memory(error):
            return None
        raise


def _half(examples: int) -> int:
    release_memory()
    if examples == 1:
        raise _no_memory()
    half = examples // 2
    logger.warning(
        "the device has no memory to evaluate %d examples at once: at most %d are evaluated together", examples, half
    )
    return half


def _no_memory() -> UserError:
    return gpu_out_of_memory(
        "imageResizer: the device has no memory to evaluate this network on 1 example; make it smaller, choose a "
        "smaller training.architecture, or ask for a larger GPU"
    )
