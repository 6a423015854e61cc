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


SPLITS = ("validation", "test")

REFUSALS = (
    Refusal(
        "queue priority without a queue",
        {"spec.runPolicy": {"queuePriorityClassName": "low"}},
        "runPolicy.queuePriorityClassName is for a queue; give runPolicy.queueName",
    ),
    Refusal(
        "a batch that two processes cannot share",
        {"spec.training.batchSize": 33, "spec.compute": {"gpus": 2}},
        "training.batchSize: it is the batch of all processes together and must be a multiple of their number",
    ),
    Refusal(
        "a batch that two nodes cannot share",
        {"spec.training.batchSize": 33, "spec.compute": {"gpus": 0, "nodes": 2}},
        "training.batchSize: it is the batch of all processes together and must be a multiple of their number",
    ),
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
        "a split takes exactly one of fraction, count and uri",
    ),
    Refusal(
        "weights of two kinds",
        {"spec.training.initialWeights": {"source": "Random", "uri": "s3://weights/a.safetensors"}},
        "training.initialWeights takes exactly one of source, modelVersion and uri",
    ),
    Refusal(
        "batch size of a word",
        {"spec.training.batchSize": "Large"},
        "spec.training.batchSize",
        "must be Auto or a whole number from 1 to 65536",
    ),
    Refusal("batch size of zero", {"spec.training.batchSize": 0}, "spec.training.batchSize"),
    Refusal("duration of nothing", {"spec.training.maxDuration": "0h"}, "spec.training.maxDuration"),
    Refusal(
        "step options without Step",
        {"spec.training.schedule": {"type": "Cosine", "stepEpochs": 3}},
        "training.schedule: stepEpochs and stepFactor are for the type Step",
    ),
    Refusal(
        "warm-up of OneCycle",
        {"spec.training.schedule": {"type": "OneCycle", "warmupSteps": 3}},
        "training.schedule: OneCycle has a rise of its own",
    ),
    Refusal(
        "warm-up of Auto's one-cycle",
        {"spec.training.schedule.warmupSteps": 3, "spec.training.optimizer.type": "AdamW"},
        "training.schedule: Auto is a one-cycle for the Adam family",
    ),
    Refusal(
        "two kinds of weights in the loss",
        {"spec.training.loss": {"classWeights": "Balanced", "conceptWeights": [{"concept": "glass", "weight": 2}]}},
        "training.loss takes classWeights Balanced or conceptWeights, not both",
    ),
    Refusal(
        "a weight twice",
        {"spec.training.loss.conceptWeights": [{"concept": "glass", "weight": 2}, {"concept": "glass", "weight": 3}]},
        "training.loss.conceptWeights: each concept may stand only once",
    ),
    Refusal(
        "a weight of an unknown concept",
        {"spec.training.loss.conceptWeights": [{"concept": "wood", "weight": 2}]},
        "training.loss.conceptWeights: a concept is not among concepts",
    ),
    Refusal(
        "asymmetric loss of Classification",
        {"spec.training.loss.type": "Asymmetric"},
        "training.loss.type: Asymmetric is for Tagging",
    ),
    Refusal(
        "mAP of Classification",
        {"spec.training.selectBy": "mAP"},
        "training.selectBy: mAP is not computed for Classification",
    ),
    Refusal(
        "negatives of Classification",
        {"spec.datasetOptions.negatives": {"uri": "s3://datasets/none/"}},
        "datasetOptions.negatives: in Classification each image has a concept",
    ),
    Refusal(
        "two kinds of groups",
        {"spec.dataset.groupBy": {"metadata": "serial", "path": "^(.)"}},
        "dataset.groupBy takes exactly one of metadata and path",
    ),
    *(
        Refusal(
            f"groups where {name}",
            {"spec.dataset.groupBy": {"metadata": "serial"}} | changes,
            "dataset.groupBy: no split is drawn, in which groups would stay on one side",
        )
        for name, changes in (
            ("the splits are the file's", {}),
            ("each split is a file", {f"spec.dataset.{split}.uri": "s3://datasets/b.json" for split in SPLITS}),
        )
    ),
    Refusal(
        "a seed of a file",
        {"spec.dataset.test": {"uri": "s3://datasets/test.json", "seed": 3}},
        "seed: nothing is drawn where a file holds the set",
    ),
    Refusal(
        "a view under itself",
        {"spec.view.parent": {"name": "material", "type": "Tagging"}},
        "view.parent: a view cannot stand under itself",
    ),
    Refusal(
        "margin of a child of Tagging",
        {"spec.view.parent": {"name": "things", "type": "Tagging"}, "spec.datasetOptions.cropMargin": 0.1},
        "datasetOptions.cropMargin: only a child view of a Detection view has regions to crop",
    ),
    Refusal(
        "Detection under Detection",
        {"spec.view": {"name": "parts", "type": "Detection", "parent": {"name": "things", "type": "Detection"}}},
        "view: Detection under a Detection view is not trained",
    ),
    Refusal(
        "an augmentation twice",
        {"spec.augmentations": [{"type": "Blur"}, {"type": "Blur", "maxSigma": 2}]},
        "augmentations: each kind may stand only once",
    ),
    Refusal(
        "an unknown augmentation",
        {"spec.augmentations": [{"type": "Sharpen"}]},
        "spec.augmentations.0",
        'spec.augmentations[0].type: Unsupported value: "Sharpen"',
    ),
    Refusal(
        "an option of another augmentation",
        {"spec.augmentations": [{"type": "Blur", "maxDelta": 0.1}]},
        "spec.augmentations.0.Blur.maxDelta: unknown field",
        "maxDelta goes with the type Brightness",
    ),
    *(
        Refusal(
            f"a range of {kind} upside down",
            {"spec.augmentations": [{"type": kind, lower: value}]},
            f"augmentations: {lower} of {kind} is above {upper}; exchange them",
        )
        for kind, lower, value, upper in (
            ("Contrast", "minFactor", 2, "maxFactor"),
            ("RandomCrop", "minAspectRatio", 1.5, "maxAspectRatio"),
            ("Affine", "minScale", 1.2, "maxScale"),
            ("RandomErasing", "minArea", 0.3, "maxArea"),
        )
    ),
    Refusal(
        "a range of areas upside down",
        {"spec.augmentations": [{"type": "RandomCrop", "maxArea": 0.4}]},
        "augmentations: minArea of RandomCrop is above maxArea; exchange them",
    ),
    Refusal(
        "Mosaic of Classification",
        {"spec.augmentations": [{"type": "Mosaic"}]},
        "augmentations: Mosaic is for Detection",
    ),
    Refusal(
        "a policy of Detection in Classification",
        {"spec.augmentations": [{"type": "AutoAugment", "policy": "V1"}]},
        "augmentations: AutoAugment has the policies V1 and V3 for Detection",
    ),
    Refusal(
        "more parts than examples",
        {"spec.training.accumulation": 9, "spec.training.batchSize": 8},
        "training.accumulation: a batch cannot be cut into more parts",
    ),
    Refusal(
        "a detector in Classification",
        {"spec.training.architecture": "ssd300_vgg16"},
        "training.architecture: detectors are for Detection",
    ),
    Refusal(
        "a name that timm has not",
        {"spec.training.architecture": "timm/resnet5"},
        "training.architecture 'timm/resnet5' is not in the catalogue",
    ),
    Refusal(
        "COCO in Classification",
        {"spec.training.initialWeights": {"source": "COCO"}},
        "training.initialWeights.source: the architecture has no weights of COCO",
    ),
    Refusal(
        "too small a size",
        {
            "spec.training.architecture": "inception_v3",
            "spec.imageResizer": {"type": "Fixed", "width": 64, "height": 96},
        },
        "imageResizer: 64 pixels are too few for inception_v3; give it at least 80",
        "imageResizer: the size is too small for the architecture; make it larger",
    ),
    Refusal(
        "a size that is no step",
        {"spec.imageResizer": {"type": "KeepAspectRatio", "maxDimension": 100}},
        "imageResizer: sizes come in steps of 16 pixels",
    ),
    Refusal(
        "the own size of another architecture",
        {"spec.training.architecture": "resnet18", "spec.imageResizer": {"type": "Fixed", "width": 260, "height": 260}},
        "imageResizer: sizes come in steps of 16 pixels",
    ),
    *(
        Refusal(f"{name} of Detection", {"spec.view.type": "Detection"} | changes, words)
        for name, changes, words in (
            ("a classifier", {"spec.training.architecture": "resnet18"}, "training.architecture: detectors are for"),
            (
                "ImageNet without a body",
                {"spec.training": {"architecture": "ssd300_vgg16", "initialWeights": {"source": "ImageNet"}}},
                "training.initialWeights.source: the architecture has no weights of ImageNet",
            ),
        )
    ),
    *(
        Refusal(f"{name} of Detection", {"spec.view.type": "Detection"} | changes, words)
        for name, changes, words in (
            ("loss", {"spec.training.loss.type": "Focal"}, "training.loss: a detector has losses of its own"),
            ("smoothing", {"spec.training.labelSmoothing": 0.1}, "training.labelSmoothing: a detector has no labels"),
            ("CutMix", {"spec.augmentations": [{"type": "CutMix"}]}, "augmentations: MixUp and CutMix blend labels"),
            ("margin", {"spec.datasetOptions.cropMargin": 0.1}, "datasetOptions.cropMargin: only a child view"),
        )
    ),
    Refusal(
        "a size that is no step, and not the own one of one of timm's",
        {
            "spec.training.architecture": "timm/efficientnet_b2",
            "spec.imageResizer": {"type": "Fixed", "width": 250, "height": 256},
        },
        "imageResizer: sizes come in steps of 16 pixels",
    ),
    Refusal(
        "too small a size for one of timm's",
        {
            "spec.training.architecture": "timm/efficientnet_b2",
            "spec.imageResizer": {"type": "KeepAspectRatio", "maxDimension": 16},
        },
        "imageResizer: 16 pixels are too few for timm/efficientnet_b2; give it at least 32",
        "imageResizer: the size is too small for the architecture; make it larger",
    ),
    Refusal(
        "a size that is no multiple of the stride",
        {
            "spec.view.type": "Detection",
            "spec.training.architecture": "dfine_s",
            "spec.imageResizer": {"type": "Fixed", "width": 640, "height": 368},
        },
        "imageResizer: sizes for dfine_s must be multiples of 32 pixels",
        "imageResizer: the architecture sees pictures in larger steps",
    ),
    *(
        Refusal(
            f"a size that is no multiple of what {name} sees at once",
            {
                "spec.training.architecture": f"timm/{name}",
                "spec.imageResizer": {"type": "KeepAspectRatio", "maxDimension": 240},
            },
            f"imageResizer: sizes for timm/{name} must be multiples of {step} pixels, or its own {own}",
            "imageResizer: the architecture sees pictures in larger steps; choose its own size",
        )
        for name, step, own in (
            ("vit_small_patch14_dinov2", 112, 518),
            ("vit_base_patch32_clip_256", 32, 256),
            ("maxvit_tiny_tf_224", 32, 224),
        )
    ),
    Refusal(
        "COCO of one of timm's",
        {"spec.training": {"architecture": "timm/efficientnet_b2", "initialWeights": {"source": "COCO"}}},
        "training.initialWeights.source: the architecture has no weights of COCO",
    ),
    Refusal(
        "one of timm's that has no weights",
        {"spec.training": {"architecture": "timm/beit3_giant_patch14_224", "initialWeights": {"source": "ImageNet"}}},
        "training.initialWeights.source: the architecture has no weights of ImageNet",
    ),
    Refusal(
        "warm-up of the one-cycle of an architecture's own optimizer",
        {"spec.training": {"architecture": "swin_t", "schedule": {"warmupSteps": 3}}},
        "training.schedule: Auto is a one-cycle for the Adam family",
    ),
    *(
        Refusal(
            f"more parts than the own batch of {name or 'the default'} has examples",
            {"spec.training": {"accumulation": parts} | fields},
            "training.accumulation: the architecture's own batch cannot be cut into more parts",
        )
        for name, parts, fields in (
            ("", 33, {}),
            ("efficientnet_b5", 9, {"architecture": "efficientnet_b5", "batchSize": "Auto"}),
            ("one of timm's", 33, {"architecture": "timm/efficientnet_b2"}),
        )
    ),
    Refusal(
        "its own weights",
        {"spec.training.initialWeights": {"modelVersion": "bottles-1"}},
        "training.initialWeights.modelVersion: a version cannot start from its own weights",
    ),
    Refusal("no uri", {"spec.output.uri": "models"}, "spec.output.uri"),
    Refusal("name too long", {"metadata.name": "n" * 53}, "metadata.name"),
    Refusal("name with a dot", {"metadata.name": "bottles.1"}, "metadata.name"),
    Refusal("name that begins with a digit", {"metadata.name": "1-bottles"}, "metadata.name"),
)
