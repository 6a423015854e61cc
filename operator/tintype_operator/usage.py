"""Where the time of a version and of its GPUs went: kept in status, to outlive the operator and the Pods. Pure.

Phases are counted when they change. Pods are counted once each, when they have ended: they follow each other, so that
only the newest that was counted needs to be remembered; those that train together are counted together.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from tintype_api.constants import TERMINAL_PHASES, Condition, Phase, PodOutcome, Reason
from tintype_api.status import EndedPods, InterruptedPod, OperatorStatus, Usage
from tintype_operator import outcomes
from tintype_operator.attempt import PREFLIGHT, is_lost
from tintype_operator.clock import seconds_between
from tintype_operator.conditions import find
from tintype_operator.decisions import Facts
from tintype_operator.facts import PodFacts, VersionFacts
from tintype_operator.names import job_name

MOST_REASONS: Final = 24
"""Ways to end that are told apart; a trainer's own reasons could be any number."""
OTHER: Final = "Other"


def account(facts: Facts, status: OperatorStatus, now: str) -> OperatorStatus:
    """Return a status that is about to be written, with the phase that it ends and the Pods that have ended."""
    version = facts.version
    if version.ended:
        return status
    usage = status.usage or Usage()
    # Older Pods are those of an earlier version of the same name.
    own = [pod for pod in facts.pods if pod.created_at >= version.created_at]
    counted = _with_phase(_with_pods(usage, version, own, status, now), version, status, now)
    return status if counted == usage else status.model_copy(update={"usage": counted})


def phase_seconds(version: VersionFacts, now: str) -> dict[Phase, float]:
    """Return for how long a version was in each phase, the present one included."""
    usage, phase = version.status.usage or Usage(), version.status.phase
    seconds = {Phase(name): float(number) for name, number in usage.phases.items() if name in list(Phase)}
    if usage.since is not None and phase is not None and not version.ended:
        seconds[phase] = seconds.get(phase, 0.0) + seconds_between(usage.since, now)
    return seconds


def _with_phase(usage: Usage, version: VersionFacts, status: OperatorStatus, now: str) -> Usage:
    before, after = version.status.phase, status.phase
    if after == before or after is None:
        return usage
    # A version waits from its creation on. Since when it is as an older operator has left it is not known.
    since = usage.since or (version.created_at if before is None else None)
    if before is None and after is Phase.PENDING:
        return usage.model_copy(update={"since": since})
    left = before or Phase.PENDING
    phases = dict(usage.phases)
    if since:
        phases[str(left)] = phases.get(str(left), 0) + round(seconds_between(since, now))
    if after in TERMINAL_PHASES:
        return usage.model_copy(update={"since": None, "last_pod": None, "phases": phases})
    return usage.model_copy(update={"since": now, "phases": phases})


def _with_pods(
    usage: Usage, version: VersionFacts, pods: Sequence[PodFacts], status: OperatorStatus, now: str
) -> Usage:
    over = status.phase in TERMINAL_PHASES
    last = usage.last_pod
    news = [pod for pod in _ended(pods, now, over=over) if last is None or _order(pod) > (last.created_at, last.uid)]
    if not news:
        return usage
    table = {(one.outcome, one.reason): one for one in usage.pods}
    for pod in news:
        outcome, reason = _how(pod, status, now)
        if (outcome, reason) not in table and len(table) >= MOST_REASONS:
            reason = OTHER
        seconds = _seconds(pod, now)
        before = table.get((outcome, reason))
        table[outcome, reason] = EndedPods(
            outcome=outcome,
            reason=reason,
            count=(before.count if before else 0) + 1,
            seconds=(before.seconds if before else 0) + seconds,
            gpu_seconds=(before.gpu_seconds if before else 0) + seconds * _gpus(version, pod),
        )
    newest = max(news, key=_order)
    last = InterruptedPod(uid=newest.uid, created_at=newest.created_at)
    return usage.model_copy(update={"pods": tuple(table.values()), "last_pod": last})


def _ended(pods: Sequence[PodFacts], now: str, *, over: bool) -> Iterable[PodFacts]:
    """Return the Pods whose time is over; of those that train together none before all are."""
    going = [pod for pod in pods if not (pod.finished or pod.end or is_lost(pod, now))]
    if over:
        return pods
    waited_for = {pod.job_uid for pod in going if pod.index is not None}
    return [pod for pod in pods if pod not in going and (pod.index is None or pod.job_uid not in waited_for)]


def _order(pod: PodFacts) -> tuple[str, str]:
    return pod.created_at, pod.uid


def _how(pod: PodFacts, status: OperatorStatus, now: str) -> tuple[PodOutcome, str]:
    if pod.phase == "Succeeded" or (pod.end is not None and pod.end.exit_code == 0):
        stopped = outcomes.stopped(pod)
        return PodOutcome.PUBLISHED, stopped.reason if stopped else Reason.PUBLISHED
    if pod.finished or pod.end is not None:
        ended = outcomes.outcome(pod, "")
    elif is_lost(pod, now):
        ended = outcomes.lost(pod)
    else:
        return _of_version(status)
    return (PodOutcome.INTERRUPTION if ended.interrupted else PodOutcome.FAILURE), ended.because.reason


def _of_version(status: OperatorStatus) -> tuple[PodOutcome, str]:
    """Return how a Pod ends whose version has ended before it."""
    failed = find(status.conditions, Condition.FAILED)
    return (PodOutcome.FAILURE, failed.reason) if failed else (PodOutcome.PUBLISHED, Reason.PUBLISHED)


def _seconds(pod: PodFacts, now: str) -> int:
    if pod.started_at is None:
        return 0
    lost_at = pod.ends_by if is_lost(pod, now) else None
    return round(seconds_between(pod.started_at, (pod.end.finished_at if pod.end else lost_at) or now))


def _gpus(version: VersionFacts, pod: PodFacts) -> int:
    """Return the GPUs that a Pod holds; that of a preflight holds none."""
    prepares = pod.key.name.startswith(f"{job_name(version.key.name, PREFLIGHT)}-")
    return 0 if prepares else version.gpus
