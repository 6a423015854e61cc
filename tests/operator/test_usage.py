"""Where a version's time and GPUs went: counted once, and kept in status."""

from dataclasses import replace
from typing import Any

import pytest

from support.decisions import STARTED, facts, settled
from support.operator_objects import NOW, disrupted, job, pod, running, stored_version, terminated
from tintype_api.constants import JobDeletion, Phase, PodOutcome
from tintype_api.status import EndedPods, OperatorStatus, Usage
from tintype_operator.decisions import Facts
from tintype_operator.observe import observe_version
from tintype_operator.usage import MOST_REASONS, OTHER, account, phase_seconds

GPUS = {"spec.compute": {"gpus": 2}}
SINCE = "2026-11-24T11:59:30Z"


def training(**usage: object) -> dict[str, Any]:
    return stored_version(GPUS, status=STARTED | {"usage": {"since": SINCE, **usage}})


def counted(given: Facts) -> Usage:
    usage = settled(given).status.usage
    assert usage is not None
    return usage


def test_a_version_waits_from_its_creation_on() -> None:
    version = observe_version(stored_version())
    waiting = account(Facts(version), OperatorStatus(phase=Phase.PENDING), NOW)
    assert waiting.usage == Usage(since=version.created_at)
    again = replace(version, status=waiting)
    assert phase_seconds(again, NOW) == {Phase.PENDING: 60}
    runs = account(Facts(again), waiting.model_copy(update={"phase": Phase.PREPARING}), NOW)
    assert runs.usage == Usage(since=NOW, phases={"Pending": 60})


def test_a_version_of_an_older_operator_is_counted_from_its_next_phase_on() -> None:
    version = observe_version(stored_version(status=STARTED))
    assert account(Facts(version), version.status, NOW) == version.status, "nothing is written for it alone"
    after = account(Facts(version), version.status.model_copy(update={"phase": Phase.EVALUATING}), NOW)
    assert after.usage == Usage(since=NOW)


def test_phases_that_come_again_add_up() -> None:
    version = observe_version(training(phases={"Training": 100}))
    after = account(Facts(version), version.status.model_copy(update={"phase": Phase.PENDING}), NOW)
    assert after.usage is not None
    assert after.usage.phases == {"Training": 130}


@pytest.mark.parametrize(
    ("ended", "outcome", "reason"),
    [
        (pod(phase="Failed", state=terminated(137, reason="OOMKilled")), PodOutcome.FAILURE, "OOMKilled"),
        (pod(phase="Failed", state=terminated(75)), PodOutcome.INTERRUPTION, "Interrupted"),
        (
            pod(phase="Failed", state=terminated(143), conditions=disrupted("PreemptionByScheduler")),
            PodOutcome.INTERRUPTION,
            "Preempted",
        ),
    ],
)
def test_a_pod_that_ended_is_counted_once(ended: dict[str, Any], outcome: PodOutcome, reason: str) -> None:
    given = facts(training(), jobs=(job(failed=1),), pods=(ended,))
    usage = counted(given)
    assert usage.pods == (EndedPods(outcome=outcome, reason=reason, count=1, seconds=30, gpu_seconds=60),)
    again = replace(given, version=replace(given.version, status=settled(given).status))
    assert settled(again).status.usage == usage


def test_a_published_version_says_for_what_its_gpus_were_held() -> None:
    done = pod(phase="Succeeded", state=terminated(0, reason="Completed"))
    usage = counted(facts(training(), jobs=(job(condition=("Complete", "", "")),), pods=(done,)))
    assert usage.since is None, "no phase goes on"
    assert [(one.outcome, one.gpu_seconds) for one in usage.pods] == [(PodOutcome.PUBLISHED, 60)]
    assert usage.phases == {"Training": 30}


def test_a_pod_that_outlives_its_version_is_counted_until_then() -> None:
    version = observe_version(training())
    failed = version.status.model_copy(update={"phase": Phase.FAILED})
    given = facts(training(), pods=(pod(phase="Running", state=running()),))
    usage = account(given, failed, NOW).usage
    assert usage is not None
    assert [(one.seconds, one.gpu_seconds) for one in usage.pods] == [(40, 80)]


def test_pods_that_train_together_are_counted_together() -> None:
    def member(index: int, phase: str, state: dict[str, Any]) -> dict[str, Any]:
        document = pod(uid=f"pod-{index}", name=f"bottles-1-1-{index}-x", phase=phase, state=state)
        document["metadata"]["annotations"] = {"batch.kubernetes.io/job-completion-index": str(index)}
        return document

    first = member(0, phase="Failed", state=terminated(75))
    version = observe_version(training())
    one_left = facts(training(), pods=(first, member(1, phase="Running", state=running())))
    assert account(one_left, version.status, NOW) == version.status
    both = facts(training(), pods=(first, member(1, phase="Failed", state=terminated(75))))
    usage = account(both, version.status, NOW).usage
    assert usage is not None
    assert [(one.count, one.gpu_seconds) for one in usage.pods] == [(2, 120)]


def test_a_preflight_holds_no_gpu() -> None:
    prepared = pod(name="bottles-1-preflight-x", phase="Succeeded", state=terminated(0))
    usage = account(facts(training(), pods=(prepared,)), observe_version(training()).status, NOW).usage
    assert usage is not None
    assert [(one.seconds, one.gpu_seconds) for one in usage.pods] == [(30, 0)]


def test_a_lost_pod_is_counted_until_its_grace_was_over() -> None:
    lost = pod(phase="Running", state=running(), ends_by="2026-11-24T11:59:25Z")
    settle = settled(facts(training(), jobs=(job(),), pods=(lost,)))
    assert settle.status.job is not None
    assert settle.status.job.deleted_for is JobDeletion.LOST_NODE
    assert settle.status.usage is not None
    assert [(one.reason, one.seconds) for one in settle.status.usage.pods] == [("NodeLost", 5)]


def test_reasons_without_end_are_told_as_one() -> None:
    known = [
        {"outcome": "Failure", "reason": f"R{number}", "count": 1, "seconds": 1, "gpuSeconds": 1}
        for number in range(MOST_REASONS)
    ]
    crashed = pod(phase="Failed", state=terminated(1))
    usage = account(facts(training(pods=known), pods=(crashed,)), observe_version(training(pods=known)).status, NOW)
    assert usage.usage is not None
    assert usage.usage.pods[-1].reason == OTHER


@pytest.mark.parametrize("phase", ["Failed", "Running"])
def test_pods_of_an_earlier_version_of_the_name_are_not_counted(phase: str) -> None:
    """It was deleted and applied again: the old Pod ends in its grace, or still runs when the new version has ended."""
    state = terminated(75) if phase == "Failed" else running()
    old = pod(uid="old", job_uid="old", created="2026-11-24T11:50:00Z", phase=phase, state=state)
    given = facts(stored_version(GPUS | {"spec.runPolicy.stop": True}), pods=(old,))
    assert counted(given).pods == ()


def test_a_reason_that_is_longer_than_status_may_hold_is_no_reason() -> None:
    said = '{"reason": "' + "A" * 300 + '", "message": "said by an image of one\'s own"}'
    crashed = pod(phase="Failed", state=terminated(1, message=said))
    usage = counted(replace(facts(training(), jobs=(job(failed=1),), pods=(crashed,)), pods_looked_up=True))
    assert [one.reason for one in usage.pods] == ["Crashed"]
