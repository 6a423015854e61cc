"""From facts to a decision: what to look up, create, patch, delete, and the next status. Pure; the operator's core.

`decide` is asked again after each look-up or creation, with what came of it, until it settles on a status.
"""

import json
from dataclasses import dataclass, replace

from tintype_api.constants import ExitCode, Reason
from tintype_api.errors import UserError
from tintype_api.modelversion import ModelVersion, model_digest, resolve
from tintype_api.spec.run import Storage
from tintype_api.spec.training import InitialWeights
from tintype_api.status import OperatorStatus
from tintype_operator import next_status, outcomes
from tintype_operator.conditions import Because
from tintype_operator.facts import JobFacts, PodFacts, RefusalFacts, VersionFacts
from tintype_operator.names import job_name, published_uri
from tintype_operator.next_status import Attempt
from tintype_operator.obstacles import Obstacle, earlier_run, unpublished_weights

FIRST_ATTEMPT = 1


@dataclass(frozen=True)
class Facts:
    """All that is known when a version is decided on.

    Attributes:
        version: The ModelVersion.
        jobs: Jobs that it controls, or that carry its name in their label.
        pods: Pods that carry its name in their label.
        refusals: Pods of these Jobs that the API server did not take.
        job_is_gone: A look at the API server has shown that the Job named in status is not there.
        pods_looked_up: The Pods of the Job named in status come from a look at the API server.
        obstacle: What stood in the way when the Job was to be created just now.
        weights_from: The version whose weights it starts from, where its spec names one that is there.
    """

    version: VersionFacts
    jobs: tuple[JobFacts, ...] = ()
    pods: tuple[PodFacts, ...] = ()
    refusals: tuple[RefusalFacts, ...] = ()
    job_is_gone: bool = False
    pods_looked_up: bool = False
    obstacle: Obstacle | None = None
    weights_from: VersionFacts | None = None

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
    """The Job failed, and the cache has no Pod that says why: ask the API server for its Pods."""

    job: JobFacts


@dataclass(frozen=True)
class CreateJob:
    """Create the Job of an attempt."""

    version: ModelVersion
    name: str
    attempt: int
    model: str


@dataclass(frozen=True)
class JobPatch:
    """Fields of a Job's spec that runPolicy changes after its creation; None where nothing changes."""

    job: JobFacts
    backoff_limit: int | None = None
    ttl_seconds: int | None = None


@dataclass(frozen=True)
class Settle:
    """What is written, in this order; nothing where a field already is as it should be.

    Attributes:
        access: ServiceAccount whose Pods must be able to report.
        status: The operator's part of status as it should be.
        model_label: The label of the model as it should be.
        patch: What changes on the Job; after the status, so that the end is latched before a TTL can take the Job.
        delete: Jobs of this version that status does not name.
        again: Whether to come back after a while, since something outside has to change.
    """

    status: OperatorStatus
    access: str | None = None
    model_label: str | None = None
    patch: JobPatch | None = None
    delete: tuple[JobFacts, ...] = ()
    again: bool = False


@dataclass(frozen=True)
class Rest:
    """Nothing to do."""


Decision = LookUpJob | LookUpPods | CreateJob | Settle | Rest


def decide(facts: Facts, storage: Storage, now: str) -> Decision:
    """Return what follows from the facts.

    Args:
        facts: What is known.
        storage: The operator's defaults of storage.
        now: The time, RFC 3339, for transitions.
    """
    version = facts.version
    if version.deleting:
        return Rest()
    if version.ended:
        return _after_end(facts)
    if version.status.job is not None and version.status.job.uid is not None:
        return _follow(facts, version.status.job.name, version.status.job.uid, now)
    return _begin(facts, storage, now)


def _begin(facts: Facts, storage: Storage, now: str) -> Decision:
    version = facts.version
    name = job_name(version.key.name, FIRST_ATTEMPT)
    own = next((job for job in facts.jobs if job.key.name == name and job.owner_uid == version.uid), None)
    if own is not None and not own.deleting:
        return _follow(facts, own.key.name, own.uid, now)
    try:
        resolved = resolve(_parse(version), storage)
    except UserError as error:
        return _fail(facts, Because(error.reason, error.message), None, now)
    model = model_digest(resolved.spec)
    obstacle = facts.obstacle or earlier_run(facts.pods, own) or unpublished_weights(version, facts.weights_from)
    if obstacle is None:
        return CreateJob(_with_weights(resolved, facts.weights_from), name, FIRST_ATTEMPT, model)
    if obstacle.final:
        return _fail(facts, obstacle.because, None, now)
    status = next_status.waiting_for_job(version, obstacle.because, model, now)
    return Settle(status, model_label=model, delete=_strays(facts, own), again=True)


