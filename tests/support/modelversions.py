"""ModelVersions for tests: a builder, and the table of what is refused."""

import copy
from dataclasses import dataclass
from typing import Any


def modelversion(changes: dict[str, Any] | None = None, *, name: str = "bottles-1") -> dict[str, Any]:
    """Return the smallest ModelVersion that is valid, with `changes` put at dotted paths; None removes a field."""
    document: dict[str, Any] = {
        "apiVersion": "tintype.dev/v1alpha1",
        "kind": "ModelVersion",
        "metadata": {"name": name},
        "spec": {
            "view": {"name": "material", "type": "Classification"},
            "concepts": ["glass", "metal", "plastic"],
            "dataset": {"uri": "s3://datasets/bottles.jsonl"},
            "output": {"uri": "s3://models"},
        },
    }
    for path, value in (changes or {}).items():
        _put(document, path.split("."), copy.deepcopy(value))
    return document


def _put(document: dict[str, Any], path: list[str], value: object) -> None:
    *parents, last = path
    for parent in parents:
        document = document.setdefault(parent, {})
    if value is None:
        del document[last]
    else:
        document[last] = value


@dataclass(frozen=True)
class Refusal:
    """A change that makes a ModelVersion invalid, and words that its refusal must hold.

    `offline` is what `tintype validate` says; the API server says `server`, or the same.
    """

    name: str
    changes: dict[str, Any]
    offline: str
    server: str | None = None

    @property
    def on_server(self) -> str:
        return self.server or self.offline


REFUSALS = (
    Refusal("unknown field", {"spec.colour": "red"}, "spec.colour: unknown field", 'unknown field "spec.colour"'),
    Refusal(
        "unknown nested field",
        {"spec.training.epoch": 3},
        "spec.training.epoch: unknown field",
        'unknown field "spec.training.epoch"',
    ),
    Refusal(
        "unknown view type",
        {"spec.view.type": "Clasification"},
        "spec.view.type: 'Clasification' is wrong",
        'spec.view.type: Unsupported value: "Clasification"',
    ),
    Refusal("no view", {"spec.view": None}, "spec.view: is required", "spec.view: Required value"),
    Refusal("one concept", {"spec.concepts": ["glass"]}, "concepts: Classification needs at least two concepts"),
    Refusal("duplicate concepts", {"spec.concepts": ["a", "b", "a"]}, "concepts: each concept may stand only once"),
    Refusal(
        "unknown architecture",
        {"spec.training.architecture": "resnet5"},
        "training.architecture 'resnet5' is not in the catalogue; nearest are resnet18, resnet34, resnet50",
    ),
    Refusal(
        "architecture like none",
        {"spec.training.architecture": "xyz"},
        "training.architecture 'xyz' is not in the catalogue; see all with `tintype architectures`",
    ),
    Refusal(
        "learning rate of zero",
        {"spec.training.optimizer.learningRate": 0},
        "spec.training.optimizer.learningRate: '0' is wrong: input should be greater than 0",
        "spec.training.optimizer.learningRate: Invalid value",
    ),
    Refusal(
        "negative learning rate",
        {"spec.training.optimizer.learningRate": -0.1},
        "spec.training.optimizer.learningRate",
    ),
    Refusal(
        "epochs and iterations",
        {"spec.training.epochs": 2, "spec.training.iterations": 5},
        "training takes epochs or iterations, not both",
    ),
    Refusal("too few epochs", {"spec.training.epochs": 0.01}, "spec.training.epochs"),
    Refusal(
        "fixed size without height",
        {"spec.imageResizer": {"type": "Fixed", "width": 64}},
        "imageResizer of type Fixed takes width and height",
    ),
    Refusal(
        "aspect ratio with width",
        {"spec.imageResizer": {"type": "KeepAspectRatio", "width": 64, "maxDimension": 64}},
        "imageResizer of type KeepAspectRatio takes maxDimension",
    ),
    Refusal(
        "split of two kinds",
        {"spec.dataset.validation": {"fraction": 0.2, "count": 5}},
        "a split takes exactly one of fraction and count",
    ),
    Refusal(
        "weights of two kinds",
        {"spec.training.initialWeights": {"source": "Random", "uri": "s3://weights/a.safetensors"}},
        "training.initialWeights takes exactly one of source and uri",
    ),
    Refusal("no uri", {"spec.output.uri": "models"}, "spec.output.uri"),
    Refusal("name too long", {"metadata.name": "n" * 53}, "metadata.name"),
    Refusal("name with a dot", {"metadata.name": "bottles.1"}, "metadata.name"),
    Refusal("name that begins with a digit", {"metadata.name": "1-bottles"}, "metadata.name"),
)
