"""The operator's part of status that follows from facts. Pure: nothing here reads a clock or a cluster."""

from dataclasses import dataclass

from tintype_api.constants import Condition, Phase, Reason, Stage
from tintype_api.status import JobReference, OperatorStatus
from tintype_operator import outcomes, waiting
from tintype_operator.conditions import Because, Conditions, with_condition, without_truth
from tintype_operator.facts import JobFacts, PodFacts, RefusalFacts, VersionFacts
from tintype_operator.names import published_uri
from tintype_operator.reasons import WaitingReason

_STARTED = Because(WaitingReason.STARTED, "")
_ENDED = Because(WaitingReason.ENDED, "")


@dataclass(frozen=True)
class Attempt:
    """The Job of the current attempt with what belongs to it.

    Attributes:
        number: The attempt, from 1.
        job: Its Job.
        pods: The Pods of that Job, oldest first.
        refusal: The latest Event about a Pod that the API server did not take, if any.
    """

    number: int
    job: JobFacts
    pods: tuple[PodFacts, ...]
    refusal: RefusalFacts | None

    @property
    def current(self) -> PodFacts | None:
        """The Pod that may run and report: the newest that has not ended."""
        return next((pod for pod in reversed(self.pods) if not pod.finished), None)

    @property
    def failures(self) -> tuple[PodFacts, ...]:
        """The Pods that failed, in the order of their ends."""
        failed = [pod for pod in self.pods if pod.phase == "Failed"]
        return tuple(sorted(failed, key=lambda pod: pod.end.finished_at if pod.end else pod.created_at))


def waiting_for_job(version: VersionFacts, because: Because, model: str | None, now: str) -> OperatorStatus:
    """Return the status while no Job can be made."""
    return _with(
        version,
        phase=Phase.PENDING,
        model=model,
        conditions=_waits(version, version.status.conditions, because, now),
    )


def following(version: VersionFacts, attempt: Attempt, model: str | None, now: str) -> OperatorStatus:
    """Return the status while the Job is under way."""
    conditions = _retries(version, attempt, now)
    because = _why_nothing_runs(attempt)
    if because is None:
        conditions = without_truth(
            conditions, Condition.WAITING, because=_STARTED, now=now, generation=version.generation
        )
    else:
        conditions = _waits(version, conditions, because, now)
    return _with(
        version,
        phase=_phase(version, attempt),
        model=model,
        conditions=conditions,
        job=_reference(attempt),
        attempt=attempt.number,
        start_time=version.status.start_time or _first_start(attempt),
    )


def published(version: VersionFacts, attempt: Attempt | None, stopped: Because | None, now: str) -> OperatorStatus:
    """Return the status of a published version; `stopped` says why it ended before its plan did, if it did."""
    if stopped is not None:
        return _ended(version, Phase.STOPPED, Condition.COMPLETE, stopped, attempt, now)
    uri = published_uri(version.output_uri, version.key.namespace, version.key.name)
    because = Because(Reason.PUBLISHED, f"published to {uri}")
    return _ended(version, Phase.SUCCEEDED, Condition.COMPLETE, because, attempt, now)


def failed(version: VersionFacts, because: Because, attempt: Attempt | None, now: str) -> OperatorStatus:
    """Return the status of a version that failed."""
    return _ended(version, Phase.FAILED, Condition.FAILED, because, attempt, now)


def observed(version: VersionFacts) -> OperatorStatus:
    """Return the status of an ended version: as it was, with the generation that has been seen."""
    return version.status.model_copy(update={"observed_generation": version.generation})


def _ended(
    version: VersionFacts, phase: Phase, kind: Condition, because: Because, attempt: Attempt | None, now: str
) -> OperatorStatus:
    conditions = version.status.conditions
    for open_kind in (Condition.WAITING, Condition.RETRYING):
        conditions = without_truth(conditions, open_kind, because=_ENDED, now=now, generation=version.generation)
    conditions = with_condition(conditions, kind, true=True, because=because, now=now, generation=version.generation)
    start = version.status.start_time or (_first_start(attempt) if attempt else None)
    completion = attempt.job.completion_time if attempt else None
    job = JobReference(name=attempt.job.key.name, uid=attempt.job.uid) if attempt else _fenced(version)
    return _with(
        version, phase=phase, conditions=conditions, job=job, start_time=start, completion_time=completion or now
    )


def _with(version: VersionFacts, **fields: object) -> OperatorStatus:
    given = {name: value for name, value in fields.items() if value is not None}
    return version.status.model_copy(update={"observed_generation": version.generation, **given})


def _fenced(version: VersionFacts) -> JobReference | None:
    job = version.status.job
    return None if job is None else JobReference(name=job.name, uid=job.uid)


def _reference(attempt: Attempt) -> JobReference:
    pod = attempt.current
    return JobReference(name=attempt.job.key.name, uid=attempt.job.uid, pod_uid=pod.uid if pod else None)


def _phase(version: VersionFacts, attempt: Attempt) -> Phase:
    pod = attempt.current
    if pod is not None and pod.running:
        return Phase(version.stage) if version.stage in list(Stage) else Phase.PREPARING
    if _between(attempt):
        return version.status.phase or Phase.PENDING
    return Phase.PENDING


def _between(attempt: Attempt) -> bool:
    """Whether the newest Pod's container ended, and the Job has yet to say what follows."""
    if not attempt.pods:
        return False
    pod = attempt.pods[-1]
    return pod.phase == "Succeeded" or (not pod.finished and pod.end is not None) or not _goes_on(attempt)


def _goes_on(attempt: Attempt) -> bool:
    """Whether the Job makes another Pod should the newest have failed."""
    job, failures = attempt.job, attempt.failures
    if job.failing or not failures or failures[-1] is not attempt.pods[-1]:
        return not job.failing
    last = outcomes.outcome(failures[-1], "")
    return not last.final and (last.interrupted or 0 < job.failed <= job.backoff_limit)


def _why_nothing_runs(attempt: Attempt) -> Because | None:
    pod = attempt.current
    if pod is not None:
        return None if pod.started_at else waiting.for_container(pod)
    if not attempt.pods:
        return waiting.for_pod(attempt.job, attempt.refusal)
    if _between(attempt):
        return None
    return waiting.for_next_pod(attempt.job, attempt.failures, attempt.refusal)


def _retries(version: VersionFacts, attempt: Attempt, now: str) -> Conditions:
    conditions, failures = version.status.conditions, attempt.failures
    if not failures or not _goes_on(attempt):
        return conditions
    because = outcomes.retrying(version, attempt.job, outcomes.outcome(failures[-1], version.memory))
    pod = attempt.current
    return with_condition(
        conditions,
        Condition.RETRYING,
        true=pod is None or not pod.running,
        because=because,
        now=now,
        generation=version.generation,
    )


def _waits(version: VersionFacts, conditions: Conditions, because: Because, now: str) -> Conditions:
    return with_condition(
        conditions, Condition.WAITING, true=True, because=because, now=now, generation=version.generation
    )


def _first_start(attempt: Attempt) -> str | None:
    return min((pod.started_at for pod in attempt.pods if pod.started_at), default=None)
