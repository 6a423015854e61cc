"""Which changes of status are told in Kubernetes Events."""

import pytest

from tintype_api.constants import Condition
from tintype_api.status import JobReference, OperatorStatus, StatusCondition
from tintype_operator.events import Happening, event, transition
from tintype_operator.facts import Key

NOW = "2026-11-24T12:00:00Z"
JOB = JobReference(name="bottles-1-1", uid="job-uid")


def condition(kind: Condition, reason: str, *, true: bool = True) -> StatusCondition:
    status = "True" if true else "False"
    return StatusCondition(type=kind, status=status, reason=reason, message=f"{reason}.", last_transition_time=NOW)


def status(*conditions: StatusCondition, job: JobReference | None = JOB) -> OperatorStatus:
    return OperatorStatus(conditions=conditions, job=job)


FAILED = condition(Condition.FAILED, "DataError")
QUOTA = condition(Condition.WAITING, "PodRefused")
SCHEDULING = condition(Condition.WAITING, "Scheduling")
RETRYING = condition(Condition.RETRYING, "OOMKilled")


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        pytest.param(status(job=None), status(SCHEDULING), "JobCreated", id="job"),
        pytest.param(status(SCHEDULING), status(SCHEDULING), None, id="nothing new"),
        pytest.param(status(), status(SCHEDULING), None, id="waits of every run"),
        pytest.param(status(SCHEDULING), status(QUOTA), "PodRefused", id="something to do for the user"),
        pytest.param(status(QUOTA), status(QUOTA), None, id="still to do"),
        pytest.param(status(), status(RETRYING), "OOMKilled", id="retry"),
        pytest.param(status(RETRYING), status(RETRYING), None, id="same retry"),
        pytest.param(
            status(), status(condition(Condition.RETRYING, "OOMKilled", true=False)), None, id="retry that runs"
        ),
        pytest.param(status(RETRYING), status(RETRYING, FAILED), "DataError", id="failure"),
        pytest.param(status(), status(condition(Condition.COMPLETE, "Published")), "Published", id="published"),
    ],
)
def test_transitions(before: OperatorStatus, after: OperatorStatus, reason: str | None) -> None:
    happening = transition(before, after)
    assert (happening.reason if happening else None) == reason


def test_an_event_fits_what_kubernetes_takes() -> None:
    made = event(Key("team-a", "bottles-1"), "uid", Happening("DataError", "x" * 5000, warning=True), NOW)
    assert made["type"] == "Warning"
    assert len(str(made["message"])) == 1024
