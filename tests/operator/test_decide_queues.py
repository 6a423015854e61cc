"""What the operator decides about versions in a queue, whose Jobs the queue suspends and lets go."""

from dataclasses import replace
from typing import Any

import pytest

from support.decisions import STARTED, decided, facts, settled, told
from support.operator_objects import job, pod, running, stored_version, terminated, waiting, workload
from tintype_api.constants import Condition, Phase
from tintype_operator.decisions import CreateJob, LookUpQueue
from tintype_operator.obstacles import Obstacle, no_kueue, no_queue

QUEUE = {"spec.runPolicy": {"queueName": "team-a"}}
PRIORITY = {"spec.runPolicy": {"queueName": "team-a", "queuePriorityClassName": "low"}}
HELD = job(suspended=True, queue="team-a")
NO_QUOTA = "couldn't assign flavors to pod set main: insufficient unused quota for nvidia.com/gpu, 1 more needed."


def test_a_queue_is_looked_up_before_there_is_a_job() -> None:
    given = facts(stored_version(PRIORITY))
    assert decided(given) == LookUpQueue("team-a", "low")
    decision = decided(replace(given, queue_looked_up=True))
    assert isinstance(decision, CreateJob)
    assert decision.version.spec.run_policy.queue_priority_class_name == "low"


@pytest.mark.parametrize(
    ("obstacle", "sentence"),
    [
        (
            no_queue("runPolicy.queueName", "LocalQueue", "team-a", "team-a"),
            "runPolicy.queueName: LocalQueue team-a is not in namespace team-a; create it, or suspend this version and "
            "name another",
        ),
        (
            no_queue("runPolicy.queuePriorityClassName", "WorkloadPriorityClass", "low", None),
            "runPolicy.queuePriorityClassName: WorkloadPriorityClass low is not in the cluster; create it, or suspend "
            "this version and name another",
        ),
        (
            no_kueue("team-a"),
            "runPolicy.queueName: the cluster has no Kueue, so no queue team-a; install it, or suspend and remove it",
        ),
    ],
)
def test_a_queue_that_is_not_there_is_named(obstacle: Obstacle, sentence: str) -> None:
    settle = settled(replace(facts(stored_version(PRIORITY)), queue_looked_up=True, obstacle=obstacle))
    assert (settle.status.phase, settle.again) == (Phase.PENDING, True)
    assert told(settle, Condition.WAITING) == ("True", "QueueMissing", sentence)


@pytest.mark.parametrize(
    ("held", "workloads", "sentence"),
    [
        (HELD, (), "Job bottles-1-1 waits for its turn in queue team-a"),
        (HELD, (workload(NO_QUOTA),), f"queue team-a holds Job bottles-1-1: {NO_QUOTA.rstrip('.')}"),
        (HELD, (workload(None),), "Job bottles-1-1 waits for its turn in queue team-a"),
        (HELD, (workload(NO_QUOTA, job_uid="other"),), "Job bottles-1-1 waits for its turn in queue team-a"),
        (job(suspended=True), (workload(NO_QUOTA),), f"a queue holds Job bottles-1-1: {NO_QUOTA.rstrip('.')}"),
        (
            job(suspended=True),
            (),
            "Job bottles-1-1 is suspended, and not by this operator; whoever set its spec.suspend can let it go",
        ),
    ],
)
def test_waiting_says_why_a_queue_holds_a_job(
    held: dict[str, Any], workloads: tuple[dict[str, Any], ...], sentence: str
) -> None:
    settle = settled(facts(stored_version(QUEUE, status=STARTED), jobs=(held,), workloads=workloads))
    assert settle.status.phase == Phase.QUEUED
    assert told(settle, Condition.WAITING) == ("True", "Queued", sentence)
    assert (settle.delete, settle.patch) == ((), None)


@pytest.mark.parametrize(("others", "place"), [(0, "number 1"), (4, "number 5")])
def test_waiting_has_the_place_in_the_queue_and_looks_again(others: int, place: str) -> None:
    given = facts(stored_version(QUEUE, status=STARTED), jobs=(HELD,), workloads=(workload(NO_QUOTA),))
    settle = settled(replace(given, others_before=others))
    assert told(settle, Condition.WAITING)[2].endswith(f"1 more needed; it is {place} in the queue")
    assert settle.again_in_s == 60


def test_a_job_that_a_queue_lets_go_is_followed_like_any_other() -> None:
    version = stored_version(QUEUE, status=STARTED | {"phase": "Queued", "stage": "Training"})
    going = job(queue="team-a")
    pending = settled(facts(version, jobs=(going,), pods=(pod(state=waiting("ContainerCreating")),)))
    assert pending.status.phase == Phase.PENDING
    runs = settled(facts(version, jobs=(going,), pods=(pod(phase="Running", state=running()),)))
    assert runs.status.phase == Phase.TRAINING
    assert told(runs, Condition.WAITING)[0] == "False"


def test_a_pod_that_gives_way_in_a_queue_reports_until_it_has_ended() -> None:
    version = stored_version(QUEUE, status=STARTED | {"stage": "Training"})
    ending = pod(phase="Running", state=running(), ends_by="2026-11-24T12:01:00Z")
    settle = settled(facts(version, jobs=(HELD,), pods=(ending,)))
    assert settle.status.phase == Phase.TRAINING
    assert settle.status.job is not None
    assert settle.status.job.pod_uid == "pod-1"


@pytest.mark.parametrize("code", [75, 137])
def test_what_ended_while_a_queue_holds_the_job_waits_in_the_queue(code: int) -> None:
    version = stored_version(QUEUE, status=STARTED | {"stage": "Training"})
    ended = pod(phase="Failed", state=terminated(code))
    settle = settled(facts(version, jobs=(HELD,), pods=(ended,)))
    assert settle.status.phase == Phase.QUEUED
    assert told(settle, Condition.WAITING)[1] == "Queued"


@pytest.mark.parametrize(
    "owner",
    [
        job(queue="team-a"),
        job(suspended=True, queue="team-a"),
        job(managed_by="kueue.x-k8s.io/multikueue"),
    ],
    ids=["in a queue", "held by it", "managed elsewhere"],
)
def test_a_job_that_others_start_is_not_replaced_for_its_backoff(owner: dict[str, Any]) -> None:
    pods = tuple(
        pod(uid=f"pod-{number}", name=f"p-{number}", phase="Failed", state=terminated(75)) for number in range(5)
    )
    settle = settled(facts(stored_version(QUEUE, status=STARTED), jobs=(owner,), pods=pods))
    assert settle.delete == ()


def test_a_queued_version_is_suspended_and_stopped_like_any_other() -> None:
    suspend = {"spec.runPolicy": {"queueName": "team-a", "suspend": True}}
    settle = settled(facts(stored_version(suspend, status=STARTED), jobs=(HELD,)))
    assert settle.delete_after_pods is not None
    stop = {"spec.runPolicy": {"queueName": "team-a", "stop": True}}
    settle = settled(facts(stored_version(stop, status=STARTED), jobs=(HELD,)))
    assert settle.status.phase == Phase.STOPPED
    assert [one.key.name for one in settle.delete] == ["bottles-1-1"]
