"""The resource as a whole: reading it, resolving its defaults, and naming its model."""

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError

from tintype_api.architecture import COCO, IMAGENET, WEIGHT_DECAYS, Architecture, Optimizer, scaled_rate
from tintype_api.catalogue import architecture
from tintype_api.constants import API_VERSION, KIND, NAME_MAX_LENGTH, NAME_PATTERN
from tintype_api.errors import invalid_spec
from tintype_api.model import Model, Rule
from tintype_api.sentences import sentence
from tintype_api.spec import ModelVersionSpec
from tintype_api.spec.architectures import architecture_name
from tintype_api.spec.augmentations import Augmentation, AutoAugment, AutoAugmentPolicy
from tintype_api.spec.resizer import ImageResizer, ResizerType
from tintype_api.spec.run import Storage
from tintype_api.spec.training import (
    AUTO,
    InitialWeights,
    OptimizerSettings,
    Schedule,
    ScheduleType,
    Training,
    WeightsSource,
)
from tintype_api.spec.view import View, ViewType

DEFAULT_EPOCHS = 10.0
DEFAULT_STEP_FACTOR = 0.1


class Metadata(Model):
    """Name and namespace of a ModelVersion, and its uid where it is in a cluster."""

    name: Annotated[str, Field(pattern=NAME_PATTERN, max_length=NAME_MAX_LENGTH)]
    namespace: Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=63)] = "default"
    uid: Annotated[str | None, Field(max_length=64)] = None


class ModelVersion(Model):
    """A ModelVersion without its status."""

    rules = (
        Rule(
            cel="!has(self.spec.training.initialWeights) || !has(self.spec.training.initialWeights.modelVersion) "
            "|| self.spec.training.initialWeights.modelVersion != self.metadata.name",
            holds=lambda version: (
                version.spec.training.initial_weights is None
                or version.spec.training.initial_weights.model_version != version.metadata.name
            ),
            message="training.initialWeights.modelVersion: a version cannot start from its own weights; "
            "name another ModelVersion",
        ),
    )

    api_version: Literal["tintype.dev/v1alpha1"] = API_VERSION
    kind: Literal["ModelVersion"] = KIND
    metadata: Metadata
    spec: ModelVersionSpec

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Self:
        """Return the ModelVersion of a YAML or JSON document, as a file or the API server holds it.

        Raises:
            UserError: exit 64, with one sentence that names the first field that is wrong.
        """
        if not isinstance(document, Mapping):
            raise invalid_spec("the document is no ModelVersion; it must be a mapping with apiVersion, kind, metadata")
        known = {key: document[key] for key in ("apiVersion", "kind", "spec") if key in document}
        metadata = document.get("metadata")
        if isinstance(metadata, Mapping):
            metadata = {key: metadata[key] for key in ("name", "namespace", "uid") if key in metadata}
        unknown = sorted(set(map(str, document)) - {"apiVersion", "kind", "metadata", "spec", "status"})
        if unknown:
            raise invalid_spec(f"{unknown[0]}: unknown field; remove it")
        try:
            return cls.model_validate({**known, "metadata": metadata})
        except ValidationError as error:
            raise invalid_spec(sentence(error)) from error


def resolve(version: ModelVersion, storage: Storage | None = None) -> ModelVersion:
    """Return the version with every default filled in that is known without the data and the machine.

    Left to the trainer are: the learning rate with batchSize Auto, where none is given, since it depends on what fits;
    selectBy Auto, which stands for the last iteration where there is no validation set; the stepEpochs of a third of
    the training; cropMargin, since the parent of the view may stand in the data set's header only.

    Args:
        version: The version as the user wrote it.
        storage: The operator's defaults of storage, for fields that the version leaves out.
    """
    spec = version.spec
    training = _resolve_training(spec.training, spec.view.type, spec.compute.processes)
    resolved = spec.model_copy(
        update={
            "training": training,
            "image_resizer": spec.image_resizer or _own_size(architecture_of(training)),
            "augmentations": tuple(_with_policy(each, spec.view.type) for each in spec.augmentations),
            "storage": _merge_storage(spec.storage, storage or Storage()),
        }
    )
    return version.model_copy(update={"spec": resolved})


