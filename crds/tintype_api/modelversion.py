"""The resource as a whole: reading it, resolving its defaults, and naming its model."""

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError

from tintype_api.architecture import ADAM_FAMILY, COCO, IMAGENET, Architecture, Optimizer
from tintype_api.catalogue import DEFAULT_ARCHITECTURE, DEFAULT_DETECTOR, architecture
from tintype_api.constants import API_VERSION, KIND, NAME_MAX_LENGTH, NAME_PATTERN
from tintype_api.errors import invalid_spec
from tintype_api.model import Model
from tintype_api.sentences import sentence
from tintype_api.spec import ModelVersionSpec
from tintype_api.spec.resizer import STEP, ImageResizer, ResizerType
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


class Metadata(Model):
    """Name and namespace of a ModelVersion, and its uid where it is in a cluster."""

    name: Annotated[str, Field(pattern=NAME_PATTERN, max_length=NAME_MAX_LENGTH)]
    namespace: Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=63)] = "default"
    uid: Annotated[str | None, Field(max_length=64)] = None


class ModelVersion(Model):
    """A ModelVersion without its status."""

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
    """Return the version with every default filled in, so that what trains no longer depends on any default.

    With batchSize Auto, the learning rate where none is given depends on what fits, and stays absent until the trainer
    has measured it.

    Args:
        version: The version as the user wrote it.
        storage: The operator's defaults of storage, for fields that the version leaves out.

    Raises:
        UserError: exit 64 where the options contradict the architecture.
    """
    spec = version.spec
    training = _resolve_training(spec.training, spec.view.type)
    entry = architecture_of(training)
    resizer = spec.image_resizer or _own_size(entry)
    _check_size(resizer, entry)
    resolved = spec.model_copy(
        update={
            "training": training,
            "image_resizer": resizer,
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
    """Return what a run belongs to: the uid in a cluster, else a digest of the resolved version."""
    if version.metadata.uid:
        return version.metadata.uid
    document = json.dumps(version.to_wire(), sort_keys=True, ensure_ascii=False)
    return "sha256:" + hashlib.sha256(document.encode()).hexdigest()


def architecture_of(training: Training) -> Architecture:
    """Return the catalogue's entry of a resolved training."""
    assert training.architecture is not None, "resolve fills in the architecture"
    return architecture(training.architecture)


def default_learning_rate(entry: Architecture, optimizer: Optimizer, batch_size: int) -> float:
    """Return the catalogue's peak learning rate, scaled from the batch size that it is for.

    It scales linearly with the batch size for Momentum and RMSProp (Goyal et al. 2017), by its square root for the
    Adam family (Malladi et al. 2022).
    """
    scale = batch_size / entry.batch_size
    return entry.learning_rates[optimizer] * (math.sqrt(scale) if optimizer in ADAM_FAMILY else scale)


def _view_identity(view: View) -> dict[str, Any]:
    wire = view.to_wire()
    if "conditions" in wire:
        wire["conditions"] = sorted((sorted(inner, key=_as_text) for inner in wire["conditions"]), key=_as_text)
    return wire


def _as_text(part: object) -> str:
    return json.dumps(part, sort_keys=True, ensure_ascii=False)


def _own_size(entry: Architecture) -> ImageResizer:
    return ImageResizer(type=ResizerType.FIXED, width=entry.input_size, height=entry.input_size)


def _check_size(resizer: ImageResizer, entry: Architecture) -> None:
    sides = [side for side in (resizer.width, resizer.height, resizer.max_dimension) if side is not None]
    if min(sides) < entry.minimum_size:
        raise invalid_spec(
            f"imageResizer: {min(sides)} pixels are too few for {entry.name}; give it at least {entry.minimum_size}"
        )
    if any(side % STEP for side in sides) and set(sides) != {entry.input_size}:
        raise invalid_spec(
            f"imageResizer: sizes come in steps of {STEP} pixels, or are exactly the {entry.input_size} of "
            f"{entry.name}; choose one of these"
        )


def _resolve_training(training: Training, view_type: ViewType) -> Training:
    usual = DEFAULT_DETECTOR if view_type is ViewType.DETECTION else DEFAULT_ARCHITECTURE
    entry = architecture(training.architecture or usual)
    batch_size = training.batch_size or entry.batch_size
    optimizer = training.optimizer.type or entry.optimizer
    default_rate = None if batch_size == AUTO else default_learning_rate(entry, optimizer, batch_size)
    if is_one_cycle(training.schedule, optimizer) and training.schedule.warmup_steps:
        raise invalid_spec(
            f"training.schedule: with {optimizer} it is a one-cycle, which has a rise of its own; remove warmupSteps "
            "or choose another type"
        )
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
                weight_decay=training.optimizer.weight_decay,
            ),
        }
    )


def is_one_cycle(schedule: Schedule, optimizer: Optimizer) -> bool:
    """Return whether a schedule is a one-cycle: by name, or as what Auto means for the Adam family."""
    automatic = schedule.type is ScheduleType.AUTO and optimizer in ADAM_FAMILY
    return automatic or schedule.type is ScheduleType.ONE_CYCLE


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
