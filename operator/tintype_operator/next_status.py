"""The operator's part of status that follows from facts. Pure: nothing here reads a clock or a cluster."""

from collections.abc import Sequence

from tintype_api.constants import Condition, JobDeletion, Phase, Reason, Stage
from tintype_api.status import Comparison, JobReference, OperatorStatus
from tintype_operator import outcomes, waiting
from tintype_operator.attempt import Attempt
from tintype_operator.conditions import Because, Conditions, find, with_condition, without_truth
from tintype_operator.facts import PodFacts, VersionFacts
from tintype_operator.names import published_uri
from tintype_operator.reasons import WaitingReason

_STARTED = Because(WaitingReason.STARTED, "")
_ENDED = Because(WaitingReason.ENDED, "")
_RUNNING = frozenset(Phase(stage) for stage in Stage)


def waiting_for_job(version: VersionFacts, because: Because, model: str | None, now: str) -> OperatorStatus:
    """Return the status while no Job can be made."""
    conditions = _waits(version, version.status.conditions, because, now)
    return _with(version, phase=Phase.PENDING, model=model, conditions=conditions, job=None)


def suspended(version: VersionFacts, model: str | None, now: str) -> OperatorStatus:
    """Return the status while runPolicy.suspend keeps a version without a Job."""
    because = waiting.for_suspension(version)
    conditions = without_truth(
        version.status.conditions, Condition.RETRYING, because=because, now=now, generation=version.generation
    )
    conditions = _waits(version, conditions, because, now)
    return _with(version, phase=Phase.SUSPENDED, model=model, conditions=conditions, job=None)


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
    fields = _of_attempt(version, attempt) | {"job": _reference(attempt, attempt.current)}
    return _with(version, phase=_phase(version, attempt), model=model, conditions=conditions, **fields)


def to_be_deleted(
    version: VersionFacts, attempt: Attempt, why: JobDeletion, model: str | None, now: str
) -> OperatorStatus:
    """Return the status with which the operator says why it deletes the Job of an attempt, before it does."""
    pods = [attempt.current] if attempt.current else []
    conditions = _waits(
        version, _retries(version, attempt, now), waiting.for_deletion(why, attempt.job.key.name, pods), now
    )
    pod = attempt.current if why is JobDeletion.SUSPENSION else None
    job = _reference(attempt, pod).model_copy(update={"deleted_for": why})
    fields = _of_attempt(version, attempt) | {"job": job}
    phase = _phase(version, attempt) if why is JobDeletion.SUSPENSION else Phase.PENDING
    return _with(version, phase=phase, model=model, conditions=conditions, **fields)


def to_go_on_without(status: OperatorStatus) -> OperatorStatus:
    """Return a status of a Job that has failed, so that the next attempt follows though somebody deletes it first."""
    job = status.job.model_copy(update={"deleted_for": JobDeletion.BACKOFF}) if status.job else None
    return status.model_copy(update={"job": job})


def being_deleted(
    version: VersionFacts, named: JobReference, why: JobDeletion, pods: Sequence[PodFacts], now: str
) -> OperatorStatus:
    """Return the status while the operator's deletion of a Job takes its time.

    Args:
        version: The ModelVersion.
        named: The Job in status.
        why: Why it is deleted.
        pods: Its Pods that have not ended, oldest first, but for lost ones.
        now: The time.
    """
    taken_back = why is JobDeletion.SUSPENSION and not version.suspend
    because = waiting.for_deletion(JobDeletion.BACKOFF if taken_back else why, named.name, pods)
    conditions = _waits(version, version.status.conditions, because, now)
    leading = [pod for pod in pods if pod.leads and why is JobDeletion.SUSPENSION]
    pod = leading[-1] if leading else None
    job = named.model_copy(update={"pod_uid": pod.uid if pod else None})
    phase = _stage(version, pod) if pod and pod.running else version.status.phase
    return _with(version, phase=phase, conditions=conditions, job=job)


def published(version: VersionFacts, attempt: Attempt | None, stopped: Because | None, now: str) -> OperatorStatus:
    """Return the status of a published version; `stopped` says why it ended before its plan did, if it did."""
    if stopped is not None:
        return _ended(version, Phase.STOPPED, Condition.COMPLETE, stopped, attempt, now)
    uri = published_uri(version.output_uri, version.key.namespace, version.key.name)
    because = Because(Reason.PUBLISHED, f"published to {uri}")
    return _ended(version, Phase.SUCCEEDED, Condition.COMPLETE, because, attempt, now)


def stopped_untrained(version: VersionFacts, attempt: Attempt | None, now: str) -> OperatorStatus:
    """Return the status of a version that runPolicy.stop ends before anything was trained."""
    said = "runPolicy.stop is true and no checkpoint was saved yet: nothing is published"
    return _ended(version, Phase.STOPPED, Condition.COMPLETE, Because(Reason.NOTHING_TO_PUBLISH, said), attempt, now)