def model_digest(spec: ModelVersionSpec) -> str:
    """Return 16 hexadecimal digits that identify the model: the view and the sorted set of concepts.

    Neither the order of conditions matters nor that within them. Parent and conditions that only the data set's header
    states are not known here, and so count as absent.
    """
    identity = {"view": _view_identity(spec.view), "concepts": sorted(spec.concepts)}
    return hashlib.sha256(json.dumps(identity, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:16]


def identity(version: ModelVersion) -> str:
    """Return what a run belongs to: the uid in a cluster, else a digest of the resolved version but for runPolicy."""
    if version.metadata.uid:
        return version.metadata.uid
    wire = version.to_wire()
    wire["spec"].pop("runPolicy", None)
    document = json.dumps(wire, sort_keys=True, ensure_ascii=False)
    return "sha256:" + hashlib.sha256(document.encode()).hexdigest()


def architecture_of(training: Training) -> Architecture:
    """Return the catalogue's entry of a resolved training."""
    assert training.architecture is not None, "resolve fills in the architecture"
    return architecture(training.architecture)


def default_learning_rate(entry: Architecture, optimizer: Optimizer, batch_size: int) -> float:
    """Return the catalogue's peak learning rate, scaled from the batch size that it is for."""
    return scaled_rate(optimizer, entry.learning_rates[optimizer], batch_size / entry.batch_size)


def shared_batch_size(largest: int, processes: int) -> int:
    """Return the largest batch, of at most so many examples, of which each process has as many; at least one each."""
    return max(1, largest // processes) * processes


def _view_identity(view: View) -> dict[str, Any]:
    wire = view.to_wire()
    if "conditions" in wire:
        wire["conditions"] = sorted((sorted(inner, key=_as_text) for inner in wire["conditions"]), key=_as_text)
    return wire


def _as_text(part: object) -> str:
    return json.dumps(part, sort_keys=True, ensure_ascii=False)


def _own_size(entry: Architecture) -> ImageResizer:
    return ImageResizer(type=ResizerType.FIXED, width=entry.input_size, height=entry.input_size)


def _resolve_training(training: Training, view_type: ViewType, processes: int) -> Training:
    entry = architecture(architecture_name(training, view_type))
    batch_size = training.batch_size or shared_batch_size(entry.batch_size, processes)
    optimizer = training.optimizer.type or entry.optimizer
    default_rate = None if batch_size == AUTO else default_learning_rate(entry, optimizer, batch_size)
    own_decay = training.optimizer.weight_decay
    epochs = training.epochs
    if epochs is None and training.iterations is None:
        epochs = DEFAULT_EPOCHS
    return training.model_copy(
        update={
            "architecture": entry.name,
            "batch_size": batch_size,
            "initial_weights": training.initial_weights or InitialWeights(source=_usual_source(entry)),
            "epochs": epochs,
            "optimizer": OptimizerSettings(
                type=optimizer,
                learning_rate=training.optimizer.learning_rate or default_rate,
                weight_decay=WEIGHT_DECAYS[optimizer] if own_decay is None else own_decay,
            ),
            "schedule": _resolve_schedule(training.schedule),
        }
    )


def _resolve_schedule(schedule: Schedule) -> Schedule:
    if schedule.type is not ScheduleType.STEP or schedule.step_factor is not None:
        return schedule
    return schedule.model_copy(update={"step_factor": DEFAULT_STEP_FACTOR})


def _with_policy(augmentation: Augmentation, view_type: ViewType) -> Augmentation:
    if not isinstance(augmentation, AutoAugment) or augmentation.policy is not AutoAugmentPolicy.AUTO:
        return augmentation
    usual = AutoAugmentPolicy.V1 if view_type is ViewType.DETECTION else AutoAugmentPolicy.IMAGENET
    return augmentation.model_copy(update={"policy": usual})


def _usual_source(entry: Architecture) -> WeightsSource:
    for source in (COCO, IMAGENET):
        if source in entry.weights:
            return WeightsSource(source)
    return WeightsSource.RANDOM


def _merge_storage(own: Storage, default: Storage) -> Storage:
    return Storage(
        endpoint=own.endpoint or default.endpoint,
        region=own.region or default.region,
        credentials_secret=own.credentials_secret or default.credentials_secret,
    )
