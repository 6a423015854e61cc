"""What the operator knows when it decides on a version, and what it can decide. Pure."""

from dataclasses import dataclass, replace

from tintype_api.modelversion import ModelVersion
from tintype_api.status import OperatorStatus
from tintype_operator.facts import JobFacts, PodFacts, RefusalFacts, VersionFacts, WorkloadFacts
from tintype_operator.obstacles import Obstacle


@dataclass(frozen=True)
class Facts:
    """All that is known when a version is decided on.

    Attributes:
        version: The ModelVersion.
        jobs: Jobs that it controls, or that carry its name in their label.
        pods: Pods that carry its name in their label.
        refusals: Pods of these Jobs that the API server did not take.
        others_before: How many wait before the Job in its queue, where that is known.
        job_is_gone: A look at the API server has shown that the Job named in status is not there.
        pods_looked_up: The Pods of the Job named in status come from a look at the API server.
        workloads: What a queue knows of these Jobs.
        queue_looked_up: A look at the API server has shown whether the queue is there; else `obstacle` says so.
        obstacle: What stood in the way when the Job was to be created just now.
        weights_from: The version whose weights it starts from, where its spec names one that is there.
        siblings: Once it has ended, all versions of its model in its namespace.
    """

    version: VersionFacts
    jobs: tuple[JobFacts, ...] = ()
    pods: tuple[PodFacts, ...] = ()
    refusals: tuple[RefusalFacts, ...] = ()
    workloads: tuple[WorkloadFacts, ...] = ()
    others_before: int | None = None
    job_is_gone: bool = False
    pods_looked_up: bool = False
    queue_looked_up: bool = False
    obstacle: Obstacle | None = None
    weights_from: VersionFacts | None = None
    siblings: tuple[VersionFacts, ...] = ()

    def with_job(self, job: JobFacts) -> "Facts":
        """Return the facts with a Job that was just created or looked up."""
        others = tuple(one for one in self.jobs if one.key != job.key)
        return replace(self, jobs=(*others, job), obstacle=None)


@dataclass(frozen=True)
class LookUpJob:
    """The Job named in status is in no cache: ask the API server for it."""

    name: str


@dataclass(frozen=True)
class LookUpPods:
    """Much depends on the Pods of a Job, such as why it failed, and the cache may lag: ask the API server for them."""

    job: JobFacts


@dataclass(frozen=True)
class LookUpQueue:
    """Ask the API server whether a queue and a priority in it are there; Kueue would say nothing of the latter."""

    name: str
    priority: str | None


@dataclass(frozen=True)
class CreateJob:
    """Create the Job of an attempt.

    Attributes:
        version: The version, resolved.
        name: The Job's name.
        attempt: Its number, from 1; 0 is the preflight.
        model: Value of the label of the model.
        backoff_limit: How many crashes this Job may try again: what earlier attempts have left.
    """

    version: ModelVersion
    name: str
    attempt: int
    model: str
    backoff_limit: int

    @property
    def is_preflight(self) -> bool:
        """Whether it only prepares the data set, without a GPU."""
        return not self.attempt

    @property
    def is_group(self) -> bool:
        """Whether several Pods train together."""
        return not self.is_preflight and self.version.spec.compute.nodes > 1


@dataclass(frozen=True)
class JobPatch:
    """Fields of a Job's spec that runPolicy changes after its creation; None where nothing changes."""

    job: JobFacts
    backoff_limit: int | None = None
    ttl_seconds: int | None = None

    def is_in(self, job: JobFacts) -> bool:
        """Return whether a Job has these fields."""
        return self.backoff_limit in {None, job.backoff_limit} and self.ttl_seconds in {None, job.ttl_seconds}


@dataclass(frozen=True)
class Settle:
    """What is written, in this order; nothing where a field already is as it should be.

    Attributes:
        access: ServiceAccount whose Pods must be able to report.
        status: The operator's part of status as it should be.
        model_label: The label of the model as it should be.
        patch: What changes on the Job; after the status, so that the end is latched before a TTL can take the Job.
        delete: Jobs of this version that nothing is expected of any more.
        delete_after_pods: The Job that goes once its Pods have ended by themselves, within their grace.
        again: Whether to come back after a while, since something outside has to change.
        again_in_s: Seconds after which something follows though nothing may tell of a change.
    """

    status: OperatorStatus
    access: str | None = None
    model_label: str | None = None
    patch: JobPatch | None = None
    delete: tuple[JobFacts, ...] = ()
    delete_after_pods: JobFacts | None = None
    again: bool = False
    again_in_s: float | None = None


@dataclass(frozen=True)
class Rest:
    """Nothing to do."""


Decision = LookUpJob | LookUpPods | LookUpQueue | CreateJob | Settle | Rest
