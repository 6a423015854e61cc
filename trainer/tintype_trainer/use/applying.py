"""A published network, ready to look at batches, from torch's weights or from ONNX: both give the same answers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tintype_api.spec.resizer import ImageResizer
from tintype_api.spec.view import ViewType
from tintype_trainer.device import Device
from tintype_trainer.export.card import ONNX_FILE
from tintype_trainer.export.network import OnnxNetwork
from tintype_trainer.learners.detection import in_pixels_of_picture
from tintype_trainer.learners.evaluating import inputs_of
from tintype_trainer.learners.scores import scores_of
from tintype_trainer.metrics.boxes import DetectedBoxes
from tintype_trainer.networks.detector import Detections
from tintype_trainer.networks.weights import Normalisation, read_weights
from tintype_trainer.output.manifest import WEIGHTS_FILE
from tintype_trainer.pixels.batches import Batch, batch_of
from tintype_trainer.pixels.images import Picture
from tintype_trainer.pixels.reading import Seen, read_evaluation
from tintype_trainer.pixels.samples import targets_of
from tintype_trainer.preparing import crop_margin_of, resizer_of
from tintype_trainer.starting import built_network
from tintype_trainer.storage import Store
from tintype_trainer.use.inputs import Wanted
from tintype_trainer.use.published import PublishedVersion, download

Network = Callable[[Tensor], Tensor | list[Detections]]
Answer = NDArray[np.float64] | DetectedBoxes
"""The score of each concept (K), or boxes in pixels of the picture."""


@dataclass(frozen=True, slots=True)
class Applied:
    """A version's network with all that it needs to look at pictures.

    Attributes:
        view_type: Of its view.
        concepts: In the order of its outputs.
        network: From normalised images to logits or detections.
        device: Where it computes.
        normalisation: What it expects of the input.
        resizer: How a picture gets its size.
        crop_margin: Around a region, as a share of its smaller side.
    """

    view_type: ViewType
    concepts: Sequence[str]
    network: Network
    device: Device
    normalisation: Normalisation
    resizer: ImageResizer
    crop_margin: float

    @classmethod
    def load(cls, published: PublishedVersion, store: Store, device: Device, *, onnx: bool) -> Self:
        """Return the network of a published version, from model.onnx or from best.safetensors."""
        spec = published.version.spec
        with TemporaryDirectory() as folder:
            network = _from_onnx if onnx else trained_network
            return cls(
                view_type=published.view.type,
                concepts=spec.concepts,
                network=network(published, store, Path(folder), device),
                device=device,
                normalisation=published.normalisation,
                resizer=resizer_of(spec),
                crop_margin=crop_margin_of(spec),
            )

    def see(self, picture: Picture, wanted: Wanted) -> Seen:
        """Return a picture, or the region of it that is wanted, as the network sees it: as in evaluation."""
        (target,) = targets_of([wanted.as_example()], self.concepts, detection=self.view_type is ViewType.DETECTION)
        return read_evaluation(picture, target, self.crop_margin, self.resizer)

    def answer(self, seen: Sequence[Seen]) -> list[Answer]:
        """Return the network's answers to at least one example."""
        batch = batch_of(seen)
        with torch.inference_mode():
            found = self.network(inputs_of(batch, self.device, self.normalisation))
        if isinstance(found, Tensor):
            return list(scores_of(found.double(), self.view_type).cpu().numpy())
        return _in_pictures(found, batch)


def _in_pictures(found: Sequence[Detections], batch: Batch) -> list[Answer]:
    return [in_pixels_of_picture(each, of) for each, of in zip(found, batch.boxes, strict=True)]


def trained_network(published: PublishedVersion, store: Store, folder: Path, device: Device) -> nn.Module:
    """Return the network of a version with its published weights, in eval mode on the device."""
    network = built_network(published.version.spec)
    path = download(published, WEIGHTS_FILE, folder, store)
    network.load_state_dict(read_weights(path, published.uri).tensors)
    return network.to(device.torch_device).to(memory_format=torch.channels_last).eval()


def _from_onnx(published: PublishedVersion, store: Store, folder: Path, device: Device) -> Network:
    return OnnxNetwork(download(published, ONNX_FILE, folder, store), device.threads)
