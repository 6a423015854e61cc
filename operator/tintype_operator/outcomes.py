"""What an ended Pod says about its attempt, as a reason and a sentence. Pure."""

import json
import re
import signal
from dataclasses import dataclass
from typing import Final

from tintype_api.constants import FINAL_EXIT_CODES, ExitCode, Reason
from tintype_operator.conditions import Because
from tintype_operator.facts import ContainerEnd, JobFacts, PodFacts, VersionFacts

_REASON: Final = re.compile(r"(?=.{,256}$)[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?")
"""What Kubernetes takes for a condition's reason, at most as long as status holds."""
_SIGNAL_BASE: Final = 128
TOO_MANY_FAILURES: Final = "BackoffLimitExceeded"
"""Reason of a Job that failed since its Pods did, and not for an exit code that ends it."""
_DISRUPTIONS: Final = {
    "EvictionByEvictionAPI": (Reason.EVICTED, "was evicted, as kubectl drain does"),
    "TerminationByKubelet": (Reason.EVICTED, "was ended by its node"),
    "PreemptionByScheduler": (Reason.PREEMPTED, "gave way to a Pod of higher priority"),
    "DeletionByTaintManager": (Reason.NODE_LOST, "was deleted, since its node does not answer or does not tolerate it"),
    "DeletionByPodGC": (Reason.NODE_LOST, "was deleted, since its node is gone"),
}
"""Reasons of the condition DisruptionTarget, which Kubernetes gives to a Pod that something else ends."""
LOST_ANOTHER: Final = 2
_STOPS: Final = frozenset({Reason.MAX_DURATION_REACHED, Reason.STOPPED, Reason.NOTHING_TO_PUBLISH})
_REASONS: Final = {
    ExitCode.SPEC: Reason.INVALID_SPEC,
    ExitCode.DATA: Reason.DATA_ERROR,
    ExitCode.NOT_FOUND: Reason.NOT_FOUND,
    ExitCode.ENVIRONMENT: Reason.ENVIRONMENT,
}


@dataclass(frozen=True)
class Outcome:
    """How an attempt's Pod ended.

    Attributes:
        because: Reason and sentence.
        final: Whether no retry can help.
        interrupted: Whether it was ended from outside and does not count as a failure.
    """

    because: Because
    final: bool = False
    interrupted: bool = False


def outcome(pod: PodFacts, memory: str) -> Outcome:
    """Return how a failed Pod ended; `memory` is compute.memory."""
    if pod.disruption is not None:
        return Outcome(_disrupted(pod, pod.disruption), interrupted=True)
    if pod.end is None:
        return Outcome(_without_container(pod))
    if pod.end.exit_code == ExitCode.INTERRUPTED:
        return Outcome(Because(Reason.INTERRUPTED, f"Pod {pod.key.name} was told to end"), interrupted=True)
    return Outcome(_of_container(pod, pod.end, memory), final=pod.end.exit_code in list(FINAL_EXIT_CODES))


def stopped(pod: PodFacts) -> Because | None:
    """Return why the trainer of a Pod that ended well stopped before its plan did; None where it did not."""
    told = _termination_message(pod.end.message) if pod.end else None
    return told if told and told.reason in _STOPS else None


def distance_from_cause(pod: PodFacts) -> int:
    """Return how far a Pod that failed is from what ended all that train with it.

    0: something happened to it; 1: it was told to end, as one is that is evicted and all that train with it;
    LOST_ANOTHER: it says itself that it lost another.
    """
    told = _termination_message(pod.end.message) if pod.end else None
    if told is not None and told.reason == Reason.PEER_LOST:
        return LOST_ANOTHER
    return int(pod.disruption is None and pod.end is not None and pod.end.exit_code == ExitCode.INTERRUPTED)


def lost(pod: PodFacts) -> Outcome:
    """Return how a Pod ended whose node does not tell of it any more."""
    said = f"Pod {pod.key.name} has not ended though its time is over, so its node {pod.node} counts as lost"
    return Outcome(Because(Reason.NODE_LOST, said), interrupted=True)


def vanished(job: JobFacts) -> Outcome:
    """Return how Pods ended of which nobody tells any more; one that ends by itself stays with its Job."""
    said = f"a Pod of Job {job.key.name} was deleted before it was seen how it ended"
    return Outcome(Because(Reason.INTERRUPTED, said), interrupted=True)


