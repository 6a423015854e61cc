"""The status of a ModelVersion. Two writers with disjoint top-level fields: the operator and the trainer."""

from typing import Annotated

from pydantic import Field

from tintype_api.constants import HISTORY_LENGTH, Phase, Stage
from tintype_api.model import Model

Sentence = Annotated[str, Field(max_length=4096)]
ShortText = Annotated[str, Field(max_length=256)]
Time = Annotated[str, Field(json_schema_extra={"format": "date-time"}, max_length=64)]


class StatusCondition(Model):
    """A condition, as everywhere in Kubernetes."""

    type: ShortText
    status: ShortText
    """True, False or Unknown."""
    reason: ShortText
    message: Sentence
    last_transition_time: Time
    observed_generation: int | None = None


class JobReference(Model):
    """The Job of the current attempt, and the one Pod that may report on this version."""

    name: ShortText
    uid: ShortText | None = None
    pod_uid: Annotated[str | None, Field(alias="podUID", max_length=256)] = None


class ConceptCounts(Model):
    """Examples of one concept in each split."""

    name: ShortText
    train: int
    validation: int
    test: int


class Unreadable(Model):
    """Pictures that are missing or are no pictures; they are left out."""

    count: int
    examples: Annotated[tuple[Sentence, ...], Field(max_length=5)] = ()
    """The first of them, each with what is wrong."""


class DatasetStatus(Model):
    """What the run trains on, counted before its first step."""

    digest: ShortText
    """sha256 of the frozen list of examples."""
    validation_digest: ShortText | None = None
    """sha256 of the validation examples alone; versions compare only where it is equal."""
    train: int
    validation: int
    test: int
    not_in_model: int = 0
    """Annotated examples left out since their concept is not in the spec."""
    not_annotated: int = 0
    """Images without an annotation for the view."""
    unreadable: Unreadable = Unreadable(count=0)
    concepts: Annotated[tuple[ConceptCounts, ...], Field(max_length=256)] = ()


class Progress(Model):
    """How far the training is."""

    summary: ShortText
    """For people, such as "epoch 3 of 6"."""
    epoch: float
    """Epochs done, with the fraction of the current one."""
    epochs: float
    iteration: int
    iterations: int
    examples_per_second: float | None = None
    seconds_left: float | None = None


class SplitMetrics(Model):
    """Loss and accuracy over a whole split."""

    loss: float | None = None
    accuracy: float | None = None
    examples: int | None = None
    accuracy_interval: Annotated[tuple[float, ...] | None, Field(min_length=2, max_length=2)] = None
    """95 % Wilson score interval of the accuracy."""


class Metrics(Model):
    """The latest metrics."""

    learning_rate: float | None = None
    batch_loss: float | None = None
    validation: SplitMetrics | None = None
    """At the end of the latest epoch."""
    test: SplitMetrics | None = None
    """Of the best, read once at the end."""


class Best(Model):
    """The best epoch so far, whose weights are published."""

    epoch: float
    iteration: int
    selected_by: ShortText
    """accuracy, or LastIteration where there is no validation set."""
    performance_indicator: float | None = None
    """The number by which versions of a model are compared; empty without a validation set."""
    performance_indicator_name: ShortText | None = None


class Artifacts(Model):
    """What was published."""

    uri: Annotated[str, Field(max_length=2048)]
    """Folder or prefix of the version, with manifest.json."""
    files: int
    size_bytes: int
    manifest_sha256: ShortText


class HistoryEntry(Model):
    """One epoch."""

    epoch: float
    iteration: int
    learning_rate: float
    train_loss: float
    validation_loss: float | None = None
    validation_accuracy: float | None = None
    seconds: float


class TrainerStatus(Model):
    """The fields of status that the trainer writes."""

    stage: Stage | None = None
    dataset: DatasetStatus | None = None
    progress: Progress | None = None
    metrics: Metrics | None = None
    best: Best | None = None
    artifacts: Artifacts | None = None
    history: Annotated[tuple[HistoryEntry, ...], Field(max_length=HISTORY_LENGTH)] = ()
    """At most 50 epochs, thinned evenly."""


class OperatorStatus(Model):
    """The fields of status that the operator writes."""

    observed_generation: int | None = None
    phase: Phase | None = None
    conditions: Annotated[tuple[StatusCondition, ...], Field(max_length=16)] = ()
    model: ShortText | None = None
    """Digest of the view and the set of concepts; versions of one model share it."""
    job: JobReference | None = None
    attempt: int | None = None
    start_time: Time | None = None
    completion_time: Time | None = None


class ModelVersionStatus(TrainerStatus, OperatorStatus):
    """The whole status."""
