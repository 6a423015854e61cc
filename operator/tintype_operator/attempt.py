"""The Job of an attempt with its Pods, and how often Pods crashed or were interrupted so far. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from tintype_api.status import InterruptedPod, OperatorStatus
from tintype_operator import outcomes
from tintype_operator.decisions import Facts
from tintype_operator.facts import JobFacts, PodFacts, RefusalFacts, VersionFacts, WorkloadFacts
from tintype_operator.names import job_name
from tintype_operator.outcomes import Outcome

PREFLIGHT: Final = 0
"""The number of the attempt that only prepares the data set, without a GPU."""
LOST_AFTER: Final = timedelta(seconds=30)
"""How long after the end of its grace a Pod counts as lost: its node does not tell of it any more."""


@dataclass(frozen=True)
class Tally:
    """What has been counted over all attempts.

    Attributes:
        failures: Pods that crashed.
        interruptions: Pods that were ended from outside.
        last_interrupted: The one of them that was counted last.
    """

    failures: int
    interruptions: int
    last_interrupted: InterruptedPod | None


@dataclass(frozen=True)
class Attempt:
    """The Job of an attempt with what belongs to it.

    Attributes:
        number: The attempt, from 1; 0 is the preflight.
        job: Its Job.
        pods: The Pods of that Job, oldest first.
        refusal: The latest Event about a Pod that the API server did not take, if any.
        workload: What the queue knows of the Job, if it is in one.
        others_before: How many wait before it in the queue, where that is known.
        failures_before: Pods that crashed in earlier attempts.
        lost: The Pod that should have ended and does not, if there is one.
        tally: All that has been counted, this attempt included.
    """

    number: int
    job: JobFacts
    pods: tuple[PodFacts, ...]
    refusal: RefusalFacts | None
    workload: WorkloadFacts | None
    others_before: int | None
    failures_before: int
    lost: PodFacts | None
    tally: Tally

    @property
    def is_preflight(self) -> bool:
        """Whether it only prepares the data set."""
        return self.number == PREFLIGHT

    @property
    def is_group(self) -> bool:
        """Whether several Pods train together, so that all end when one does."""
        return self.job.nodes > 1

    @property
    def current(self) -> PodFacts | None:
        """The Pod that may run and report: the newest that has not ended and is not lost."""
        return next((pod for pod in reversed(self.under_way) if pod.leads), None)

    @property
    def under_way(self) -> tuple[PodFacts, ...]:
        """The Pods that have not ended and are not lost."""
        return tuple(pod for pod in self.pods if not pod.finished and pod is not self.lost)

    @property
    def expected(self) -> tuple[PodFacts, ...]:
        """The Pods that should run now, by their index."""
        if self.is_group:
            return tuple(sorted(self.under_way, key=lambda pod: pod.index or 0))
        return (self.current,) if self.current else ()

    @property
    def failures(self) -> tuple[PodFacts, ...]:
        """The Pods that failed, in the order in which they did."""
        return _failed(self.pods, self.job)

    @property
    def last_failure(self) -> PodFacts | None:
        """The Pod whose failure counts: the newest, or of several that train together the first that had a reason."""
        return _last_failure(self.failures, self.job)

    @property
    def vanished(self) -> bool:
        """Whether the Pod that ended all that trained together is gone, and left nothing that says how."""
        return _vanished(self.pods, self.job)

    def outcome(self, memory: str) -> Outcome | None:
        """Return how the Pod ended whose failure counts, or the lost one; None where none has."""
        if self.lost is not None:
            return outcomes.lost(self.lost)
        if self.vanished:
            return outcomes.vanished(self.job)
        return outcomes.outcome(self.last_failure, memory) if self.last_failure else None

    @property
    def concluding(self) -> bool:
        """Whether the newest Pod's container ended, and the Job has yet to say what follows."""
        if self.is_group:
            ended = any(pod.leads and (pod.finished or pod.end is not None) for pod in self.pods)
            waits = self.job.suspended or self.job.failure_reason is not None
            return not waits and (self.job.failing or bool(self.failures) or ended)
        if not self.pods or (self.job.suspended and self.pods[-1].phase != "Succeeded"):
            return False
        pod = self.pods[-1]
        return pod.phase == "Succeeded" or (not pod.finished and pod.end is not None) or not self.goes_on

    @property
    def goes_on(self) -> bool:
        """Whether the Job makes another Pod should the newest have failed."""
        job, failures = self.job, self.failures
        if self.is_group:
            return False
        if job.failing or not failures or failures[-1] is not self.pods[-1]:
            return not job.failing
        last = outcomes.outcome(failures[-1], "")
        return not last.final and (last.interrupted or _crashes(failures) <= job.failed <= job.backoff_limit)


