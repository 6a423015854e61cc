"""The status of a ModelVersion. Two writers with disjoint top-level fields: the operator and the trainer."""

from typing import Annotated

from pydantic import Field

from tintype_api.constants import HISTORY_LENGTH, JobDeletion, Phase, PodOutcome, Stage
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
    failures_before: int | None = None
    """Pods that crashed in earlier attempts."""
    deleted_for: JobDeletion | None = None
    """Why the operator deletes it; absent while it does not."""


class InterruptedPod(Model):
    """A Pod that was counted last."""

    uid: ShortText
    created_at: Time


class Comparison(Model):
    """How an ended version compares with the best earlier one of its model, on the same validation examples."""

    best_earlier: Annotated[str, Field(alias="with", max_length=256)]
    """The ModelVersion that had the best performance indicator until then."""
    change: float
    """By how much this version's performance indicator is higher."""


class EndedPods(Model):
    """The Pods of a version that ended in one way."""

    outcome: PodOutcome
    reason: ShortText
    count: int
    seconds: int
    """From the starts of their containers to their ends."""
    gpu_seconds: int
    """The same, for each GPU that they held."""


class Usage(Model):
    """Where a version's time went; counted once for each Pod and each change of phase."""

    since: Time | None = None
    """When the present phase began; absent once the version has ended."""
    phases: Annotated[dict[ShortText, int], Field(max_length=16, default_factory=dict)]
    """Seconds in each phase that is over, all times together."""
    pods: Annotated[tuple[EndedPods, ...], Field(max_length=32)] = ()
    """The Pods that have ended, by outcome and reason."""
    last_pod: InterruptedPod | None = None
    """The newest of them; absent once the version has ended."""


class ConceptCounts(Model):
    """Examples of one concept in each split; in Detection its boxes."""

    name: ShortText
    train: int
    validation: int
    test: int


class SplitCounts(Model):
    """A number for each split."""

    train: int = 0
    validation: int = 0
    test: int = 0


class Duplicates(Model):
    """Pictures with equal pixels on both sides of a split; what is measured on them is too good."""

    count: int
    examples: Annotated[tuple[Sentence, ...], Field(max_length=5)] = ()
    """The first of them."""


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
    train_repeated: int | None = None
    """Training examples of an epoch after balancing and with negatives; absent where there is neither."""
    negatives: int = 0
    """Training examples from datasetOptions.negatives."""
    without_concept: SplitCounts | None = None
    """In Tagging and Detection: annotated examples of which no concept of the spec holds."""
    not_in_model: int = 0
    """Left out since their concept is not in the spec: images, in Tagging labels, in Detection boxes."""
    not_annotated: int = 0
    """Images, or regions, without an annotation for the view."""
    without_boxes: int = 0
    """Training images left out of Detection since they have no box."""
    conditions_unmet: int = 0
    """Images or regions that do not meet the view's conditions."""
    duplicates: Duplicates | None = None
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
    effective_batch_size: int | None = None
    """Examples that the network sees at once, where that is not batchSize; BatchNorm sees so many."""


class ConceptMetrics(Model):
    """One concept over a whole split; a number that no example allows is absent."""

    name: ShortText
    support: int
    """Examples that it holds of; in Detection its boxes."""
    average_precision: float | None = None
    precision: float | None = None
    recall: float | None = None


class SplitMetrics(Model):
    """Metrics over a whole split."""

    loss: float | None = None
    accuracy: float | None = None
    mean_average_precision: Annotated[float | None, Field(alias="mAP")] = None
    """Not for Classification; absent where no concept has an example."""
    concepts_without_examples: int | None = None
    """Concepts that are left out of mAP since the split has no example of them."""
    concepts: Annotated[tuple[ConceptMetrics, ...], Field(max_length=256)] = ()
    examples: int | None = None
    accuracy_interval: Annotated[tuple[float, ...] | None, Field(min_length=2, max_length=2)] = None
    """95 % interval of the accuracy, by resampling images; of a split that was evaluated at the end."""


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
    """accuracy, mAP or loss; LastIteration where there is no validation set."""
    performance_indicator: float | None = None
    """The number by which versions of a model are compared; empty without a validation set."""
    performance_indicator_name: ShortText | None = None


class Checkpoint(Model):
    """The latest checkpoint in storage, from which another Pod goes on; absent once the version is published."""

    epoch: float
    """Epochs done, with the fraction of the current one."""
    iteration: int
    uri: Annotated[str, Field(max_length=2048)]
    size_bytes: int


class ConceptSummary(Model):
    """One concept of the best over the validation set; a number that no example allows is absent."""

    name: ShortText
    support: int
    """Examples that it holds of; in Detection its boxes."""
    threshold: float
    """From which score on it is decided for: in Tagging and Detection the one with the highest F1."""
    precision: float | None = None
    recall: float | None = None
    f1: float | None = None
    average_precision: float | None = None


class Artifacts(Model):
    """What was published."""

    uri: Annotated[str, Field(max_length=2048)]
    """Folder or prefix of the version, with manifest.json."""
    files: int
    size_bytes: int
    manifest_sha256: ShortText
    not_exported: Sentence | None = None
    """Why a format of output.formats is not among the files."""
    not_listed: Sentence | None = None
    """Why the page of the library, which the operator's settings ask for, was not written anew."""


class HistoryEntry(Model):
    """One epoch."""

    epoch: float
    iteration: int
    learning_rate: float
    train_loss: float
    validation_loss: float | None = None
    validation_accuracy: float | None = None
    validation_map: Annotated[float | None, Field(alias="validationMAP")] = None
    seconds: float


class TrainerStatus(Model):
    """The fields of status that the trainer writes."""

    pod_uid: Annotated[str | None, Field(alias="podUID", max_length=256)] = None
    """The Pod that has written these; while it is not that of `job`, stage is one that an earlier Pod was in."""
    stage: Stage | None = None
    dataset: DatasetStatus | None = None
    progress: Progress | None = None
    metrics: Metrics | None = None
    best: Best | None = None
    concepts: Annotated[tuple[ConceptSummary, ...], Field(max_length=256)] = ()
    """Of the best, once it is evaluated."""
    checkpoint: Checkpoint | None = None
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
    """Number of the latest Job; each suspension and each lost node takes another one. 0 is the preflight."""
    prepared: bool | None = None
    """Whether the preflight is done; absent where there is none."""
    failures: int | None = None
    """Pods that crashed, in all attempts; runPolicy.backoffLimit bounds them."""
    interruptions: int | None = None
    """Pods that were ended from outside, in all attempts; runPolicy.maxInterruptions bounds them."""
    last_interrupted: InterruptedPod | None = None
    comparison: Comparison | None = None
    usage: Usage | None = None
    start_time: Time | None = None
    completion_time: Time | None = None


class ModelVersionStatus(TrainerStatus, OperatorStatus):
    """The whole status."""