def too_many_interruptions(last: Outcome | None, interruptions: int) -> Because:
    """Return why a version fails that was interrupted as often as runPolicy.maxInterruptions says.

    The limit may be lowered long after the last of its Pods that was interrupted has gone.
    """
    last_time = f"the last time: {last.because.message}; " if last is not None else ""
    return Because(
        Reason.TOO_MANY_INTERRUPTIONS,
        f"the training was interrupted {_times(interruptions)}, which runPolicy.maxInterruptions does not allow; "
        f"{last_time}find out what ends its Pods, or raise the limit, and apply it anew",
    )


def of_failed_job(job: JobFacts, last: Outcome | None, failures: int, backoff_limit: int) -> Because:
    """Return why a Job failed: the reason of its last Pod's failure, with the count where there were too many.

    Args:
        job: The Job.
        last: How its last Pod ended, if that is known.
        failures: Pods that crashed in all attempts.
        backoff_limit: runPolicy.backoffLimit.
    """
    if last is None:
        reason = job.failure_reason or Reason.CRASHED
        return Because(reason, f"Job {job.key.name} failed: {job.failure_message or 'it gives no reason'}")
    if last.final or job.failure_reason != TOO_MANY_FAILURES:
        return last.because
    return Because(
        last.because.reason,
        f"the trainer failed {_times(failures)}, more often than runPolicy.backoffLimit {backoff_limit} allows; "
        f"the last time: {last.because.message}",
    )


def retrying(version: VersionFacts, last: Outcome, failures: int) -> Because:
    """Return the sentence of the condition Retrying, for an outcome that is not final."""
    if last.interrupted:
        return Because(
            last.because.reason, f"{last.because.message}; a new Pod follows, and none of the retries is used"
        )
    used = f"{failures} of {version.backoff_limit} retries used"
    return Because(last.because.reason, f"{last.because.message} ({used})")


def _disrupted(pod: PodFacts, disruption: str) -> Because:
    reason, what = _DISRUPTIONS.get(disruption, (Reason.INTERRUPTED, "was ended from outside"))
    detail = f": {pod.message.rstrip('.')}" if pod.message else ""
    return Because(reason, f"Pod {pod.key.name} {what}{detail}")


def _of_container(pod: PodFacts, end: ContainerEnd, memory: str) -> Because:
    if end.reason == "OOMKilled":
        return Because(
            Reason.OOM_KILLED,
            f"the trainer was killed for using more than compute.memory {memory}; raise it or lower training.batchSize",
        )
    told = _termination_message(end.message)
    if told is not None:
        return told
    if end.exit_code in _REASONS:
        reason = _REASONS[ExitCode(end.exit_code)]
        return Because(reason, f"the trainer ended with exit code {end.exit_code} ({reason}); {_see_log(pod)}")
    number = end.signal or max(0, end.exit_code - _SIGNAL_BASE)
    if number == signal.SIGKILL and pod.ends_by is not None:
        said = f"Pod {pod.key.name} was told to end and had not saved its checkpoint when its time was over"
        return Because(Reason.KILLED, f"{said}; raise compute.terminationGracePeriodSeconds")
    if number:
        return Because(Reason.KILLED, f"the trainer was killed by signal {_signal_name(number)}; {_see_log(pod)}")
    return Because(Reason.CRASHED, f"the trainer ended with exit code {end.exit_code}; {_see_log(pod)}")


def _without_container(pod: PodFacts) -> Because:
    reason = pod.reason or Reason.CRASHED
    detail = f": {pod.message}" if pod.message else f"; see kubectl describe pod {pod.key.name} -n {pod.key.namespace}"
    return Because(reason, f"Pod {pod.key.name} failed before its container ended{detail}")


def _termination_message(text: str) -> Because | None:
    """Return what the trainer said, {exitCode, reason, message} as JSON; None where it said nothing of that form."""
    try:
        said = json.loads(text)
    except ValueError:
        return None
    if not isinstance(said, dict):
        return None
    reason, message = said.get("reason"), said.get("message")
    if not isinstance(reason, str) or not isinstance(message, str) or not _REASON.fullmatch(reason):
        return None
    return Because(reason, message)


def _see_log(pod: PodFacts) -> str:
    return f"see kubectl logs {pod.key.name} -n {pod.key.namespace}"


def _signal_name(number: int) -> str:
    try:
        return f"{number} ({signal.Signals(number).name})"
    except ValueError:
        return str(number)


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