def failed(version: VersionFacts, because: Because, attempt: Attempt | None, now: str) -> OperatorStatus:
    """Return the status of a version that failed."""
    return _ended(version, Phase.FAILED, Condition.FAILED, because, attempt, now)


def observed(version: VersionFacts, comparison: Comparison | None) -> OperatorStatus:
    """Return the status of an ended version: as it was, with the generation that has been seen."""
    return _with(version, comparison=comparison)


def _ended(
    version: VersionFacts, phase: Phase, kind: Condition, because: Because, attempt: Attempt | None, now: str
) -> OperatorStatus:
    conditions = version.status.conditions
    for open_kind in (Condition.WAITING, Condition.RETRYING):
        conditions = without_truth(conditions, open_kind, because=_ENDED, now=now, generation=version.generation)
    conditions = with_condition(conditions, kind, true=True, because=because, now=now, generation=version.generation)
    completion = (attempt.job.completion_time if attempt else None) or now
    fields = (
        _of_attempt(version, attempt) | {"job": _reference(attempt, None)} if attempt else {"job": _fenced(version)}
    )
    return _with(version, phase=phase, conditions=conditions, completion_time=completion, **fields)


def _with(version: VersionFacts, **fields: object) -> OperatorStatus:
    return version.status.model_copy(update={"observed_generation": version.generation, **fields})


def _of_attempt(version: VersionFacts, attempt: Attempt) -> dict[str, object]:
    """Return the fields that tell of the attempts so far."""
    return {
        "attempt": attempt.number,
        "failures": attempt.tally.failures or None,
        "interruptions": attempt.tally.interruptions or None,
        "last_interrupted": attempt.tally.last_interrupted,
        "start_time": version.status.start_time or _first_start(attempt),
    }


def _fenced(version: VersionFacts) -> JobReference | None:
    job = version.status.job
    return None if job is None else job.model_copy(update={"pod_uid": None, "deleted_for": None})


def _reference(attempt: Attempt, pod: PodFacts | None) -> JobReference:
    return JobReference(
        name=attempt.job.key.name,
        uid=attempt.job.uid,
        pod_uid=pod.uid if pod else None,
        failures_before=attempt.failures_before or None,
    )


def _phase(version: VersionFacts, attempt: Attempt) -> Phase:
    pod = attempt.current
    if pod is not None and pod.running:
        return _stage(version, pod)
    if pod is None and attempt.job.suspended:
        return Phase.QUEUED
    if attempt.concluding and version.status.phase in _RUNNING:
        return version.status.phase
    return _stage(version, attempt.pods[-1]) if attempt.concluding and attempt.pods else Phase.PENDING


def _stage(version: VersionFacts, pod: PodFacts) -> Phase:
    """Return the stage of a Pod; before its first report, status still has that of an earlier one."""
    if version.reporter not in {None, pod.uid} or version.stage not in list(Stage):
        return Phase.PREPARING
    return Phase(version.stage)


def _why_nothing_runs(attempt: Attempt) -> Because | None:
    starting = next((pod for pod in attempt.expected if not pod.started_at), None)
    if starting is not None:
        return waiting.for_container(starting)
    lacks_pods = len(attempt.pods) < attempt.job.nodes and attempt.refusal is not None
    if attempt.job.suspended and attempt.current is None:
        return waiting.for_queue(attempt.job, attempt.workload, attempt.others_before)
    if lacks_pods or not attempt.pods:
        return waiting.for_pod(attempt.job, attempt.refusal)
    if attempt.current is not None or attempt.concluding:
        return None
    if attempt.is_group:
        return waiting.for_next_attempt(attempt.job, attempt.failures, attempt.tally.failures)
    return waiting.for_next_pod(attempt.job, attempt.failures, attempt.refusal)


def _retries(version: VersionFacts, attempt: Attempt, now: str) -> Conditions:
    """Return the conditions with Retrying: True from a Pod's end until the next one runs, in whatever attempt."""
    conditions = version.status.conditions
    before = find(conditions, Condition.RETRYING)
    runs = attempt.current is not None and attempt.current.running
    last = _last(version, attempt)
    if last is not None:
        because = outcomes.retrying(version, last, attempt.tally.failures)
    elif before is not None and runs:
        because = Because(before.reason, before.message)
    else:
        return conditions
    return with_condition(
        conditions, Condition.RETRYING, true=not runs, because=because, now=now, generation=version.generation
    )


def _last(version: VersionFacts, attempt: Attempt) -> outcomes.Outcome | None:
    """Return how the newest Pod of the attempt ended, after which another one follows; None where none has."""
    goes_on = attempt.job.failure_reason is not None if attempt.is_group else attempt.goes_on
    return attempt.outcome(version.memory) if goes_on or attempt.lost is not None else None


def _waits(version: VersionFacts, conditions: Conditions, because: Because, now: str) -> Conditions:
    return with_condition(
        conditions, Condition.WAITING, true=True, because=because, now=now, generation=version.generation
    )


def _first_start(attempt: Attempt) -> str | None:
    return min((pod.started_at for pod in attempt.pods if pod.started_at), default=None)
