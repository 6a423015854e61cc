"""The few fields of watched objects that decisions and metrics read; everything else is forgotten at once."""

from array import array
from dataclasses import dataclass
from typing import Final, NamedTuple

from tintype_api.constants import TERMINAL_PHASES
from tintype_api.status import OperatorStatus


class Key(NamedTuple):
    """What the work queue holds: a ModelVersion by name."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


SHOWN_CONCEPTS: Final = 64
"""Concepts of a version that `/metrics` shows: those of most support."""
CONCEPT_METRICS: Final = {
    "precision": "precision",
    "recall": "recall",
    "f1": "f1",
    "average_precision": "averagePrecision",
}
"""Their numbers, by their names there and in status.concepts."""


@dataclass(frozen=True, slots=True)
class ConceptFigures:
    """What is known of each concept of a version that has ended, packed: thousands of versions are kept.

    Attributes:
        names: The concepts of most support.
        values: For each of them one number for each of CONCEPT_METRICS; ABSENT where there is none.
    """

    names: tuple[str, ...]
    values: "array[float]"


ABSENT: Final = -1.0
NO_CONCEPTS: Final = ConceptFigures((), array("f"))


@dataclass(frozen=True, slots=True)
class Figures:
    """Numbers of the trainer's status that `/metrics` shows; None where there is none."""

    epoch: float | None = None
    epochs: float | None = None
    iteration: float | None = None
    train_loss: float | None = None
    validation_loss: float | None = None
    validation_accuracy: float | None = None
    validation_map: float | None = None
    test_loss: float | None = None
    test_accuracy: float | None = None
    test_map: float | None = None
    best_epoch: float | None = None
    performance_indicator: float | None = None
    performance_indicator_name: str = ""
    concepts: ConceptFigures = NO_CONCEPTS


@dataclass(frozen=True, slots=True)
class VersionFacts:
    """A ModelVersion.

    Attributes:
        key: Namespace and name.
        uid: metadata.uid.
        resource_version: metadata.resourceVersion, which Kubernetes lets one compare as a number.
        created_at: metadata.creationTimestamp.
        generation: metadata.generation.
        deleting: Whether it has a deletionTimestamp.
        view: view.name.
        view_type: view.type.
        architecture: training.architecture, or the view type's own.
        gpus: GPUs of each Pod that trains.
        nodes: Pods that train together.
        model_label: Value of the label of the model, if any.
        document: apiVersion, kind, metadata and spec as compact JSON; empty once the version has ended.
        suspend: runPolicy.suspend.
        stop: runPolicy.stop.
        preflight: Whether a Pod without GPU is to prepare the data set first.
        backoff_limit: runPolicy.backoffLimit.
        max_interruptions: runPolicy.maxInterruptions.
        queue: runPolicy.queueName.
        queue_priority: runPolicy.queuePriorityClassName.
        ttl_seconds: runPolicy.ttlSecondsAfterFinished.
        memory: compute.memory.
        service_account: podTemplate.serviceAccountName.
        output_uri: output.uri.
        status: The operator's own part of status.
        stage: status.stage, which the trainer writes.
        reporter: status.podUID, the Pod whose stage that is; None where its trainer does not say.
        checkpoint: Whether status.checkpoint is there, which the trainer writes once it has saved one.
        published: Whether status.artifacts is there, which the trainer writes once the manifest is.
        weights_from: training.initialWeights.modelVersion, the version of the namespace whose weights it starts from.
        validation_digest: status.dataset.validationDigest; indicators compare only where it is equal.
        figures: What metrics show.
    """

    key: Key
    uid: str
    resource_version: int
    created_at: str
    generation: int
    deleting: bool
    view: str
    view_type: str
    architecture: str
    gpus: int
    nodes: int
    model_label: str | None
    document: bytes
    suspend: bool
    stop: bool
    preflight: bool
    backoff_limit: int
    max_interruptions: int
    queue: str | None
    queue_priority: str | None
    ttl_seconds: int
    memory: str
    service_account: str
    output_uri: str
    status: OperatorStatus
    stage: str | None
    reporter: str | None
    checkpoint: bool
    published: bool
    weights_from: str | None
    validation_digest: str | None
    figures: Figures

    @property
    def ended(self) -> bool:
        """Whether the phase is terminal."""
        return self.status.phase in TERMINAL_PHASES


