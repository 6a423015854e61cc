"""model.json: how to use the published weights, and where they come from. Pure but for the versions of libraries."""

import json
from dataclasses import asdict
from importlib.metadata import version as version_of
from typing import Any

from tintype_api.modelversion import ModelVersion, architecture_of, identity, model_digest
from tintype_api.status import Best
from tintype_trainer.device import Device
from tintype_trainer.freezing import FrozenDataset
from tintype_trainer.geometry import canvas_size
from tintype_trainer.weights import InitialWeightsRecord

LIBRARIES = ("tintype", "torch", "torchvision", "timm", "pillow")


def model_json(
    version: ModelVersion, dataset: FrozenDataset, weights: InitialWeightsRecord, device: Device, best: Best
) -> bytes:
    """Return model.json of a resolved version."""
    document = {
        "name": version.metadata.name,
        "namespace": version.metadata.namespace,
        "identity": identity(version),
        "model": model_digest(version.spec),
        "view": version.spec.view.to_wire(),
        "concepts": list(version.spec.concepts),
        "architecture": _architecture(version),
        "input": _input(version, weights),
        "dataset": {
            "uri": version.spec.dataset.uri,
            "digest": dataset.digest,
            "validationDigest": dataset.validation_digest,
        },
        "initialWeights": {
            "source": weights.source,
            "sha256": weights.sha256,
            "head": weights.head,
            "metadata": dict(weights.metadata),
        },
        "best": best.to_wire(),
        "training": {
            "seed": version.spec.training.seed,
            "device": device.torch_device.type,
            "precision": device.precision,
            "threads": device.threads,
        },
        "versions": {library: version_of(library) for library in LIBRARIES},
    }
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False).encode() + b"\n"


def _architecture(version: ModelVersion) -> dict[str, Any]:
    entry = architecture_of(version.spec.training)
    return {
        "name": entry.name,
        "library": entry.library,
        "function": entry.function,
        "arguments": {"num_classes": len(version.spec.concepts)},
        "weights": "best.safetensors",
        "output": "logits; the softmax over them are the scores of the concepts, in their order",
    }


def _input(version: ModelVersion, weights: InitialWeightsRecord) -> dict[str, Any]:
    assert version.spec.image_resizer is not None, "resolve fills in imageResizer"
    width, height = canvas_size(version.spec.image_resizer)
    return {
        "layout": "NCHW",
        "colours": "RGB",
        "dtype": "float32",
        "width": width,
        "height": height,
        "exifRotation": True,
        "resizer": version.spec.image_resizer.to_wire(),
        "interpolation": "bilinear, antialiased",
        "padding": "right and bottom, black, before normalisation",
        "scale": "pixels / 255",
        **asdict(weights.normalisation),
    }
