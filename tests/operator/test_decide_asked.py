"""What the operator decides when runPolicy asks for a suspension or a stop."""

from dataclasses import replace
from typing import Any

import pytest

from support.decisions import STARTED, SUCCEEDED, decided, facts, settled, told
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
from tintype_operator.conditions import find
from tintype_operator.decisions import CreateJob, Facts, LookUpJob, LookUpPods
from tintype_operator.observe import observe_version

SUSPEND = {"spec.runPolicy": {"suspend": True}}
STOP = {"spec.runPolicy": {"stop": True}}
BOTH = {"spec.runPolicy": {"suspend": True, "stop": True}}
CHECKPOINT = {"checkpoint": {"iteration": 7}}
TRAINING = STARTED | {"stage": "Training"}
RUNS = pod(phase="Running", state=running())
SUSPENDING = TRAINING | {"job": {"name": "bottles-1-1", "uid": JOB_UID, "podUID": "pod-1", "deletedFor": "Suspension"}}
SUSPENDED = {key: value for key, value in STARTED.items() if key != "job"} | {"phase": "Suspended"}


def test_a_version_that_is_suspended_from_the_start_gets_no_job() -> None:
    settle = settled(facts(stored_version(SUSPEND)))
    assert settle.status.phase == Phase.SUSPENDED
    assert settle.status.model
    assert settle.model_label == settle.status.model
    assert (settle.status.job, settle.status.attempt) == (None, None)
    assert told(settle, Condition.WAITING) == (
        "True",
        "Suspended",
        "runPolicy.suspend is true; set it to false to train",
    )
    assert isinstance(decided(facts(stored_version(status=settle.status.to_wire()))), CreateJob)


def test_a_running_job_is_deleted_once_its_pod_has_ended_in_its_grace() -> None:
    settle = settled(facts(stored_version(SUSPEND, status=TRAINING), jobs=(job(),), pods=(RUNS,)))
    assert settle.delete_after_pods is not None
    assert settle.delete_after_pods.key.name == "bottles-1-1"
    assert settle.delete == ()
    assert settle.status.phase == Phase.TRAINING, "the Pod still saves its checkpoint"
    assert settle.status.job is not None
    assert settle.status.job.pod_uid == "pod-1", "and reports on it"
    assert settle.status.job.deleted_for == JobDeletion.SUSPENSION
    assert told(settle, Condition.WAITING) == (
        "True",
        "Suspending",
        "runPolicy.suspend is true: Pod bottles-1-1-abcde saves a checkpoint and ends",
    )


@pytest.mark.parametrize(
    ("jobs", "pods", "deletes", "phase"),
    [
        pytest.param((job(),), (RUNS,), True, Phase.TRAINING, id="not deleted yet"),
        pytest.param((job(deleting=True),), (RUNS,), False, Phase.TRAINING, id="its Pod is in its grace"),
        pytest.param(
            (job(deleting=True),), (pod(phase="Failed", state=terminated(75)),), False, Phase.TRAINING, id="ended"
        ),
        pytest.param((), (RUNS,), False, Phase.TRAINING, id="the Job is gone before its Pod"),
    ],
)
def test_it_is_not_suspended_before_its_pods_are_gone(
    jobs: tuple[dict[str, Any], ...], pods: tuple[dict[str, Any], ...], deletes: bool, phase: Phase
) -> None:
    given = replace(facts(stored_version(SUSPEND, status=SUSPENDING), jobs=jobs, pods=pods), job_is_gone=not jobs)
    settle = settled(given)
    assert settle.status.phase == phase
    assert (settle.delete_after_pods is not None) is deletes
    assert settle.status.job is not None
    assert settle.status.job.deleted_for == JobDeletion.SUSPENSION
    assert settle.status.interruptions is None, "a suspension is no interruption"


def test_it_is_suspended_when_the_job_is_gone() -> None:
    given = facts(stored_version(SUSPEND, status=SUSPENDING | CHECKPOINT))
    assert decided(given) == LookUpJob("bottles-1-1")
    settle = settled(replace(given, job_is_gone=True))
    assert settle.status.phase == Phase.SUSPENDED
    assert settle.status.job is None
    assert settle.status.attempt == 1
    assert settle.status.interruptions is None
    assert settle.status.start_time == STARTED["startTime"]
    assert told(settle, Condition.WAITING)[1:] == (
        "Suspended",
        "runPolicy.suspend is true; set it to false to go on from the last checkpoint",
    )
    again = settled(facts(stored_version(SUSPEND, status=settle.status.to_wire() | CHECKPOINT)))
    assert again.status == settle.status