@dataclass(frozen=True, slots=True)
class JobFacts:
    """A Job that carries the operator's label, or one looked up by name.

    Attributes:
        key: Its namespace and name.
        version: Name of the ModelVersion that controls it, else of its label; empty for a foreign Job.
        owner_uid: uid of the ModelVersion that controls it, if one does.
        failed: Pods that failed and count against backoff_limit.
        complete: Whether it has the condition Complete.
        failure_reason: Reason of its condition Failed; None while it has not failed.
        failure_message: Message of that condition.
        failing: Whether it will fail once its Pods are gone (condition FailureTarget).
        ttl_seconds: spec.ttlSecondsAfterFinished.
        suspended: spec.suspend, which a queue sets while it holds the Job.
        queue: Its label of the queue.
        managed_elsewhere: Whether spec.managedBy names a controller other than Kubernetes' own.
        nodes: How many Pods train together; with more than one, the first that fails ends the Job.
    """

    key: Key
    uid: str
    resource_version: int
    version: str
    owner_uid: str | None
    deleting: bool
    failed: int
    complete: bool
    failure_reason: str | None
    failure_message: str
    failing: bool
    backoff_limit: int
    ttl_seconds: int | None
    suspended: bool
    queue: str | None
    managed_elsewhere: bool
    nodes: int
    completion_time: str | None


@dataclass(frozen=True, slots=True)
class ContainerWait:
    """Why the trainer's container does not run, in the kubelet's words."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class ContainerEnd:
    """How the trainer's container ended; `message` is what it left in its termination message file.

    `finished_at` is empty where the kubelet lost sight of the container.
    """

    exit_code: int
    signal: int
    reason: str
    message: str
    finished_at: str


@dataclass(frozen=True, slots=True)
class PodFacts:
    """A Pod that carries the operator's label.

    Attributes:
        key: Its namespace and name.
        version: Value of its label of the ModelVersion.
        job_uid: uid of the Job that controls it, if one does.
        index: Its number among those that train together, of which 0 reports; None where it is alone.
        created_at: metadata.creationTimestamp.
        ends_by: metadata.deletionTimestamp, which is when its grace is over; None while nobody has deleted it.
        node: spec.nodeName; empty while it has none.
        phase: status.phase.
        reason: status.reason, such as Evicted.
        message: status.message.
        scheduling_reason: Reason of PodScheduled while it is False, such as Unschedulable.
        scheduling_message: Message of that condition.
        disruption: Reason of the condition DisruptionTarget; None where it does not have that.
        image: Image of the trainer's container.
        wait: Set while the container waits.
        started_at: Set once the container ran.
        end: Set once the container ended.
    """

    key: Key
    uid: str
    resource_version: int
    version: str
    job_uid: str | None
    index: int | None
    created_at: str
    ends_by: str | None
    node: str
    phase: str
    reason: str
    message: str
    scheduling_reason: str
    scheduling_message: str
    disruption: str | None
    image: str
    wait: ContainerWait | None
    started_at: str | None
    end: ContainerEnd | None

    @property
    def finished(self) -> bool:
        """Whether it will never run again."""
        return self.phase in {"Succeeded", "Failed"}

    @property
    def ended_at(self) -> str:
        """When the container of a finished Pod ended; where nobody knows, when the Pod was made."""
        return (self.end.finished_at if self.end else "") or self.created_at

    @property
    def leads(self) -> bool:
        """Whether it reports and publishes."""
        return not self.index

    @property
    def running(self) -> bool:
        """Whether the trainer's container runs."""
        return not self.finished and self.started_at is not None and self.end is None


@dataclass(frozen=True, slots=True)
class RefusalFacts:
    """An Event of the Job controller: the API server did not take the Pod of a Job."""

    key: Key
    uid: str
    resource_version: int
    job: Key
    job_uid: str
    message: str
    seen_at: str


@dataclass(frozen=True, slots=True)
class WorkloadFacts:
    """A Workload of Kueue: a Job in a queue.

    Attributes:
        key: Its namespace and name.
        job: Namespace and name of the Job that it is of.
        job_uid: uid of that Job.
        message: Why it has no quota, in Kueue's words; empty where Kueue has not said.
    """

    key: Key
    uid: str
    resource_version: int
    job: Key
    job_uid: str
    message: str
