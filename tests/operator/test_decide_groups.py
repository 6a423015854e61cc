"""Pods that train together: what one of them does, all do; the operator counts it once and starts all anew."""

from dataclasses import replace
from typing import Any

import pytest

from support.decisions import STARTED, decided, facts, settled, told
from support.operator_objects import disrupted, job, pod, running, stored_version, terminated, waiting
from tintype_api.constants import ANNOTATION_INDEX, Condition, Phase
from tintype_operator.decisions import CreateJob, Facts

PEER_LOST = '{"reason": "PeerLost", "message": "another process of this training ended"}'
SEGFAULT = '{"reason": "Crashed", "message": "the trainer crashed: it did"}'
FAILED = ("Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit")
TWO_NODES = {"spec.compute": {"nodes": 2}}


def _version(status: dict[str, Any] | None = None, **policy: object) -> dict[str, Any]:
    return stored_version(TWO_NODES | {"spec.runPolicy": {"preflight": "Never", **policy}}, status=status or STARTED)


def _job(**fields: Any) -> dict[str, Any]:  # noqa: ANN401 - as job() takes them
    one = job(backoff_limit=0, **fields)
    one["spec"]["completions"] = 2
    return one


def _pod(index: int, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - as pod() takes them
    one = pod(name=f"bottles-1-1-{index}-abcde", uid=f"pod-{index}", **fields)
    one["metadata"]["annotations"] = {ANNOTATION_INDEX: str(index)}
    return one


def _dead(
    index: int,
    code: int,
    *,
    at: str = "2026-11-24T11:59:50Z",
    message: str = "",
    **fields: Any,  # noqa: ANN401 - as pod() takes them
) -> dict[str, Any]:
    return _pod(index, phase="Failed", state=terminated(code, at=at, message=message), **fields)


def _looked_up(given: Facts) -> Facts:
    return replace(given, pods_looked_up=True)


def test_the_pod_of_index_0_reports() -> None:
    pods = (
        _pod(1, phase="Running", state=running(), created="2026-11-24T11:59:30Z"),
        _pod(0, phase="Running", state=running()),
    )
    settle = settled(facts(_version(), jobs=(_job(),), pods=pods))
    assert settle.status.job is not None
    assert settle.status.job.pod_uid == "pod-0"
    assert settle.patch is None, "the Job of several Pods has no retries of its own"


def test_what_one_of_them_waits_for_is_told() -> None:
    said = "0/2 nodes are available: 2 Insufficient nvidia.com/gpu."
    conditions = [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": said}]
    pods = (_pod(0, phase="Running", state=running()), _pod(1, conditions=conditions))
    settle = settled(facts(_version(), jobs=(_job(),), pods=pods))
    assert told(settle, Condition.WAITING)[:2] == ("True", "Unschedulable")
    assert (
        "no node that may take Pod bottles-1-1-1-abcde has a free nvidia.com/gpu" in told(settle, Condition.WAITING)[2]
    )


def test_a_container_that_is_not_there_yet_is_told_of() -> None:
    pods = (_pod(0, phase="Running", state=running()), _pod(1, state=waiting("ContainerCreating")))
    settle = settled(facts(_version(), jobs=(_job(),), pods=pods))
    assert told(settle, Condition.WAITING)[1] == "ContainerStarting"


def test_while_the_others_end_nothing_is_decided() -> None:
    pods = (_pod(0, phase="Running", state=running()), _dead(1, 1, message=SEGFAULT))
    settle = settled(facts(_version(STARTED | {"stage": "Training"}), jobs=(_job(failed=1),), pods=pods))
    assert (settle.status.phase, settle.status.failures) == (Phase.TRAINING, None)
    assert settle.delete == ()


def _failed(*pods: dict[str, Any], status: dict[str, Any] | None = None, **policy: object) -> Facts:
    return _looked_up(facts(_version(status, **policy), jobs=(_job(failed=2, condition=FAILED),), pods=pods))


CRASHED = (
    _dead(0, 1, at="2026-11-24T11:59:51Z", message=PEER_LOST),
    _dead(1, 1, at="2026-11-24T11:59:52Z", message=SEGFAULT),
)
EVICTED = (
    _dead(0, 1, message=PEER_LOST),
    _dead(1, 75, at="2026-11-24T11:59:52Z", conditions=disrupted("EvictionByEvictionAPI")),
)


def test_a_crash_counts_once_and_all_start_anew_after_a_while() -> None:
    settle = settled(_failed(*CRASHED))
    assert (settle.status.phase, settle.status.failures, settle.status.attempt) == (Phase.PENDING, 1, 1)
    assert settle.again_in_s == 2
    assert told(settle, Condition.RETRYING) == ("True", "Crashed", "the trainer crashed: it did (1 of 3 retries used)")
    assert told(settle, Condition.WAITING) == (
        "True",
        "Backoff",
        "Job bottles-1-1 ended, and all its Pods start anew in the next attempt, due at 12:00:02 UTC",
    )
    again = settled(_failed(*CRASHED, status=settle.status.to_wire()))
    assert again.status == settle.status, "it is counted once"


def test_then_the_next_attempt_follows() -> None:
    earlier = (
        _dead(0, 1, at="2026-11-24T11:58:51Z", message=PEER_LOST),
        _dead(1, 1, at="2026-11-24T11:58:52Z", message=SEGFAULT),
    )
    decision = decided(_failed(*earlier))
    assert isinstance(decision, CreateJob)
    assert (decision.name, decision.attempt, decision.backoff_limit) == ("bottles-1-2", 2, 0)
    created = _job(name="bottles-1-2", uid="job-2")
    settle = settled(_failed(*earlier).with_job(_observed(created)))
    assert settle.status.job is not None
    assert (settle.status.job.name, settle.status.attempt, settle.status.failures) == ("bottles-1-2", 2, 1)
    assert [one.key.name for one in settle.delete] == ["bottles-1-1"]


def _observed(one: dict[str, Any]) -> Any:  # noqa: ANN401 - JobFacts
    return facts(jobs=(one,)).jobs[0]


def test_an_eviction_of_one_is_an_interruption_and_all_start_anew_at_once() -> None:
    decision = decided(_failed(*EVICTED))
    assert isinstance(decision, CreateJob)
    settle = settled(_failed(*EVICTED).with_job(_observed(_job(name="bottles-1-2", uid="job-2"))))
    assert (settle.status.failures, settle.status.interruptions) == (None, 1)


def test_an_eviction_is_the_reason_of_those_that_end_with_it() -> None:
    pods = (_dead(0, 75, at="2026-11-24T11:59:40Z"), _dead(1, 75, conditions=disrupted("EvictionByEvictionAPI")))
    settle = settled(_failed(*pods).with_job(_observed(_job(name="bottles-1-2", uid="job-2"))))
    assert told(settle, Condition.RETRYING)[1] == "Evicted"
    assert (settle.status.failures, settle.status.interruptions) == (None, 1)


@pytest.mark.parametrize("left", [(), (_dead(0, 1, message=PEER_LOST),)], ids=["nothing", "one that lost it"])
def test_pods_that_are_gone_before_anyone_saw_their_end_were_interrupted(left: tuple[dict[str, Any], ...]) -> None:
    """A Pod that is evicted goes with its Job's finalizer, those that ended for it do, and the operator comes late."""
    given = _failed(*left, status=STARTED | {"interruptions": 1}, backoffLimit=0)
    decision = decided(given)
    assert isinstance(decision, CreateJob)
    assert (decision.name, decision.attempt) == ("bottles-1-2", 2)
    settle = settled(given.with_job(_observed(_job(name="bottles-1-2", uid="job-2"))))
    assert (settle.status.failures, settle.status.interruptions) == (None, 2)
    assert told(settle, Condition.RETRYING) == (
        "True",
        "Interrupted",
        "a Pod of Job bottles-1-1 was deleted before it was seen how it ended; a new Pod follows, and none of the "
        "retries is used",
    )
    after = settled(facts(_version(settle.status.to_wire()), jobs=(_job(name="bottles-1-2", uid="job-2"),)))
    assert after.status.interruptions == 2, "it is counted once"


def test_a_pod_to_which_no_other_came_was_not_interrupted() -> None:
    """The other one, which had no node, goes with the Job."""
    missing = '{"reason": "PeerMissing", "message": "the 2 processes of this training did not meet"}'
    settle = settled(_failed(_dead(0, 1, at="2026-11-24T11:59:52Z", message=missing)))
    assert told(settle, Condition.RETRYING)[1] == "PeerMissing"
    assert (settle.status.failures, settle.status.interruptions) == (1, None)


def test_pods_that_vanish_too_often_end_it() -> None:
    settle = settled(_failed(status=STARTED | {"interruptions": 1}, maxInterruptions=2))
    assert told(settle, Condition.FAILED)[1] == "TooManyInterruptions"
    assert settle.status.interruptions == 2


def test_a_crash_counts_though_another_pod_is_gone() -> None:
    settle = settled(_failed(_dead(1, 1, at="2026-11-24T11:59:52Z", message=SEGFAULT)))
    assert (settle.status.failures, settle.status.interruptions) == (1, None)


def test_too_many_interruptions_end_it() -> None:
    settle = settled(_failed(*EVICTED, status=STARTED | {"interruptions": 1}, maxInterruptions=2))
    assert told(settle, Condition.FAILED)[1] == "TooManyInterruptions"


def test_too_many_crashes_end_it() -> None:
    status = STARTED | {"attempt": 1, "failures": 3, "job": STARTED["job"] | {"failuresBefore": 3}}
    settle = settled(_failed(*CRASHED, status=status))
    assert told(settle, Condition.FAILED)[1:] == (
        "Crashed",
        "the trainer failed 4 times, more often than runPolicy.backoffLimit 3 allows; the last time: "
        "the trainer crashed: it did",
    )


def test_what_no_retry_can_help_ends_it_whoever_ended_first() -> None:
    message = '{"reason": "DataError", "message": "dataset.uri: line 3 is no JSON"}'
    pods = (_dead(1, 1, at="2026-11-24T11:59:40Z", message=PEER_LOST), _dead(0, 65, message=message))
    settle = settled(_failed(*pods))
    assert told(settle, Condition.FAILED)[1:] == ("DataError", "dataset.uri: line 3 is no JSON")


def test_what_is_published_does_not_fail_when_another_pod_does() -> None:
    version = _version() | {"status": STARTED | {"artifacts": {"uri": "s3://models/team-a/bottles-1"}}}
    pods = (_pod(0, phase="Succeeded", state=terminated(0)), _dead(1, 1, message=PEER_LOST))
    settle = settled(_looked_up(facts(version, jobs=(_job(failed=1, condition=FAILED),), pods=pods)))
    assert settle.status.phase == Phase.SUCCEEDED


def test_the_end_is_as_index_0_tells_it() -> None:
    stopped = '{"reason": "Stopped", "message": "runPolicy.stop ended the training"}'
    told_by = (
        _pod(0, phase="Succeeded", state=terminated(0, message=stopped)),
        _pod(1, phase="Succeeded", state=terminated(0, at="2026-11-24T11:59:55Z")),
    )
    settle = settled(facts(_version(), jobs=(_job(condition=("Complete", "", "")),), pods=told_by))
    assert settle.status.phase == Phase.STOPPED


@pytest.mark.parametrize("index", [0, 1])
def test_a_lost_node_ends_all(index: int) -> None:
    lost = _pod(index, phase="Running", state=running(), ends_by="2026-11-24T11:59:00Z")
    other = _dead(1 - index, 75)
    settle = settled(facts(_version(), jobs=(_job(failed=1),), pods=(lost, other)))
    assert settle.status.job is not None
    assert settle.status.job.deleted_for == "LostNode"
    assert settle.status.interruptions == 1


SUSPENDING = STARTED | {"job": STARTED["job"] | {"deletedFor": "Suspension"}}
KILLED = (_dead(0, 75), _dead(1, 137, at="2026-11-24T11:59:58Z", ends_by="2026-11-24T11:59:57Z"))


@pytest.mark.parametrize("pods", [(), (_dead(0, 75), _dead(1, 75))], ids=["gone", "still there"])
def test_pods_that_end_for_a_suspension_are_no_interruption(pods: tuple[dict[str, Any], ...]) -> None:
    """The Job fails while it is being deleted, since its Pods did as they were told."""
    version = _version(SUSPENDING | {"interruptions": 1}, suspend=True, maxInterruptions=2)
    given = facts(version, jobs=(_job(failed=2, condition=FAILED, deleting=True),), pods=pods)
    settle = settled(_looked_up(given))
    assert (settle.status.phase, settle.status.interruptions) == (Phase.SUSPENDED, 1)


@pytest.mark.parametrize("suspend", [True, False], ids=["suspended", "taken back"])
def test_a_suspension_outlives_a_pod_that_does_not_save_in_time(suspend: bool) -> None:
    version = _version(SUSPENDING, suspend=suspend)
    given = facts(version, jobs=(_job(failed=2, condition=FAILED, deleting=True),), pods=KILLED)
    settle = settled(_looked_up(given))
    assert settle.status.failures == 1
    after = replace(facts(_version(settle.status.to_wire(), suspend=suspend)), job_is_gone=True)
    decision = decided(after)
    if suspend:
        assert settled(after).status.phase == Phase.SUSPENDED
    else:
        assert isinstance(decision, CreateJob)
        assert decision.attempt == 2


def test_a_job_that_is_cleaned_away_before_the_next_attempt_is_not_missed() -> None:
    """The finished Job of Pods that crashed may go at any time: what it had to tell is in status."""
    settle = settled(_failed(*CRASHED))
    decision = decided(replace(facts(_version(settle.status.to_wire())), job_is_gone=True))
    assert isinstance(decision, CreateJob)
    assert (decision.name, decision.attempt) == ("bottles-1-2", 2)


def test_a_node_whose_clock_is_ahead_does_not_put_the_next_attempt_off() -> None:
    ahead = (_dead(0, 1, at="2026-11-24T13:00:00Z", message=SEGFAULT), _dead(1, 1, message=PEER_LOST))
    assert isinstance(decided(_failed(*ahead)), CreateJob)
    a_little = (_dead(0, 1, at="2026-11-24T12:00:05Z", message=SEGFAULT), _dead(1, 1, message=PEER_LOST))
    assert settled(_failed(*a_little)).again_in_s == 15


LATER = STARTED | {"phase": "Pending", "failures": 1, "job": STARTED["job"] | {"failuresBefore": 1}}
"""Of an attempt after one that crashed."""


def test_a_pod_that_vanished_beside_one_that_was_done_was_interrupted() -> None:
    done = _pod(1, phase="Succeeded", state=terminated(0))
    assert isinstance(decided(_failed(done, status=LATER)), CreateJob)
    settle = settled(_failed(done, status=LATER).with_job(_observed(_job(name="bottles-1-2", uid="job-2"))))
    assert (settle.status.failures, settle.status.interruptions) == (1, 1)


@pytest.mark.parametrize("left", [(), (_pod(1, phase="Running", state=running()),)], ids=["none", "the other"])
@pytest.mark.parametrize("status", [STARTED, LATER, STARTED | {"phase": "Pending"}])
def test_a_job_that_is_about_to_fail_is_waited_for_whatever_pods_are_left(
    left: tuple[dict[str, Any], ...], status: dict[str, Any]
) -> None:
    failing = ("FailureTarget", "BackoffLimitExceeded", "")
    settle = settled(facts(_version(status), jobs=(_job(failed=1, condition=failing),), pods=left))
    assert (settle.delete, settle.status.failures) == ((), status.get("failures"))
    assert left or settle.status.phase == status["phase"]


def test_a_pod_that_vanishes_while_the_other_runs_is_waited_for() -> None:
    runs = _pod(1, phase="Running", state=running())
    settle = settled(facts(_version(LATER), jobs=(_job(),), pods=(runs,)))
    assert told(settle, Condition.WAITING)[1:] == (
        "PodNotCreated",
        "Job bottles-1-1 has not said yet what follows a Pod that is gone",
    )
