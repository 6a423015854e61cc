"""From facts to a decision: what to look up, create, patch, delete, and the next status. Pure; the operator's core.

`decide` is asked again after each look-up or creation, with what came of it, until it settles on a status.
"""

import json
from dataclasses import replace
from typing import Final

from tintype_api.constants import ExitCode, JobDeletion, Reason
from tintype_api.errors import UserError
from tintype_api.modelversion import ModelVersion, model_digest, resolve
from tintype_api.spec.run import Storage
from tintype_api.spec.training import InitialWeights
from tintype_api.status import JobReference, OperatorStatus
from tintype_operator import next_status, outcomes, waiting
from tintype_operator.attempt import PREFLIGHT, Attempt, attempt_of, is_lost, next_number, seconds_until_lost
from tintype_operator.comparing import compare
from tintype_operator.conditions import Because
from tintype_operator.decisions import (
    CreateJob,
    Decision,
    Facts,
    JobPatch,
    LookUpJob,
    LookUpPods,
    LookUpQueue,
    Rest,
    Settle,
)
from tintype_operator.facts import JobFacts, VersionFacts
from tintype_operator.names import job_name, published_uri
from tintype_operator.obstacles import earlier_run, unpublished_weights
from tintype_operator.usage import account

ORDER_OF_QUEUE_S: Final = 60.0
"""After so many seconds the place in a queue is looked up again."""


def decide(facts: Facts, storage: Storage, now: str) -> Decision:
    """Return what follows from the facts.

    Args:
        facts: What is known.
        storage: The operator's defaults of storage.
        now: The time, RFC 3339, for transitions.
    """
    decision = _decide(facts, storage, now)
    if isinstance(decision, Settle):
        return replace(decision, status=account(facts, decision.status, now))
    return decision


def _decide(facts: Facts, storage: Storage, now: str) -> Decision:
    version = facts.version
    if version.deleting:
        return Rest()
    if version.ended:
        return _after_end(facts)
    named = version.status.job
    if named is None or named.uid is None:
        return _begin(facts, storage, now)
    if named.deleted_for is not None:
        return _until_deleted(facts, named, named.deleted_for, storage, now)
    return _follow(facts, named.name, named.uid, storage, now)


def _begin(facts: Facts, storage: Storage, now: str) -> Decision:
    """Begin the next attempt, unless something else is asked for or is in the way."""
    version = facts.version
    name = job_name(version.key.name, next_number(version))
    own = next((job for job in facts.jobs if job.key.name == name and job.owner_uid == version.uid), None)
    if own is not None and not own.deleting:
        return _follow(facts, own.key.name, own.uid, storage, now)
    if own is not None and next_number(version) == PREFLIGHT and _hangs_on_lost_pods(facts, own, now):
        # Its name is taken for as long as the node is silent: the training prepares the data set by itself.
        return _begin(_prepared(facts), storage, now)
    if version.published:
        return _settle(facts, next_status.published(version, None, None, now), None)
    try:
        resolved = resolve(_parse(version), storage)
    except UserError as error:
        return _fail(facts, Because(error.reason, error.message), None, now)
    return _begin_resolved(facts, resolved, own, now)


def _begin_resolved(facts: Facts, resolved: ModelVersion, own: JobFacts | None, now: str) -> Decision:
    """Create the Job of the next attempt, or say why not; `own` is an earlier one of its name, being deleted."""
    version = facts.version
    if version.stop and not version.checkpoint:
        return _settle(facts, next_status.stopped_untrained(version, None, now), None)
    model = model_digest(resolved.spec)
    if version.suspend:
        return _settle(facts, next_status.suspended(version, model, now), own)
    running = [pod for pod in facts.pods if not is_lost(pod, now)]
    obstacle = facts.obstacle or earlier_run(running, own) or unpublished_weights(version, facts.weights_from)
    if obstacle is None and version.queue is not None and not facts.queue_looked_up:
        return LookUpQueue(version.queue, version.queue_priority)
    if obstacle is None:
        return _create(facts, resolved, model)
    if obstacle.final:
        return _fail(facts, obstacle.because, None, now)
    status = next_status.waiting_for_job(version, obstacle.because, model, now)
    return replace(_settle(facts, status, own), again=True)


def _create(facts: Facts, resolved: ModelVersion, model: str) -> CreateJob:
    version = facts.version
    number = next_number(version)
    backoff_limit = max(0, version.backoff_limit - (version.status.failures or 0))
    if number != PREFLIGHT and resolved.spec.compute.nodes > 1:
        backoff_limit = 0  # Kubernetes would replace one Pod of several; all of them start anew, in the next attempt.
    whole = _with_weights(resolved, facts.weights_from)
    return CreateJob(whole, job_name(version.key.name, number), number, model, backoff_limit)


