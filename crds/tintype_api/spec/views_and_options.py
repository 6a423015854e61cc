"""The rules that span the parts of a spec: which options go with which view."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from tintype_api.model import Rule
from tintype_api.spec.architectures import RULES as ARCHITECTURE_RULES
from tintype_api.spec.training import ClassWeights, LossType, SelectBy
from tintype_api.spec.view import ViewType

if TYPE_CHECKING:
    from tintype_api.spec import ModelVersionSpec


def _kinds(spec: "ModelVersionSpec") -> list[str]:
    return [augmentation.type for augmentation in spec.augmentations]


def _implies(view: ViewType, holds: Callable[["ModelVersionSpec"], bool]) -> Callable[["ModelVersionSpec"], bool]:
    return lambda spec: spec.view.type != view or holds(spec)


def _policy(spec: "ModelVersionSpec") -> str:
    return next((str(part.policy) for part in spec.augmentations if part.type == "AutoAugment"), "Auto")


_CONCEPTS: Final = (
    Rule(
        cel="self.view.type != 'Classification' || size(self.concepts) >= 2",
        holds=_implies(ViewType.CLASSIFICATION, lambda spec: len(spec.concepts) >= 2),
        message="concepts: Classification needs at least two concepts to tell apart; add another",
    ),
    Rule(
        cel="self.concepts.all(c, self.concepts.exists_one(d, d == c))",
        holds=lambda spec: len(set(spec.concepts)) == len(spec.concepts),
        message="concepts: each concept may stand only once; remove the duplicate",
    ),
    Rule(
        cel="!has(self.training.loss.conceptWeights) "
        "|| self.training.loss.conceptWeights.all(w, w.concept in self.concepts)",
        holds=lambda spec: {each.concept for each in spec.training.loss.concept_weights or ()} <= set(spec.concepts),
        message="training.loss.conceptWeights: a concept is not among concepts; correct its name or add it",
    ),
)

_LOSS: Final = (
    Rule(
        cel="self.view.type != 'Detection' || (self.training.loss.type == 'Auto' "
        "&& self.training.loss.classWeights == 'None' && !has(self.training.loss.conceptWeights))",
        holds=_implies(
            ViewType.DETECTION,
            lambda spec: (
                spec.training.loss.type == LossType.AUTO
                and spec.training.loss.class_weights == ClassWeights.NONE
                and spec.training.loss.concept_weights is None
            ),
        ),
        message="training.loss: a detector has losses of its own; remove training.loss",
    ),
    Rule(
        cel="self.view.type == 'Tagging' || self.training.loss.type != 'Asymmetric'",
        holds=lambda spec: spec.view.type == ViewType.TAGGING or spec.training.loss.type != LossType.ASYMMETRIC,
        message="training.loss.type: Asymmetric is for Tagging; choose Auto, CrossEntropy or Focal",
    ),
    Rule(
        cel="self.view.type != 'Detection' || self.training.labelSmoothing == 0.0",
        holds=_implies(ViewType.DETECTION, lambda spec: spec.training.label_smoothing == 0),
        message="training.labelSmoothing: a detector has no labels to smooth; remove it",
    ),
    Rule(
        cel="self.view.type != 'Classification' || self.training.selectBy != 'mAP'",
        holds=_implies(ViewType.CLASSIFICATION, lambda spec: spec.training.select_by != SelectBy.MAP),
        message="training.selectBy: mAP is not computed for Classification; choose Accuracy or Loss",
    ),
)

_DATA: Final = (
    Rule(
        cel="self.view.type != 'Classification' || !has(self.datasetOptions.negatives)",
        holds=_implies(ViewType.CLASSIFICATION, lambda spec: spec.dataset_options.negatives is None),
        message="datasetOptions.negatives: in Classification each image has a concept; remove them",
    ),
    Rule(
        cel="!has(self.datasetOptions.cropMargin) || (self.view.type != 'Detection' "
        "&& (!has(self.view.parent) || self.view.parent.type == 'Detection'))",
        holds=lambda spec: (
            spec.dataset_options.crop_margin is None
            or (
                spec.view.type != ViewType.DETECTION
                and (spec.view.parent is None or spec.view.parent.type == ViewType.DETECTION)
            )
        ),
        message="datasetOptions.cropMargin: only a child view of a Detection view has regions to crop; remove it",
    ),
)

_AUGMENTATIONS: Final = (
    Rule(
        cel="self.augmentations.all(a, self.augmentations.exists_one(b, b.type == a.type))",
        holds=lambda spec: len(set(_kinds(spec))) == len(_kinds(spec)),
        message="augmentations: each kind may stand only once; remove the duplicate",
    ),
    Rule(
        cel="self.view.type != 'Detection' || !self.augmentations.exists(a, a.type in ['MixUp', 'CutMix'])",
        holds=_implies(ViewType.DETECTION, lambda spec: not {"MixUp", "CutMix"} & set(_kinds(spec))),
        message="augmentations: MixUp and CutMix blend labels, which boxes are not; remove them",
    ),
    Rule(
        cel="self.view.type == 'Detection' || !self.augmentations.exists(a, a.type == 'Mosaic')",
        holds=lambda spec: spec.view.type == ViewType.DETECTION or "Mosaic" not in _kinds(spec),
        message="augmentations: Mosaic is for Detection; remove it",
    ),
    Rule(
        cel="!self.augmentations.exists(a, a.type == 'AutoAugment' && has(a.policy) && a.policy != 'Auto' "
        "&& (a.policy == 'ImageNet') == (self.view.type == 'Detection'))",
        holds=lambda spec: (
            _policy(spec) == "Auto" or (_policy(spec) == "ImageNet") != (spec.view.type == ViewType.DETECTION)
        ),
        message="augmentations: AutoAugment has the policies V1 and V3 for Detection, ImageNet for the other views; "
        "choose one of these or Auto",
    ),
)

_COMPUTE: Final = (
    Rule(
        cel="!has(self.training.batchSize) || type(self.training.batchSize) == string || self.training.batchSize "
        "% ((self.compute.gpus > 1 ? self.compute.gpus : 1) * self.compute.nodes) == 0",
        holds=lambda spec: (
            not isinstance(spec.training.batch_size, int) or spec.training.batch_size % spec.compute.processes == 0
        ),
        message="training.batchSize: it is the batch of all processes together and must be a multiple of their number, "
        "compute.gpus times compute.nodes; change it, or leave it out",
    ),
)

RULES: Final = (*ARCHITECTURE_RULES, *_CONCEPTS, *_LOSS, *_DATA, *_AUGMENTATIONS, *_COMPUTE)
