"""model.json: how to use the published weights, and where they come from. Pure but for the versions of libraries."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from importlib.metadata import version as version_of
from typing import Any, Final

from pydantic.alias_generators import to_camel

from tintype_api.modelversion import ModelVersion, architecture_of, identity, model_digest
from tintype_api.spec import ModelVersionSpec
from tintype_api.spec.view import View, ViewType
from tintype_trainer.datasets.freezing import FrozenDataset
from tintype_trainer.evaluation.document import Evaluation
from tintype_trainer.export.card import OnnxCard
from tintype_trainer.learners import Learner
from tintype_trainer.networks.building import detector_arguments, is_as_torchvision_builds
from tintype_trainer.networks.classifiers import classifier_arguments
from tintype_trainer.networks.detector import DETECTIONS_PER_IMAGE, SCORE_THRESHOLD
from tintype_trainer.networks.held import HeldBatchNorm2d
from tintype_trainer.networks.weights import InitialWeightsRecord
from tintype_trainer.output.manifest import WEIGHTS_FILE
from tintype_trainer.pixels.geometry import canvas_size
from tintype_trainer.preparing import crop_margin_of, resizer_of

LIBRARIES: Final = ("tintype", "torch", "torchvision", "timm", "pillow")


def model_json(
    version: ModelVersion,
    dataset: FrozenDataset,
    weights: InitialWeightsRecord,
    learner: Learner,
    evaluation: Evaluation,
    onnx: OnnxCard | None,
) -> bytes:
    """Return model.json of a resolved version, whose learner has been trained and evaluated."""
    assert evaluation.best is not None, "what is published was trained"
    view = dataset.completed_view or version.spec.view
    document = {
        "name": version.metadata.name,
        "namespace": version.metadata.namespace,
        "identity": identity(version),
        "model": model_digest(version.spec),
        "view": view.to_wire(),
        "concepts": list(version.spec.concepts),
        "architecture": _architecture(version.spec),
        "input": _input(version.spec, view, weights),
        "output": {**_output(version.spec.view.type), "thresholds": evaluation.thresholds},
        **({} if onnx is None else {"onnx": onnx.to_wire()}),
        "dataset": {
            "uri": version.spec.dataset.uri,
            "digest": dataset.digest,
            "validationDigest": dataset.validation_digest,
        },
        "initialWeights": _initial_weights(weights),
        "best": evaluation.best.to_wire(),
        "training": _training(version.spec, learner),
        "versions": {library: version_of(library) for library in _libraries(version.spec)},
    }
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False).encode() + b"\n"


def _libraries(spec: ModelVersionSpec) -> Iterable[str]:
    return dict.fromkeys((*LIBRARIES, architecture_of(spec.training).library))


def _architecture(spec: ModelVersionSpec) -> dict[str, Any]:
    """Return how to build the network: `function` of `library` is called with `arguments`.

    Detectors that no library's builder makes are tintype's.
    """
    entry, concepts, size = architecture_of(spec.training), len(spec.concepts), canvas_size(resizer_of(spec))
    library, function = entry.library, entry.function
    if spec.view.type is not ViewType.DETECTION:
        arguments = classifier_arguments(entry, concepts, size)
    elif is_as_torchvision_builds(entry, size):
        arguments = detector_arguments(entry, concepts)
    else:
        library, function = "tintype", "tintype_trainer.networks.building.build_detector"
        arguments = {"architecture": entry.name, "concepts": concepts, "size": list(size), "pretrained": False}
    return {
        "name": entry.name,
        "library": library,
        "function": function,
        "arguments": arguments,
        "weights": WEIGHTS_FILE,
    }


def _input(spec: ModelVersionSpec, view: View, weights: InitialWeightsRecord) -> dict[str, Any]:
    width, height = canvas_size(resizer_of(spec))
    of_regions = view.parent is not None and view.parent.type is ViewType.DETECTION
    crop = {"of": "region", "margin": crop_margin_of(spec), "marginOf": "the region's smaller side"}
    return {
        "layout": "NCHW",
        "colours": "RGB",
        "dtype": "float32",
        "width": width,
        "height": height,
        "exifRotation": True,
        **({"crop": crop} if of_regions else {}),
        "resizer": resizer_of(spec).to_wire(),
        "interpolation": "bilinear, antialiased",
        "padding": "right and bottom, black, before normalisation",
        "scale": "pixels / 255",
        **asdict(weights.normalisation),
    }


def _output(view_type: ViewType) -> dict[str, Any]:
    if view_type is ViewType.DETECTION:
        return {
            "type": "boxes",
            "boxes": "x0 y0 x1 y1 in pixels of the input; divided by its scale they are those of the picture",
            "labels": "index of the concept; one more where the library counts the background as 0",
            "scoreThreshold": SCORE_THRESHOLD,
            "detectionsPerImage": DETECTIONS_PER_IMAGE,
        }
    if view_type is ViewType.TAGGING:
        return {"type": "logits", "scores": "sigmoid", "answer": "each concept for itself, in their order"}
    return {"type": "logits", "scores": "softmax", "answer": "the concept of the highest score, in their order"}


def _initial_weights(weights: InitialWeightsRecord) -> dict[str, Any]:
    fields = asdict(weights)
    del fields["normalisation"]  # what the network expects now is said of its input
    return {to_camel(name): value for name, value in fields.items()}


def _training(spec: ModelVersionSpec, learner: Learner) -> dict[str, Any]:
    modules, parameters = learner.network.modules(), learner.network.parameters()
    return {
        "seed": spec.training.seed,
        "device": learner.device.torch_device.type,
        "precision": learner.device.precision,
        "threads": learner.device.threads,
        "frozen": {
            "batchNorms": sum(isinstance(module, HeldBatchNorm2d) for module in modules),
            "parameters": sum(each.numel() for each in parameters if not each.requires_grad),
        },
    }