def attempt_of(facts: Facts, job: JobFacts, now: str) -> Attempt:
    """Return the attempt of a Job: the one that status names, or the next one."""
    status = facts.version.status
    named = status.job if status.job and status.job.uid == job.uid else None
    before = (named.failures_before if named else status.failures) or 0
    pods = tuple(
        sorted((pod for pod in facts.pods if pod.job_uid == job.uid), key=lambda pod: (pod.created_at, pod.uid))
    )
    refused = sorted((one for one in facts.refusals if one.job_uid == job.uid), key=lambda one: one.resource_version)
    lost = next((pod for pod in pods if is_lost(pod, now)), None)
    return Attempt(
        number=_number(facts.version, job, named=named is not None),
        job=job,
        pods=pods,
        refusal=refused[-1] if refused else None,
        workload=next((one for one in facts.workloads if one.job_uid == job.uid), None),
        others_before=facts.others_before,
        failures_before=before,
        lost=lost,
        tally=_tally(status, job, pods, lost, before),
    )


def next_number(version: VersionFacts) -> int:
    """Return the number of the attempt after the latest; 0 for the preflight, which is repeated until it is done."""
    status = version.status
    if version.preflight and not status.prepared and not status.attempt:
        return PREFLIGHT
    return (status.attempt or 0) + 1


def is_lost(pod: PodFacts, now: str) -> bool:
    """Return whether a Pod should have ended long ago and nobody says that it has."""
    left = seconds_until_lost(pod, now)
    return left is not None and left <= 0


def seconds_until_lost(pod: PodFacts, now: str) -> float | None:
    """Return in how many seconds a Pod is lost; None where it has ended, or nobody has told it to."""
    if pod.finished or pod.ends_by is None:
        return None
    # deletionTimestamp holds the grace already: it is the time at which the kubelet kills what still runs.
    return (datetime.fromisoformat(pod.ends_by) + LOST_AFTER - datetime.fromisoformat(now)).total_seconds()


def _number(version: VersionFacts, job: JobFacts, *, named: bool) -> int:
    if job.key.name == job_name(version.key.name, PREFLIGHT):
        return PREFLIGHT
    return version.status.attempt or 1 if named else next_number(version)


def _tally(
    status: OperatorStatus, job: JobFacts, pods: tuple[PodFacts, ...], lost: PodFacts | None, before: int
) -> Tally:
    """Count each interrupted Pod once; the Job itself counts crashes.

    Only the Pod that was counted last is remembered, since Pods follow each other: an older one is no news. One
    that has vanished needs no memory: status names the next attempt, or none, as soon as it has been counted. Pods
    that end since the operator itself deletes their Job are not interrupted.
    """
    failed, vanished = _failed(pods, job), _vanished(pods, job)
    if job.nodes > 1:
        # Of Pods that end together one counts, and which one is known once all have ended.
        known = job.failure_reason is not None and not vanished
        first = _last_failure(failed, job) if known else None
        failed = () if first is None else (first,)
    interrupted = [pod for pod in failed if outcomes.outcome(pod, "").interrupted] + ([lost] if lost else [])
    crashes = _crashes(failed) if job.nodes > 1 else max(job.failed, _crashes(failed))
    deleted = status.job is not None and status.job.uid == job.uid and status.job.deleted_for is not None
    news = [pod for pod in interrupted if not deleted and _is_news(pod, status.last_interrupted)]
    last = max(news, key=lambda pod: pod.created_at, default=None)
    return Tally(
        failures=max(status.failures or 0, before + crashes),
        interruptions=(status.interruptions or 0) + len(news) + (vanished and not deleted),
        last_interrupted=InterruptedPod(uid=last.uid, created_at=last.created_at) if last else status.last_interrupted,
    )


def _is_news(pod: PodFacts, last: InterruptedPod | None) -> bool:
    return last is None or (pod.uid != last.uid and pod.created_at >= last.created_at)


def _crashes(failed: tuple[PodFacts, ...]) -> int:
    return sum(not outcomes.outcome(pod, "").interrupted for pod in failed)


def _last_failure(failed: tuple[PodFacts, ...], job: JobFacts) -> PodFacts | None:
    if job.nodes == 1:
        return failed[-1] if failed else None
    return min(failed, key=outcomes.distance_from_cause, default=None)


def _vanished(pods: tuple[PodFacts, ...], job: JobFacts) -> bool:
    if job.nodes == 1 or len(pods) >= job.nodes or job.failure_reason != outcomes.TOO_MANY_FAILURES:
        return False
    return all(outcomes.distance_from_cause(pod) == outcomes.LOST_ANOTHER for pod in _failed(pods, job))


def _failed(pods: tuple[PodFacts, ...], job: JobFacts) -> tuple[PodFacts, ...]:
    failed = tuple(pod for pod in pods if pod.phase == "Failed")
    # One follows the other, or all run at once: only then must nodes' clocks, which may differ, say who was first.
    return failed if job.nodes == 1 else tuple(sorted(failed, key=lambda pod: pod.ended_at))
