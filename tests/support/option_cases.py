"""Which values of which options meet in the trainings of tests/trainer/test_options.py."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeAlias

from support.modelversions import modelversion
from support.pairwise import Pair, Row, pairwise
from tintype_api.errors import UserError
from tintype_api.modelversion import ModelVersion, resolve

Changes: TypeAlias = Mapping[str, Any]
"""Values of options, by their dotted paths below spec; paths that begin with augmentations name a kind."""

TINY: Final = 1e-6
DATA: Final = "file:///DATA/"
"""Where the pictures are; a test puts its own folder there."""

VIEWS: Final[Sequence[Changes]] = (
    {"view": {"name": "form", "type": "Classification"}, "concepts": ["round", "angular"]},
    {"view": {"name": "contents", "type": "Tagging"}, "concepts": ["circles", "squares", "nothing"]},
    {"view": {"name": "objects", "type": "Detection"}, "concepts": ["circle", "square"]},
    {
        "view": {
            "name": "tone",
            "type": "Classification",
            "parent": {"name": "objects", "type": "Detection"},
            "conditions": [[{"concept": "circle"}], [{"concept": "circle", "holds": False}, {"concept": "square"}]],
        },
        "concepts": ["dark", "bright"],
    },
    {
        "view": {
            "name": "marks",
            "type": "Tagging",
            "parent": {"name": "form", "type": "Classification"},
            "conditions": [[{"concept": "round", "holds": True}], [{"concept": "angular"}]],
        },
        "concepts": ["crowded", "lonely"],
    },
    {
        "view": {"name": "things", "type": "Detection", "parent": {"name": "contents", "type": "Tagging"}},
        "concepts": ["thing"],
    },
)
LEAST_EXAMPLES: Final = 15
"""Of Detection: of the twenty pictures five have nothing on them."""
LEAST_FRACTION: Final = 0.5 / LEAST_EXAMPLES
"""Of a split: half an example, which is rounded to one; what is less is none and refused."""
FIRST_CONCEPT: Final = "the first concept"
"""Stands for the first concept of whichever view."""


def _augmentation(kind: str, low: Mapping[str, object], high: Mapping[str, object]) -> tuple[Changes, ...]:
    """Return an augmentation that is absent, at its defaults, at the lower ends, and strong."""
    name = f"augmentations.{kind}"
    return {}, {name: {}}, {name: {"probability": 0, **low}}, {name: {"probability": 1, **high}}


def _always(kind: str, values: Mapping[str, object]) -> Changes:
    return {f"augmentations.{kind}": {"probability": 1, **values}}


def _each(path: str, *values: object) -> tuple[Changes, ...]:
    """Return an option that is absent, and that has each of the values."""
    return {}, *({path: value} for value in values)


FACTORS: Final[Mapping[str, Sequence[Changes]]] = {
    "view": VIEWS,
    "optimizer": _each("training.optimizer.type", "Momentum", "RMSProp", "Adam", "AdamW", "NAdam", "RAdam"),
    "schedule": _each("training.schedule.type", "Constant", "Step", "OneCycle", "Cosine", "Auto"),
    "batch size": (
        {"training.batchSize": 8},
        {"training.batchSize": 1},
        {"training.batchSize": "Auto"},
        {"training.batchSize": 64},
        {},
    ),
    "size": (
        {"imageResizer": {"type": "Fixed", "width": 64, "height": 64}},
        {"imageResizer": {"type": "Fixed", "width": 32, "height": 32}},
        {"imageResizer": {"type": "Fixed", "width": 64, "height": 32}},
        {"imageResizer": {"type": "KeepAspectRatio", "maxDimension": 32}},
        {"imageResizer": {"type": "KeepAspectRatio", "maxDimension": 64}},
    ),
    "length": (
        {"training.epochs": 1},
        {"training.epochs": 0.1},
        {"training.epochs": 3},
        {"training.iterations": 1},
        {"training.iterations": 9},
        {},
    ),
    "learning rate": _each("training.optimizer.learningRate", TINY, 0.02),
    "weight decay": _each("training.optimizer.weightDecay", 0, 0.5),
    "warm-up": _each("training.schedule.warmupSteps", 0, 3, 1000),
    "step epochs": _each("training.schedule.stepEpochs", 0.1, 2),
    "step factor": _each("training.schedule.stepFactor", TINY, 1),
    "accumulation": _each("training.accumulation", 1, 4),
    "loss": _each("training.loss.type", "CrossEntropy", "Focal", "Asymmetric"),
    "class weights": (
        {},
        {"training.loss.classWeights": "Balanced"},
        {"training.loss.conceptWeights": [{"concept": FIRST_CONCEPT, "weight": TINY}]},
        {"training.loss.conceptWeights": [{"concept": FIRST_CONCEPT, "weight": 50}]},
    ),
    "label smoothing": _each("training.labelSmoothing", 0, 0.5),
    "freeze epochs": _each("training.backbone.freezeEpochs", 0, 1, 100),
    "rate factor": _each("training.backbone.learningRateFactor", 0, 10),
    "clip norm": _each("training.gradientClipNorm", TINY, 1000),
    "average": ({}, {"training.ema": {}}, {"training.ema.decay": TINY}, {"training.ema.decay": 0.9999}),
    "precision": _each("training.precision", "Float32", "BFloat16"),
    "select by": _each("training.selectBy", "Accuracy", "mAP", "Loss"),
    "early stopping": (
        {},
        {"training.earlyStopping": {}},
        {"training.earlyStopping": {"patience": 1, "minDelta": 0}},
        {"training.earlyStopping": {"patience": 100, "minDelta": 1000}},
    ),
    "max duration": _each("training.maxDuration", "1s", "100h"),
    "seed": _each("training.seed", 0, 2**31 - 1),
    "validation": (
        {},
        {"dataset.validation": {"fraction": 0.3}},
        {"dataset.validation": {"fraction": LEAST_FRACTION, "seed": 0}},
        {"dataset.validation": {"count": 1, "seed": 2**31 - 1}},
        {"dataset.validation": {"count": 6}},
    ),
    "test": (
        {},
        {"dataset.test": {"fraction": 0.2}},
        {"dataset.test": {"fraction": LEAST_FRACTION, "seed": 0}},
        {"dataset.test": {"count": 1, "seed": 2**31 - 1}},
        {"dataset.test": {"count": 3}},
    ),
    "group": ({}, {"dataset.groupBy": {"metadata": "film"}}, {"dataset.groupBy": {"path": "pictures/(.)"}}),
    "crop margin": _each("datasetOptions.cropMargin", 0, 2),
    "balance": (
        {},
        {"datasetOptions.balance": {}},
        {"datasetOptions.balance.maxExpansionRatio": 1},
        {"datasetOptions.balance.maxExpansionRatio": 4},
    ),
    "negatives": (
        {},
        {"datasetOptions.negatives": {"uri": f"{DATA}negatives/", "count": 1}},
        {"datasetOptions.negatives": {"uri": f"{DATA}negatives/", "count": 2000}},
        {"datasetOptions.negatives": {"uri": f"{DATA}negatives/"}},
    ),
    "training predictions": _each("output.trainingPredictions", True),
    "horizontal flip": _augmentation("HorizontalFlip", {}, {}),
    "vertical flip": _augmentation("VerticalFlip", {}, {}),
    "quarter turns": _augmentation("Rotate90", {}, {}),
    "brightness": (*_augmentation("Brightness", {}, {"maxDelta": 1}), _always("Brightness", {"maxDelta": 0})),
    "contrast": (
        *_augmentation("Contrast", {}, {"minFactor": 5, "maxFactor": 10}),
        _always("Contrast", {"minFactor": 0, "maxFactor": 0}),
    ),
    "crop": (
        *_augmentation(
            "RandomCrop",
            {},
            {"minAspectRatio": 2, "maxAspectRatio": 100, "minArea": 0.9, "maxArea": 1},
        ),
        _always("RandomCrop", {"minAspectRatio": 1e-3, "maxAspectRatio": 1e-3, "minArea": 1e-3, "maxArea": 1e-3}),
    ),
    "noise": (
        *_augmentation("PatchNoise", {}, {"maxStandardDeviation": 1}),
        _always("PatchNoise", {"maxStandardDeviation": 0}),
    ),
    "policy": (
        *_augmentation("AutoAugment", {"policy": "Auto"}, {"policy": "ImageNet"}),
        _always("AutoAugment", {"policy": "V1"}),
        _always("AutoAugment", {"policy": "V3"}),
    ),
    "jitter": (
        *_augmentation("ColorJitter", {}, {"brightness": 1, "contrast": 1, "saturation": 1, "hue": 0.5}),
        _always("ColorJitter", {"brightness": 0, "contrast": 0, "saturation": 0, "hue": 0}),
    ),
    "affine": (
        *_augmentation(
            "Affine", {}, {"maxRotation": 180, "maxShear": 60, "minScale": 2, "maxScale": 10, "maxTranslation": 1}
        ),
        _always("Affine", {"maxRotation": 0, "maxShear": 0, "minScale": 1e-3, "maxScale": 1e-3, "maxTranslation": 0}),
    ),
    "blur": (*_augmentation("Blur", {}, {"maxSigma": 50}), _always("Blur", {"maxSigma": 1e-3})),
    "erasing": (
        *_augmentation("RandomErasing", {}, {"minArea": 0.9, "maxArea": 1}),
        _always("RandomErasing", {"minArea": 1e-3, "maxArea": 1e-3}),
    ),
    "blend": (*_augmentation("MixUp", {}, {"alpha": 100}), _always("MixUp", {"alpha": 1e-3})),
    "paste": (*_augmentation("CutMix", {}, {"alpha": 100}), _always("CutMix", {"alpha": 1e-3})),
    "mosaic": _augmentation("Mosaic", {}, {}),
}
ANCHORS: Final = ("view", "schedule", "optimizer")
"""What decides which other values are allowed."""


def document_of(row: Row, data: Path | None = None) -> dict[str, Any]:
    """Return the ModelVersion of a row, on the pictures of a folder."""
    changes = {path: value for name, place in row.items() for path, value in FACTORS[name][place].items()}
    view = VIEWS[row["view"]]
    changes["training.architecture"] = _architecture(view)
    changes["training.initialWeights"] = {"source": "Random"}
    changes["augmentations"] = [
        {"type": path.partition(".")[2], **changes.pop(path)}
        for path in list(changes)
        if path.startswith("augmentations.")
    ]
    if "dataset.groupBy" in changes and not changes.keys() & {"dataset.validation", "dataset.test"}:
        changes["dataset.test"] = {"count": 3}  # groups are for splits that are drawn
    weights = changes.get("training.loss.conceptWeights")
    if weights:
        changes["training.loss.conceptWeights"] = [{**weights[0], "concept": view["concepts"][0]}]
    negatives = changes.get("datasetOptions.negatives")
    if negatives and data:
        changes["datasetOptions.negatives"] = negatives | {"uri": negatives["uri"].replace(DATA, data.as_uri() + "/")}
    folder = (data or Path("/DATA")).as_uri()
    return modelversion(
        {
            "spec.dataset.uri": f"{folder}/pictures.jsonl",
            "spec.output.uri": f"{folder}/models",
            "spec.compute": {"gpus": 0, "cpu": "1", "memory": "3Gi"},
            **{f"spec.{path}": value for path, value in changes.items()},
        },
        name="options",
    )


@cache
def option_rows() -> tuple[tuple[Row, ...], frozenset[Pair]]:
    """Return the rows of all cases, and the pairs of values that no version can have."""
    rows, impossible = pairwise({name: len(values) for name, values in FACTORS.items()}, _may_be, ANCHORS)
    return tuple(rows), frozenset(impossible)


def case_name(row: Row) -> str:
    """Return what is not at its default in a row, in a few words."""
    view = VIEWS[row["view"]]["view"]["name"]
    return f"{view}: " + ", ".join(f"{name} {place}" for name, place in row.items() if place and name != "view")


def _architecture(view: Changes) -> str:
    return "retinanet_efficientnet_lite0" if view["view"]["type"] == "Detection" else "mobilenet_v3_small"


def _may_be(row: Row) -> bool:
    """Return whether the API allows a row, and whether it is trained in a second or two.

    A batch of one example cannot pass BatchNorm where the last maps are of one pixel, as they are of 32 pixels; and the
    ten epochs that are the default have too many of them.
    """
    if FACTORS["batch size"][row["batch size"]] == {"training.batchSize": 1}:
        sides = FACTORS["size"][row["size"]]["imageResizer"]
        if not FACTORS["length"][row["length"]] or 64 not in sides.values():
            return False
    try:
        resolve(ModelVersion.parse(document_of(row)))
    except UserError:
        return False
    return True
