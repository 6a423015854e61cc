"""Writes networks as ONNX: the one module that knows torch's exporters and what they warn of.

torch's default exporter fails on torchvision's detectors, whose suppression of overlapping boxes depends on the data;
they go by its older one, which traces them, for one size and one image at a time: docs/adr/0011.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn
from torch.export import Dim
from torch.jit._trace import TracerWarning

from tintype_trainer.export.card import BOXES, INPUT, LABELS, LOGITS, SCORES
from tintype_trainer.networks.detector import Detector

OPSET: Final = 18
DETECTION_OUTPUTS: Final = (BOXES, SCORES, LABELS)
LARGEST_BYTES: Final = 2**31 - 2**24
"""Of weights: a file of ONNX that holds them itself has less than 2 GiB."""
_TRACED_BATCH: Final = 2
"""A batch of one would be taken for a dimension that is always 1."""
_KNOWN: Final[tuple[tuple[type[Warning], str], ...]] = (
    (TracerWarning, ""),
    (DeprecationWarning, "The feature will be removed"),
    (DeprecationWarning, "You are using the legacy TorchScript-based ONNX export"),
    (FutureWarning, "`torch.jit.script` is deprecated"),
    (UserWarning, "To copy construct from a tensor"),
    (UserWarning, "Constant folding"),
    (UserWarning, "Exporting aten::index operator of advanced indexing"),
    (UserWarning, "The tensor attributes? "),
)
"""What they say of many networks, the older one of every detector; whether it is right is checked on other pictures."""


def weight_bytes(network: nn.Module) -> int:
    """Return the bytes of a network's weights and buffers."""
    return sum(tensor.numel() * tensor.element_size() for tensor in network.state_dict().values())


def write_onnx(network: nn.Module, image_13HW: Tensor, path: Path) -> None:
    """Write a network on the CPU, in eval mode, with the names of `export.card`.

    Args:
        network: A classifier, which then takes any number of images, or a `Detector`, which takes one at a time.
        image_13HW: An image to trace it by, normalised; it decides width and height.
        path: The file to be written.

    Raises:
        Exception: whatever torch's exporters raise.
    """
    with _quiet(), torch.no_grad():
        if isinstance(network, Detector):
            _write_detector(network, image_13HW, path)
        else:
            _write_classifier(network, image_13HW, path)


class _Outputs(nn.Module):
    """A detector that answers of one image with three tensors."""

    def __init__(self, detector: Detector) -> None:
        super().__init__()
        self.detector = detector
        self.eval()

    def forward(self, image_13HW: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return boxes (N, 4), scores (N) and labels (N)."""
        (found,) = self.detector.detections(image_13HW)
        return found.boxes_N4, found.scores_N, found.labels_N


def _write_classifier(network: nn.Module, image_13HW: Tensor, path: Path) -> None:
    program = torch.onnx.export(
        network,
        (image_13HW.expand(_TRACED_BATCH, -1, -1, -1).contiguous(),),
        input_names=[INPUT],
        output_names=[LOGITS],
        opset_version=OPSET,
        dynamic_shapes=({0: Dim("batch", min=1)},),
        verbose=False,
    )
    assert program is not None, "torch's default exporter returns what it made"
    program.save(path, external_data=False)


def _write_detector(detector: Detector, image_13HW: Tensor, path: Path) -> None:
    torch.onnx.export(
        _Outputs(detector),
        (image_13HW,),
        path,
        dynamo=False,
        input_names=[INPUT],
        output_names=list(DETECTION_OUTPUTS),
        opset_version=OPSET,
        dynamic_axes={name: {0: "detections"} for name in DETECTION_OUTPUTS},
    )


@contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        for category, message in _KNOWN:
            warnings.filterwarnings("ignore", message=message, category=category)
        yield
