"""Kubernetes Events: at most one for a change of status, with the sentence that the condition holds. Pure."""

from dataclasses import dataclass
from typing import Final

from tintype_api.constants import API_VERSION, KIND, OPERATOR_FIELD_MANAGER, Condition
from tintype_api.status import OperatorStatus
from tintype_operator.conditions import find, holds, shortened
from tintype_operator.facts import Key
from tintype_operator.reasons import EventReason, WaitingReason

_MESSAGE_LENGTH: Final = 1024
_PASSING: Final = frozenset(
    {WaitingReason.POD_PENDING, WaitingReason.SCHEDULING, WaitingReason.CONTAINER_STARTING, WaitingReason.BACKOFF}
)
"""Waits of every run, or told of by the condition Retrying."""
_ASKED_FOR: Final = frozenset({WaitingReason.SUSPENDING, WaitingReason.SUSPENDED, WaitingReason.QUEUED})
"""Waits that somebody wants."""


@dataclass(frozen=True)
class Happening:
    """What an Event tells; `warning` where it is not as it should be."""

    reason: str
    message: str
    warning: bool


def transition(before: OperatorStatus, after: OperatorStatus) -> Happening | None:
    """Return what the change of status is worth telling: the weightiest thing, or None."""
    for kind, warning in ((Condition.FAILED, True), (Condition.COMPLETE, False), (Condition.RETRYING, True)):
        now = find(after.conditions, kind)
        if now is not None and now.status == "True" and not holds(before.conditions, kind):
            return Happening(now.reason, now.message, warning)
    waiting = _new_wait(before, after)
    if waiting is not None:
        return waiting
    if after.job is not None and (before.job is None or before.job.uid != after.job.uid):
        return Happening(EventReason.JOB_CREATED, f"Job {after.job.name} was created", warning=False)
    return None


def event(version: Key, uid: str, happening: Happening, now: str) -> dict[str, object]:
    """Return the Event about a ModelVersion."""
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"generateName": f"{version.name}.", "namespace": version.namespace},
        "involvedObject": {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "name": version.name,
            "namespace": version.namespace,
            "uid": uid,
        },
        "type": "Warning" if happening.warning else "Normal",
        "reason": happening.reason,
        "message": shortened(happening.message, _MESSAGE_LENGTH),
        "source": {"component": OPERATOR_FIELD_MANAGER},
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    }


def _new_wait(before: OperatorStatus, after: OperatorStatus) -> Happening | None:
    was, now = find(before.conditions, Condition.WAITING), find(after.conditions, Condition.WAITING)
    if now is None or now.status != "True" or now.reason in _PASSING:
        return None
    if was is not None and was.status == "True" and was.reason == now.reason:
        return None
    return Happening(now.reason, now.message, warning=now.reason not in _ASKED_FOR)