def _follow(facts: Facts, name: str, uid: str, now: str) -> Decision:
    job = next((one for one in facts.jobs if one.uid == uid), None)
    if job is None:
        return _without_job(facts, name, now)
    attempt = _attempt(facts, job)
    if job.complete:
        return _complete(facts, attempt, now)
    if job.failure_reason is None:
        return _under_way(facts, attempt, now)
    if not facts.pods_looked_up and (attempt.current is not None or not attempt.failures):
        return LookUpPods(job)
    last = outcomes.outcome(attempt.failures[-1], facts.version.memory) if attempt.failures else None
    return _fail(facts, outcomes.of_failed_job(job, last), attempt, now)


def _complete(facts: Facts, attempt: Attempt, now: str) -> Decision:
    """Settle on the end that the trainer's last message tells: by its plan, or stopped before."""
    ended = [pod for pod in attempt.pods if pod.end is not None and pod.end.exit_code == ExitCode.OK]
    if not ended and not facts.pods_looked_up:
        return LookUpPods(attempt.job)
    stopped = outcomes.stopped(ended[-1]) if ended else None
    return _settle(facts, next_status.published(facts.version, attempt, stopped, now), attempt.job)


def _under_way(facts: Facts, attempt: Attempt, now: str) -> Settle:
    version, job = facts.version, attempt.job
    model = version.status.model or _model(version)
    status = next_status.following(version, attempt, model, now)
    patch = None if job.backoff_limit == version.backoff_limit else JobPatch(job, backoff_limit=version.backoff_limit)
    return replace(_settle(facts, status, job), access=version.service_account, patch=patch)


def _without_job(facts: Facts, name: str, now: str) -> Decision:
    if not facts.job_is_gone:
        return LookUpJob(name)
    if facts.version.published:
        return _settle(facts, next_status.published(facts.version, None, None, now), None)
    said = f"Job {name} was deleted before it ended; delete this ModelVersion and apply it again to train it"
    return _fail(facts, Because(Reason.JOB_DELETED, said), None, now)


def _after_end(facts: Facts) -> Settle:
    version = facts.version
    named = version.status.job.uid if version.status.job else None
    job = next((one for one in facts.jobs if one.uid == named), None)
    settle = _settle(facts, next_status.observed(version), job)
    if job is None or job.deleting or job.ttl_seconds == version.ttl_seconds:
        return settle
    return replace(settle, patch=JobPatch(job, ttl_seconds=version.ttl_seconds))


def _fail(facts: Facts, because: Because, attempt: Attempt | None, now: str) -> Settle:
    status = next_status.failed(facts.version, because, attempt, now)
    return _settle(facts, status, attempt.job if attempt else None)


def _settle(facts: Facts, status: OperatorStatus, job: JobFacts | None) -> Settle:
    return Settle(status, model_label=status.model or facts.version.model_label, delete=_strays(facts, job))


def _strays(facts: Facts, job: JobFacts | None) -> tuple[JobFacts, ...]:
    return tuple(
        one for one in facts.jobs if one.owner_uid == facts.version.uid and one is not job and not one.deleting
    )


def _attempt(facts: Facts, job: JobFacts) -> Attempt:
    pods = sorted((pod for pod in facts.pods if pod.job_uid == job.uid), key=lambda pod: (pod.created_at, pod.uid))
    refusals = sorted((one for one in facts.refusals if one.job_uid == job.uid), key=lambda one: one.resource_version)
    return Attempt(FIRST_ATTEMPT, job, tuple(pods), refusals[-1] if refusals else None)


def _with_weights(resolved: ModelVersion, source: VersionFacts | None) -> ModelVersion:
    """Return the version with the folder of the published version whose weights it starts from."""
    if source is None:
        return resolved
    weights = InitialWeights(uri=published_uri(source.output_uri, source.key.namespace, source.key.name))
    training = resolved.spec.training.model_copy(update={"initial_weights": weights})
    return resolved.model_copy(update={"spec": resolved.spec.model_copy(update={"training": training})})


def _parse(version: VersionFacts) -> ModelVersion:
    return ModelVersion.parse(json.loads(version.document))


def _model(version: VersionFacts) -> str | None:
    """Return the digest of the model; None where a Job runs whose spec this version of the operator cannot read."""
    try:
        return model_digest(_parse(version).spec)
    except UserError:
        return None