def _follow(facts: Facts, name: str, uid: str, storage: Storage, now: str) -> Decision:
    job = next((one for one in facts.jobs if one.uid == uid), None)
    if job is None:
        return _without_job(facts, name, now)
    attempt = attempt_of(facts, job, now)
    if job.complete and attempt.is_preflight:
        return _begin(_prepared(facts), storage, now)
    if job.complete:
        return _complete(facts, attempt, now)
    if job.failure_reason is None:
        return _under_way(facts, attempt, now)
    return _job_failed(facts, attempt, storage, now)


def _hangs_on_lost_pods(facts: Facts, job: JobFacts, now: str) -> bool:
    lost = [is_lost(pod, now) for pod in facts.pods if pod.job_uid == job.uid]
    return any(lost) and all(lost)


def _prepared(facts: Facts) -> Facts:
    """Return the facts of a version whose preflight is done, so that its first attempt follows."""
    status = facts.version.status.model_copy(update={"attempt": None, "prepared": True})
    return replace(facts, version=replace(facts.version, status=status))


def _complete(facts: Facts, attempt: Attempt, now: str) -> Decision:
    """Settle on the end that the trainer's last message tells: by its plan, or stopped before."""
    ended = [pod for pod in attempt.pods if pod.leads and pod.end is not None and pod.end.exit_code == ExitCode.OK]
    if not ended and not facts.pods_looked_up:
        return LookUpPods(attempt.job)
    stopped = outcomes.stopped(ended[-1]) if ended else None
    return _settle(facts, next_status.published(facts.version, attempt, stopped, now), attempt.job)


def _job_failed(facts: Facts, attempt: Attempt, storage: Storage, now: str) -> Decision:
    unseen = attempt.current is not None or len(attempt.failures) < max(1, attempt.job.failed)
    if not facts.pods_looked_up and (attempt.is_group or unseen):
        return LookUpPods(attempt.job)
    version = facts.version
    if version.published:
        return _settle(facts, next_status.published(version, attempt, None, now), attempt.job)
    last = attempt.outcome(version.memory)
    if attempt.is_group and last is not None and not last.final:
        if last.interrupted and attempt.tally.interruptions >= version.max_interruptions:
            return _fail(facts, _interrupted_too_often(attempt), attempt, now)
        if last.interrupted or attempt.tally.failures <= version.backoff_limit:
            return _all_again(facts, attempt, last, storage, now)
    because = outcomes.of_failed_job(attempt.job, last, attempt.tally.failures, version.backoff_limit)
    return _fail(facts, because, attempt, now)


def _all_again(facts: Facts, attempt: Attempt, last: outcomes.Outcome, storage: Storage, now: str) -> Decision:
    """Follow up an attempt whose Pods ended together: by another one, after a while where one of them crashed."""
    version = facts.version
    status = next_status.following(version, attempt, _model(version), now)
    left_s = 0.0
    if not last.interrupted and not version.suspend:
        left_s = waiting.seconds_until_next_attempt(attempt.failures, attempt.tally.failures, now)
    if left_s > 0:
        status = next_status.to_go_on_without(status)
        return replace(_settle(facts, status, attempt.job), again_in_s=left_s)
    return _begin(replace(facts, version=replace(version, status=status)), storage, now)


def _under_way(facts: Facts, attempt: Attempt, now: str) -> Settle:
    version = facts.version
    if attempt.lost is None and attempt.concluding:
        return _reflect(facts, attempt, now)
    if attempt.lost is not None and attempt.job.deleting:
        return _fail(facts, _deleted_by_hand(attempt.job.key.name), attempt, now)
    if attempt.tally.interruptions >= version.max_interruptions:
        return _fail(facts, _interrupted_too_often(attempt), attempt, now)
    trains = attempt.current is not None and attempt.current.running and not attempt.is_preflight
    if version.stop and not version.checkpoint and not trains:
        return _settle(facts, next_status.stopped_untrained(version, attempt, now), None)
    why = _why_deleted(version, attempt)
    return _reflect(facts, attempt, now) if why is None else _delete(facts, attempt, why, now)


def _why_deleted(version: VersionFacts, attempt: Attempt) -> JobDeletion | None:
    """Return why the Job of an attempt is to be deleted; None where it is not."""
    if attempt.lost is not None:
        return JobDeletion.LOST_NODE
    if version.suspend:
        return JobDeletion.SUSPENSION
    return JobDeletion.BACKOFF if _waits_long(attempt) else None


def _waits_long(attempt: Attempt) -> bool:
    """Return whether another attempt would start earlier than the Job's next Pod; in a queue it would not."""
    if attempt.job.queue or attempt.job.suspended or attempt.job.managed_elsewhere:
        return False
    waits = attempt.current is None and bool(attempt.failures)
    return waits and waiting.backoff(len(attempt.failures)) > waiting.LONGEST_BACKOFF


def _interrupted_too_often(attempt: Attempt) -> Because:
    ended = attempt.outcome("")
    known = ended if ended is not None and ended.interrupted else None
    return outcomes.too_many_interruptions(known, attempt.tally.interruptions)


