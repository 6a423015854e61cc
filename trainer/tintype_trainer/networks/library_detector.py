"""A detector around a library's module, and what both kinds of torchvision's detectors share."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models.detection.image_list import ImageList

from tintype_trainer.networks.detector import SAMPLING_SEED, Detections, Detector, DetectorTarget


class LibraryDetector(Detector):
    """A detector whose weights are all of a library's module, and have that library's names.

    Args:
        library: The library's module.
    """

    def __init__(self, library: nn.Module) -> None:
        super().__init__()
        self.library = library
        for part in self.parts_of_library():
            part.register_forward_hook(_in_single_precision)

    @abstractmethod
    def parts_of_library(self) -> tuple[nn.Module, ...]:
        """Return the modules whose outputs become anchors, losses, scores and boxes, and so must be precise."""

    def state_dict(self, *args: Any, **kwargs: Any) -> dict[str, Any]:  # type: ignore[override]  # noqa: ANN401
        """Return the library's own state."""
        return self.library.state_dict(*args, **kwargs)

    def load_state_dict(self, state_dict: Mapping[str, Any], *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        """Load a state with the library's own names."""
        return self.library.load_state_dict(state_dict, *args, **kwargs)


def _in_single_precision(_module: nn.Module, _inputs: object, output: Any) -> Any:  # noqa: ANN401  # whatever it is
    """Return the tensors of an output as float32: bf16 would round a box's sides at 500 pixels to even numbers.

    Anchors have the precision of the backbone's output.
    """
    if isinstance(output, Tensor):
        return output.float()
    if isinstance(output, dict):
        return {name: _in_single_precision(_module, _inputs, each) for name, each in output.items()}
    return type(output)(_in_single_precision(_module, _inputs, each) for each in output)


@contextmanager
def switched_to_training(*modules: nn.Module) -> Iterator[None]:
    """Have modules compute losses as in training, while those within them, such as BatchNorm, stay in eval mode."""
    before = [module.training for module in modules]
    for module in modules:
        module.training = True
    try:
        yield
    finally:
        for module, training in zip(modules, before, strict=True):
            module.training = training


@contextmanager
def fixed_sampling(device: torch.device) -> Iterator[None]:
    """Draw the same random numbers each time, and leave those of the training as they are."""
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices):
        torch.manual_seed(SAMPLING_SEED)
        yield


def image_list(images_B3HW: Tensor) -> ImageList:
    """Return the images as torchvision's parts take them: all of one size, none padded."""
    height, width = images_B3HW.shape[-2:]
    return ImageList(images_B3HW, [(height, width)] * len(images_B3HW))


def named(targets: Sequence[DetectorTarget], first_label: int) -> list[dict[str, Tensor]]:
    """Return the targets as torchvision's parts take them; `first_label` is 1 where 0 is the background."""
    return [{"boxes": target.boxes_N4, "labels": target.labels_N + first_label} for target in targets]


def total(losses: Mapping[str, Tensor]) -> Tensor:
    """Return the sum of a detector's losses as float32."""
    return torch.stack([loss.float() for loss in losses.values()]).sum()


def detections(found: Sequence[Mapping[str, Tensor]], first_label: int) -> list[Detections]:
    """Return what torchvision's parts found, labels from 0."""
    return [Detections(each["boxes"], each["scores"], each["labels"] - first_label) for each in found]