def test_it_is_suspended_when_the_last_pod_is_gone_whoever_keeps_the_job() -> None:
    given = facts(stored_version(SUSPEND, status=SUSPENDING), jobs=(job(deleting=True),))
    assert decided(given) == LookUpPods(given.jobs[0]), "the cache may not know of a Pod yet"
    assert settled(replace(given, pods_looked_up=True)).status.phase == Phase.SUSPENDED
    late = replace(given, pods_looked_up=True, pods=facts(pods=(RUNS,)).pods)
    assert settled(late).status.phase == Phase.TRAINING


def test_a_pod_of_a_lost_node_does_not_keep_a_version_from_being_suspended() -> None:
    late = pod(phase="Running", state=running(), ends_by="2026-11-24T11:50:00Z")
    given = facts(stored_version(SUSPEND, status=SUSPENDING), jobs=(job(deleting=True),), pods=(late,))
    assert settled(replace(given, pods_looked_up=True)).status.phase == Phase.SUSPENDED
    in_time = pod(phase="Running", state=running(), ends_by="2026-11-24T12:00:05Z")
    waits = settled(facts(stored_version(SUSPEND, status=SUSPENDING), jobs=(job(deleting=True),), pods=(in_time,)))
    assert (waits.status.phase, waits.again_in_s) == (Phase.TRAINING, 35)


def test_resuming_begins_the_next_attempt() -> None:
    decision = decided(facts(stored_version(status=SUSPENDED | CHECKPOINT | {"failures": 1})))
    assert isinstance(decision, CreateJob)
    assert (decision.name, decision.attempt, decision.backoff_limit) == ("bottles-1-2", 2, 2)
    assert decision.version.spec.run_policy.suspend is False


def test_a_suspension_that_is_taken_back_too_late_ends_in_the_next_attempt() -> None:
    given = facts(stored_version(status=SUSPENDING), jobs=(job(deleting=True),), pods=(RUNS,))
    assert settled(given).status.phase == Phase.TRAINING
    assert told(settled(given), Condition.WAITING) == (
        "True",
        "EarlierRunEnds",
        "Job bottles-1-1 is being deleted; the next attempt follows",
    )
    gone = replace(facts(stored_version(status=SUSPENDING)), job_is_gone=True)
    assert isinstance(decided(gone), CreateJob), "its Job was not deleted by hand"


@pytest.mark.parametrize(
    ("given", "phase"),
    [
        pytest.param(
            facts(
                stored_version(SUSPEND, status=TRAINING),
                jobs=(job(),),
                pods=(pod(phase="Succeeded", state=terminated(0)),),
            ),
            Phase.TRAINING,
            id="about to be complete",
        ),
        pytest.param(
            facts(
                stored_version(SUSPEND, status=SUSPENDING),
                jobs=(job(condition=("Complete", "", "")),),
                pods=(pod(phase="Succeeded", state=terminated(0)),),
            ),
            Phase.SUCCEEDED,
            id="complete",
        ),
        pytest.param(
            facts(
                stored_version(SUSPEND, status=SUSPENDING),
                jobs=(job(condition=("Failed", "PodFailurePolicy", ""), deleting=True),),
                pods=(pod(phase="Failed", state=terminated(65)),),
            ),
            Phase.FAILED,
            id="failed",
        ),
        pytest.param(
            replace(
                facts(stored_version(SUSPEND, status=SUSPENDING | {"artifacts": {"uri": "s3://models/x"}})),
                job_is_gone=True,
            ),
            Phase.SUCCEEDED,
            id="published before it could be suspended",
        ),
    ],
)
def test_what_ends_while_it_is_being_suspended_has_ended(given: Facts, phase: Phase) -> None:
    settle = settled(given)
    assert settle.status.phase == phase
    assert settle.delete_after_pods is None


def test_a_pod_that_was_interrupted_before_it_is_suspended_counts() -> None:
    drained = pod(phase="Failed", state=terminated(75), conditions=disrupted("EvictionByEvictionAPI"))
    settle = settled(facts(stored_version(SUSPEND, status=TRAINING), jobs=(job(),), pods=(drained,)))
    assert settle.delete_after_pods is not None
    assert settle.status.interruptions == 1


def test_retrying_is_over_when_a_version_is_suspended() -> None:
    retrying = {"type": "Retrying", "status": "True", "reason": "Evicted", "message": "x"}
    conditions = [retrying | {"lastTransitionTime": "2026-11-24T11:00:00Z"}]
    settle = settled(facts(stored_version(SUSPEND, status=SUSPENDED | {"conditions": conditions})))
    assert told(settle, Condition.RETRYING)[0] == "False"