def _reflect(facts: Facts, attempt: Attempt, now: str) -> Settle:
    """Let status say how the Job is doing, and pass on to it what runPolicy says."""
    version, job = facts.version, attempt.job
    settle = _settle(facts, next_status.following(version, attempt, _model(version), now), job)
    backoff_limit = 0 if attempt.is_group else max(0, version.backoff_limit - attempt.failures_before)
    patch = None if job.backoff_limit == backoff_limit else JobPatch(job, backoff_limit=backoff_limit)
    due = _due(facts, now) if facts.others_before is None else ORDER_OF_QUEUE_S
    return replace(settle, access=version.service_account, patch=patch, again_in_s=due)


def _delete(facts: Facts, attempt: Attempt, why: JobDeletion, now: str) -> Settle:
    version, job = facts.version, attempt.job
    status = next_status.to_be_deleted(version, attempt, why, _model(version), now)
    if why is not JobDeletion.SUSPENSION:
        return _settle(facts, status, None)
    delete = None if job.deleting else job
    settle = _settle(facts, status, job)
    return replace(settle, access=version.service_account, delete_after_pods=delete, again_in_s=_due(facts, now))


def _until_deleted(facts: Facts, named: JobReference, why: JobDeletion, storage: Storage, now: str) -> Decision:
    """Wait until the Pods of a Job that the operator deletes are gone, but for lost ones; then go on."""
    version = facts.version
    job = next((one for one in facts.jobs if one.uid == named.uid), None)
    if job is None and not facts.job_is_gone:
        return LookUpJob(named.name)
    if job is not None and (job.complete or job.failure_reason is not None):
        return _follow(facts, job.key.name, job.uid, storage, now)
    pods = [pod for pod in facts.pods if pod.job_uid == named.uid and not is_lost(pod, now)]
    left = sorted((pod for pod in pods if not pod.finished), key=lambda pod: (pod.created_at, pod.uid))
    if job is None and not left:
        return _begin(facts, storage, now)
    if job is not None and job.deleting and not pods:
        # The Job may stay for long after its Pods: for a lost one, or for whoever else has a finalizer on it.
        return _begin(facts, storage, now) if facts.pods_looked_up else LookUpPods(job)
    settle = replace(
        _settle(facts, next_status.being_deleted(version, named, why, left, now), job), again_in_s=_due(facts, now)
    )
    return settle if job is None or job.deleting else _deleted_again(settle, job, why)


def _deleted_again(settle: Settle, job: JobFacts, why: JobDeletion) -> Settle:
    if why is JobDeletion.SUSPENSION:
        return replace(settle, delete_after_pods=job)
    return replace(settle, delete=(*settle.delete, job))


def _without_job(facts: Facts, name: str, now: str) -> Decision:
    if not facts.job_is_gone:
        return LookUpJob(name)
    if facts.version.published:
        return _settle(facts, next_status.published(facts.version, None, None, now), None)
    return _fail(facts, _deleted_by_hand(name), None, now)


def _deleted_by_hand(job: str) -> Because:
    said = f"Job {job} was deleted before it ended; delete this ModelVersion and apply it again to train it"
    return Because(Reason.JOB_DELETED, said)


def _after_end(facts: Facts) -> Settle:
    """Set the TTL of an ended version's Job, or delete a Job that would go on."""
    version = facts.version
    named = version.status.job.uid if version.status.job else None
    job = next((one for one in facts.jobs if one.uid == named), None)
    finished = job is not None and (job.complete or job.failure_reason is not None)
    status = next_status.observed(version, compare(version, facts.siblings))
    settle = _settle(facts, status, job if finished else None)
    if job is None or not finished or job.deleting or job.ttl_seconds == version.ttl_seconds:
        return settle
    return replace(settle, patch=JobPatch(job, ttl_seconds=version.ttl_seconds))


def _fail(facts: Facts, because: Because, attempt: Attempt | None, now: str) -> Settle:
    status = next_status.failed(facts.version, because, attempt, now)
    ended = attempt is not None and attempt.job.failure_reason is not None
    return _settle(facts, status, attempt.job if attempt and ended else None)


def _settle(facts: Facts, status: OperatorStatus, job: JobFacts | None) -> Settle:
    """Return what is written for a status, and which Jobs go: all but one."""
    others = (one for one in facts.jobs if one.owner_uid == facts.version.uid and one is not job)
    delete = tuple(one for one in others if not one.deleting)
    return Settle(status, model_label=status.model or facts.version.model_label, delete=delete)


def _due(facts: Facts, now: str) -> float | None:
    """Return the seconds until the next Pod of this version counts as lost, if one may."""
    left = (seconds_until_lost(pod, now) for pod in facts.pods)
    return min((seconds for seconds in left if seconds is not None and seconds > 0), default=None)


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
    if version.status.model is not None:
        return version.status.model
    try:
        return model_digest(_parse(version).spec)
    except UserError:
        return None
