"""What the operator decides about further attempts: what is counted, when it gives up, and when it begins anew."""

from dataclasses import replace
from typing import Any

import pytest

from support.decisions import STARTED, decided, facts, settled, told
from support.operator_objects import (
    JOB_UID,
    disrupted,
    job,
    pod,
    running,
    stored_version,
    terminated,
)
from tintype_api.constants import Condition, JobDeletion, Phase
from tintype_operator.decisions import CreateJob, Facts, LookUpJob, LookUpPods, Settle
from tintype_operator.observe import observe_version

INTERRUPTED = pod(phase="Failed", state=terminated(75))
CRASHED = pod(phase="Failed", state=terminated(1))
SECOND = {"name": "bottles-1-2", "uid": "job-2", "failuresBefore": 2}


def pods_that_ended(codes: list[int]) -> tuple[dict[str, Any], ...]:
    """Return Pods of one Job that ended one after another."""
    return tuple(
        pod(
            name=f"bottles-1-1-{number}",
            uid=f"pod-{number}",
            created=f"2026-11-24T11:5{number}:10Z",
            phase="Failed",
            state=terminated(code, at=f"2026-11-24T11:5{number}:50Z"),
        )
        for number, code in enumerate(codes)
    )


def after(settle: Settle, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - as JSON
    """Return the version once a decision's status is written."""
    return stored_version(status=settle.status.to_wire() | {"stage": "Training"}, **changes)


@pytest.mark.parametrize(
    ("codes", "job_failed", "failures", "interruptions"),
    [
        ([], 0, None, None),
        ([75], 0, None, 1),
        ([1], 1, 1, None),
        ([75, 75], 0, None, 2),
        ([1, 75, 137], 2, 2, 1),
        ([1], 0, 1, None),
        ([75], 2, 2, 1),
    ],
)
def test_each_ended_pod_is_counted_once(
    codes: list[int], job_failed: int, failures: int | None, interruptions: int | None
) -> None:
    pods, owner = pods_that_ended(codes), job(failed=job_failed)
    settle = settled(facts(stored_version(status=STARTED), jobs=(owner,), pods=pods))
    assert (settle.status.failures, settle.status.interruptions) == (failures, interruptions)
    again = settled(facts(after(settle), jobs=(owner,), pods=pods))
    assert (again.status.failures, again.status.interruptions) == (failures, interruptions)
    assert again.status == settle.status


def test_an_earlier_pod_is_not_counted_anew_when_a_later_one_is_gone() -> None:
    first, second = pods_that_ended([75, 75])
    settle = settled(facts(stored_version(status=STARTED), jobs=(job(),), pods=(first, second)))
    assert settle.status.last_interrupted is not None
    assert settle.status.last_interrupted.uid == "pod-1"
    drained = settled(facts(after(settle), jobs=(job(),), pods=(first,)))
    assert drained.status.interruptions == 2


def test_a_pod_that_ended_while_the_operator_was_away_is_counted() -> None:
    first, second = pods_that_ended([75, 75])
    before = settled(facts(stored_version(status=STARTED), jobs=(job(),), pods=(first,)))
    assert before.status.interruptions == 1
    assert settled(facts(after(before), jobs=(job(),), pods=(first, second))).status.interruptions == 2


def test_failures_of_earlier_attempts_count() -> None:
    status = STARTED | {"attempt": 2, "failures": 2, "job": SECOND}
    given = facts(
        stored_version(status=status),
        jobs=(job(name="bottles-1-2", uid="job-2", failed=1, backoff_limit=1),),
        pods=(pod(name="bottles-1-2-a", job_uid="job-2", phase="Failed", state=terminated(1)),),
    )
    settle = settled(given)
    assert settle.status.failures == 3
    assert settle.status.attempt == 2
    assert settle.patch is None, "the Job of the second attempt has what the first one left"
    assert told(settle, Condition.RETRYING)[2].endswith("(3 of 3 retries used)")


def test_too_many_failures_of_all_attempts_together_are_told() -> None:
    status = STARTED | {"attempt": 2, "failures": 2, "job": SECOND}
    failed = job(
        name="bottles-1-2", uid="job-2", failed=2, backoff_limit=1, condition=("Failed", "BackoffLimitExceeded", "")
    )
    dead = pod(name="bottles-1-2-a", job_uid="job-2", phase="Failed", state=terminated(1))
    given = facts(stored_version(status=status), jobs=(failed,), pods=(dead,))
    settle = settled(replace(given, pods_looked_up=True))
    assert told(settle, Condition.FAILED)[2].startswith(
        "the trainer failed 4 times, more often than runPolicy.backoffLimit 3 allows; the last time: "
    )


def test_a_changed_backoff_limit_gives_the_job_what_earlier_attempts_have_left() -> None:
    version = stored_version(
        {"spec.runPolicy": {"backoffLimit": 7}}, status=STARTED | {"attempt": 2, "failures": 2, "job": SECOND}
    )
    settle = settled(facts(version, jobs=(job(name="bottles-1-2", uid="job-2", backoff_limit=1),)))
    assert settle.patch is not None
    assert settle.patch.backoff_limit == 5


@pytest.mark.parametrize(("limit", "counted", "fails"), [(2, 0, False), (2, 1, True), (1, 0, True), (20, 18, False)])
def test_too_many_interruptions_end_the_version(limit: int, counted: int, fails: bool) -> None:
    version = stored_version(
        {"spec.runPolicy": {"maxInterruptions": limit}}, status=STARTED | {"interruptions": counted}
    )
    settle = settled(facts(version, jobs=(job(),), pods=(INTERRUPTED,)))
    assert settle.status.interruptions == counted + 1
    if not fails:
        assert settle.status.phase == Phase.PENDING
        return
    assert settle.status.phase == Phase.FAILED
    _, reason, message = told(settle, Condition.FAILED)
    assert reason == "TooManyInterruptions"
    assert message.startswith(f"the training was interrupted {'once' if limit == 1 else '2 times'}, which runPolicy.")
    assert "Pod bottles-1-1-abcde was told to end" in message
    assert [one.key.name for one in settle.delete] == ["bottles-1-1"], "the Job would make another Pod"


def test_the_job_of_a_version_that_ended_while_it_went_on_is_deleted() -> None:
    ended = stored_version(status=STARTED | {"phase": "Failed"})
    assert [one.key.name for one in settled(facts(ended, jobs=(job(),))).delete] == ["bottles-1-1"]
    over = facts(ended, jobs=(job(condition=("Failed", "PodFailurePolicy", "")),))
    assert settled(over).delete == ()


@pytest.mark.parametrize(("ended", "begins_anew"), [(1, False), (2, False), (3, False), (4, True), (5, True)])
@pytest.mark.parametrize("code", [75, 1])
def test_a_job_that_would_wait_for_more_than_a_minute_is_replaced(ended: int, begins_anew: bool, code: int) -> None:
    version = stored_version({"spec.runPolicy": {"backoffLimit": 9}}, status=STARTED)
    failed = ended if code == 1 else 0
    given = facts(version, jobs=(job(failed=failed, backoff_limit=9),), pods=pods_that_ended([code] * ended))
    settle = settled(given)
    assert [one.key.name for one in settle.delete] == (["bottles-1-1"] if begins_anew else [])
    assert settle.status.job is not None
    assert settle.status.job.deleted_for == (JobDeletion.BACKOFF if begins_anew else None)
    if begins_anew:
        assert told(settle, Condition.WAITING)[1:] == (
            "EarlierRunEnds",
            "Job bottles-1-1 is being deleted; the next attempt follows",
        )
        assert told(settle, Condition.RETRYING)[0] == "True"


def replaced(**changes: Any) -> Facts:  # noqa: ANN401 - as JSON
    """Return the facts of a version whose first Job the operator has deleted."""
    named = {"name": "bottles-1-1", "uid": JOB_UID, "deletedFor": "Backoff"}
    status = STARTED | {"phase": "Pending", "failures": 2, "interruptions": 2, "job": named}
    return facts(stored_version(status=status, **changes))


def test_the_next_attempt_follows_when_the_deleted_job_is_gone() -> None:
    given = replaced()
    assert decided(given) == LookUpJob("bottles-1-1")
    decision = decided(replace(given, job_is_gone=True))
    assert isinstance(decision, CreateJob)
    assert (decision.name, decision.attempt, decision.backoff_limit) == ("bottles-1-2", 2, 1)


def test_the_next_attempt_is_named_with_what_earlier_ones_used_up() -> None:
    given = replace(replaced(), job_is_gone=True)
    begun = facts(jobs=(job(name="bottles-1-2", uid="job-2", backoff_limit=1),))
    settle = settled(replace(given, jobs=begun.jobs))
    assert settle.status.attempt == 2
    assert settle.status.job is not None
    assert settle.status.job.to_wire() == {"name": "bottles-1-2", "uid": "job-2", "failuresBefore": 2}
    assert (settle.status.failures, settle.status.interruptions) == (2, 2)
    assert settle.status.start_time == STARTED["startTime"]


def test_a_deletion_that_was_not_carried_out_is_asked_for_again() -> None:
    given = replace(replaced(), jobs=facts(jobs=(job(),)).jobs)
    settle = settled(given)
    assert [one.key.name for one in settle.delete] == ["bottles-1-1"]
    going = facts(jobs=(job(deleting=True),), pods=(INTERRUPTED,))
    assert settled(replace(given, jobs=going.jobs, pods=going.pods)).delete == ()


def test_weights_of_another_version_are_named_in_every_attempt() -> None:
    changes = {"spec.training.initialWeights": {"modelVersion": "bottles-0"}}
    source = stored_version(name="bottles-0", uid="other", status={"phase": "Succeeded"})
    given = replace(replaced(changes=changes), job_is_gone=True, weights_from=observe_version(source))
    decision = decided(given)
    assert isinstance(decision, CreateJob)
    weights = decision.version.spec.training.initial_weights
    assert weights is not None
    assert weights.uri == "s3://models/team-a/bottles-0/"


def test_retrying_is_over_when_the_next_attempt_runs() -> None:
    given = replaced()
    retrying = {"type": "Retrying", "status": "True", "reason": "NodeLost", "message": "x"}
    version = observe_version(
        stored_version(
            status=given.version.status.to_wire()
            | {"conditions": [retrying | {"lastTransitionTime": "2026-11-24T11:00:00Z"}]}
        )
    )
    begun = facts(
        jobs=(job(name="bottles-1-2", uid="job-2", backoff_limit=1),),
        pods=(pod(name="bottles-1-2-a", uid="pod-2", job_uid="job-2", phase="Running", state=running()),),
    )
    waits = settled(replace(begun, version=version, pods=(), job_is_gone=True))
    assert told(waits, Condition.RETRYING) == ("True", "NodeLost", "x")
    runs = settled(replace(begun, version=version, job_is_gone=True))
    assert told(runs, Condition.RETRYING) == ("False", "NodeLost", "x")


@pytest.mark.parametrize(
    ("disruption", "reason", "words"),
    [
        ("EvictionByEvictionAPI", "Evicted", "was evicted, as kubectl drain does: node is full; a new Pod follows"),
        ("TerminationByKubelet", "Evicted", "was ended by its node: node is full"),
        ("PreemptionByScheduler", "Preempted", "gave way to a Pod of higher priority"),
        ("DeletionByTaintManager", "NodeLost", "its node does not answer"),
        ("DeletionByPodGC", "NodeLost", "its node is gone"),
        ("SomethingNew", "Interrupted", "was ended from outside"),
    ],
)
def test_what_ended_a_pod_from_outside_is_named(disruption: str, reason: str, words: str) -> None:
    ended = pod(phase="Failed", state=terminated(137), conditions=disrupted(disruption), message="node is full.")
    settle = settled(facts(stored_version(status=STARTED), jobs=(job(),), pods=(ended,)))
    _, because, message = told(settle, Condition.RETRYING)
    assert because == reason
    assert words in message
    assert settle.status.interruptions == 1
    assert settle.status.failures is None


GRACE_ENDS = "2026-11-24T11:59:40Z"
"""20 s before now."""


def test_a_pod_that_does_not_end_in_time_is_lost_with_its_node() -> None:
    late = pod(phase="Running", state=running(), ends_by="2026-11-24T11:59:30Z")
    settle = settled(facts(stored_version(status=STARTED), jobs=(job(),), pods=(late,)))
    assert settle.status.phase == Phase.PENDING
    assert settle.status.job is not None
    assert settle.status.job.to_wire() == {"name": "bottles-1-1", "uid": JOB_UID, "deletedFor": "LostNode"}
    assert [one.key.name for one in settle.delete] == ["bottles-1-1"]
    assert settle.status.interruptions == 1
    assert told(settle, Condition.RETRYING) == (
        "True",
        "NodeLost",
        "Pod bottles-1-1-abcde has not ended though its time is over, so its node node-1 counts as lost; "
        "a new Pod follows, and none of the retries is used",
    )
    gone = replace(facts(after(settle), pods=(late,)), job_is_gone=True)
    decision = decided(gone)
    assert isinstance(decision, CreateJob), "the lost Pod is not waited for"
    assert decision.name == "bottles-1-2"


def test_a_pod_whose_time_is_not_over_is_looked_at_again_when_it_is() -> None:
    ending = pod(phase="Running", state=running(), ends_by=GRACE_ENDS)
    version = stored_version(status=STARTED | {"stage": "Training"})
    settle = settled(facts(version, jobs=(job(),), pods=(ending,)))
    assert settle.again_in_s == 10
    assert settle.delete == ()
    assert settle.status.phase == Phase.TRAINING


def test_a_pod_that_ended_is_not_lost() -> None:
    ended = pod(phase="Failed", state=terminated(75), ends_by="2026-11-24T11:50:00Z")
    settle = settled(facts(stored_version(status=STARTED), jobs=(job(),), pods=(ended,)))
    assert told(settle, Condition.RETRYING)[1] == "Interrupted"
    assert (settle.delete, settle.again_in_s) == ((), None)


def test_a_lost_node_is_an_interruption_too_many() -> None:
    version = stored_version({"spec.runPolicy": {"maxInterruptions": 1}}, status=STARTED)
    late = pod(phase="Running", state=running(), ends_by="2026-11-24T11:50:00Z")
    settle = settled(facts(version, jobs=(job(),), pods=(late,)))
    assert told(settle, Condition.FAILED)[1] == "TooManyInterruptions"
    assert "node node-1 counts as lost" in told(settle, Condition.FAILED)[2]


def test_a_job_deleted_by_hand_on_a_lost_node_fails_its_version() -> None:
    late = pod(phase="Running", state=running(), ends_by="2026-11-24T11:50:00Z")
    settle = settled(facts(stored_version(status=STARTED), jobs=(job(deleting=True),), pods=(late,)))
    assert told(settle, Condition.FAILED)[1] == "JobDeleted"


def test_a_limit_that_is_lowered_below_what_was_counted_ends_a_version_that_runs() -> None:
    """The Pods that were interrupted are gone by then."""
    version = stored_version({"spec.runPolicy": {"maxInterruptions": 2}}, status=STARTED | {"interruptions": 3})
    runs = pod(phase="Running", state=running())
    settle = settled(facts(version, jobs=(job(),), pods=(runs,)))
    assert told(settle, Condition.FAILED) == (
        "True",
        "TooManyInterruptions",
        "the training was interrupted 3 times, which runPolicy.maxInterruptions does not allow; "
        "find out what ends its Pods, or raise the limit, and apply it anew",
    )


UNKNOWN = {"exitCode": 137, "reason": "ContainerStatusUnknown", "message": "x", "startedAt": None, "finishedAt": None}
"""How the kubelet tells of a container that it lost sight of."""


def test_a_container_whose_end_nobody_saw_has_no_time() -> None:
    dead = pod(phase="Failed", state={"terminated": UNKNOWN})
    settle = settled(facts(stored_version(status=STARTED), jobs=(job(failed=1),), pods=(dead,)))
    assert told(settle, Condition.WAITING)[1] == "Backoff"
    assert settle.status.failures == 1


def test_the_newest_pod_tells_why_a_job_failed_whatever_its_nodes_clock_says() -> None:
    said = '{"reason": "DataError", "message": "dataset.uri: line 3 is no JSON"}'
    first = pod(uid="pod-0", phase="Failed", state=terminated(1, at="2026-11-24T12:59:00Z"))
    last = pod(
        created="2026-11-24T11:59:40Z",
        phase="Failed",
        state=terminated(65, at="2026-11-24T11:59:50Z", message=said),
    )
    failed = job(failed=2, condition=("Failed", "PodFailurePolicy", "Container trainer failed with exit code 65"))
    settle = settled(facts(stored_version(status=STARTED), jobs=(failed,), pods=(first, last)))
    assert told(settle, Condition.FAILED)[1:] == ("DataError", "dataset.uri: line 3 is no JSON")


def test_a_pod_that_the_cache_does_not_know_yet_may_tell_why_a_job_failed() -> None:
    failed = job(failed=2, condition=("Failed", "PodFailurePolicy", "Container trainer failed with exit code 65"))
    given = facts(stored_version(status=STARTED), jobs=(failed,), pods=(CRASHED,))
    assert decided(given) == LookUpPods(given.jobs[0])