@pytest.mark.parametrize("changes", [STOP, BOTH])
@pytest.mark.parametrize("status", [None, {"phase": "Pending"}, SUSPENDED])
def test_a_stop_before_anything_was_trained_ends_at_once(changes: dict[str, Any], status: dict[str, Any]) -> None:
    settle = settled(facts(stored_version(changes, status=status)))
    assert settle.status.phase == Phase.STOPPED
    assert told(settle, Condition.COMPLETE) == (
        "True",
        "NothingToPublish",
        "runPolicy.stop is true and no checkpoint was saved yet: nothing is published",
    )


@pytest.mark.parametrize(
    "pods",
    [
        pytest.param((), id="no Pod yet"),
        pytest.param((pod(),), id="a Pod that waits"),
        pytest.param((pod(phase="Failed", state=terminated(75)),), id="between two Pods"),
    ],
)
def test_a_stop_deletes_a_job_that_trains_nothing(pods: tuple[dict[str, Any], ...]) -> None:
    settle = settled(facts(stored_version(STOP, status=STARTED), jobs=(job(),), pods=pods))
    assert settle.status.phase == Phase.STOPPED
    assert told(settle, Condition.COMPLETE)[1] == "NothingToPublish"
    assert [one.key.name for one in settle.delete] == ["bottles-1-1"]
    assert settle.status.job is not None
    assert settle.status.job.pod_uid is None


def test_a_stop_leaves_a_running_pod_to_end_by_itself() -> None:
    settle = settled(facts(stored_version(STOP, status=TRAINING), jobs=(job(),), pods=(RUNS,)))
    assert settle.status.phase == Phase.TRAINING
    assert settle.delete == ()
    said = '{"exitCode":0,"reason":"Stopped","message":"stopped at iteration 9; epoch 2 was published"}'
    done = pod(phase="Succeeded", state=terminated(0, message=said))
    ended = settled(
        facts(stored_version(STOP, status=TRAINING), jobs=(job(condition=("Complete", "", "")),), pods=(done,))
    )
    assert ended.status.phase == Phase.STOPPED
    assert told(ended, Condition.COMPLETE)[1:] == ("Stopped", "stopped at iteration 9; epoch 2 was published")


def test_a_trainer_that_was_stopped_before_its_first_step_published_nothing() -> None:
    done = pod(phase="Succeeded", state=terminated(0, message='{"reason":"NothingToPublish","message":"no step"}'))
    given = facts(stored_version(STOP, status=TRAINING), jobs=(job(condition=("Complete", "", "")),), pods=(done,))
    assert told(settled(given), Condition.COMPLETE)[1:] == ("NothingToPublish", "no step")
    assert settled(given).status.phase == Phase.STOPPED


@pytest.mark.parametrize("pods", [(), (pod(phase="Failed", state=terminated(75)),)])
def test_a_stop_with_a_checkpoint_waits_for_the_pod_that_publishes_it(pods: tuple[dict[str, Any], ...]) -> None:
    settle = settled(facts(stored_version(STOP, status=TRAINING | CHECKPOINT), jobs=(job(),), pods=pods))
    assert settle.status.phase == Phase.PENDING
    assert settle.delete == ()


def test_a_stop_with_a_checkpoint_begins_an_attempt_that_knows_of_it() -> None:
    decision = decided(facts(stored_version(STOP, status=SUSPENDED | CHECKPOINT)))
    assert isinstance(decision, CreateJob)
    assert decision.version.spec.run_policy.stop is True


def test_a_stop_of_a_suspended_version_with_a_checkpoint_waits_for_the_end_of_the_suspension() -> None:
    settle = settled(facts(stored_version(BOTH, status=SUSPENDED | CHECKPOINT)))
    assert settle.status.phase == Phase.SUSPENDED
    assert told(settle, Condition.WAITING)[2] == (
        "runPolicy.suspend is true; set it to false to evaluate and publish what was trained (runPolicy.stop)"
    )


def test_weights_of_a_version_that_was_stopped_untrained_are_not_there() -> None:
    stopped = settled(facts(stored_version(STOP, name="bottles-0"))).status.to_wire()
    given = facts(stored_version({"spec.training.initialWeights": {"modelVersion": "bottles-0"}}))
    source = observe_version(stored_version(name="bottles-0", uid="other", status=stopped))
    settle = settled(replace(given, weights_from=source))
    assert told(settle, Condition.FAILED)[1] == "NotFound"


@pytest.mark.parametrize("changes", [SUSPEND, STOP, BOTH])
def test_an_ended_version_is_neither_suspended_nor_stopped(changes: dict[str, Any]) -> None:
    settle = settled(facts(stored_version(changes, status=SUCCEEDED), jobs=(job(condition=("Complete", "", "")),)))
    assert settle.status.phase == Phase.SUCCEEDED
    assert find(settle.status.conditions, Condition.FAILED) is None
    assert (settle.delete, settle.delete_after_pods) == ((), None)
