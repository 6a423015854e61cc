"""Teams that share one GPU by the real Kueue, on a real node with names for Pods; no others use this cluster."""

from collections.abc import Iterator
from typing import Any

import pytest

import devcluster
from support import queues
from support.kube import eventually
from support.platform import Platform, condition, installed

RED, BLUE = "red", "blue"
GPU = {"gpus": 1, "terminationGracePeriodSeconds": 60}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A node with one GPU and Kueue, and two teams that share it; tintype is installed after Kueue."""
    cluster = devcluster.cluster(gpus=1, addons=("kueue",))
    with cluster as started, installed(started, tmp_path_factory.mktemp("shapes")) as platform:
        platform.pretend_gpus()
        for pool in (RED, BLUE):
            queues.flavor(platform, pool, {queues.POOL: pool})
        queues.cluster_queue(platform, "shared", queues.quota(RED, 1))
        queues.cluster_queue(platform, "pools", queues.quota(RED, 1))
        queues.cluster_queue(platform, "no-gpus", queues.quota(RED, 0))
        for name, of in (("team-a", "shared"), ("team-b", "shared"), ("team-c", "no-gpus"), ("pools", "pools")):
            queues.local_queue(platform, name, of)
        for name, value in (("low", 10), ("high", 1000)):
            queues.priority(platform, name, value)
        yield platform


@pytest.fixture(autouse=True)
def _red(shared: Platform) -> None:
    """Let the node be of the first pool again."""
    queues.label_node(shared, RED)


def in_queue(queue: str, epochs: int, priority: str = "low") -> dict[str, Any]:
    """Return what a version in a queue changes of the platform's spec."""
    return {
        "training": {"epochs": epochs},
        "compute": GPU,
        "runPolicy": {"queueName": queue, "queuePriorityClassName": priority, "preflight": "Never"},
    }


def epochs(status: dict[str, Any]) -> list[int]:
    return [entry["epoch"] for entry in status.get("history", [])]


def current_pod(platform: Platform, name: str) -> dict[str, Any]:
    """Return the Pod that status names, once its trainer trains."""
    status = eventually(lambda: platform.status(name), lambda status: status.get("phase") == "Training", 180)
    (pod,) = [pod for pod in platform.pods(name) if pod["metadata"]["uid"] == status["job"]["podUID"]]
    return pod


def test_a_quota_that_can_never_be_met_is_said(shared: Platform) -> None:
    shared.apply("too-large", in_queue("team-c", 1))
    said = queues.queued(shared, "too-large", "nvidia.com/gpu", "it is number 1 in the queue")
    assert said.startswith("queue team-c holds Job too-large-1: couldn't assign flavors to pod set main: ")
    assert shared.pods("too-large") == []
    shared.delete("too-large")


@pytest.mark.parametrize(
    ("name", "queue", "priority", "said"),
    [
        ("no-queue", "nobodys", "low", "runPolicy.queueName: LocalQueue nobodys is not in namespace default"),
        (
            "no-priority",
            "team-a",
            "urgent",
            "runPolicy.queuePriorityClassName: WorkloadPriorityClass urgent is not in the cluster",
        ),
    ],
)
def test_a_name_that_kueue_does_not_know_is_said(
    shared: Platform, name: str, queue: str, priority: str, said: str
) -> None:
    shared.apply(name, in_queue(queue, 1, priority))
    found = eventually(lambda: condition(shared.status(name), "Waiting"), lambda one: one.get("status") == "True")
    assert found["reason"] == "QueueMissing"
    assert said in found["message"]
    shared.delete(name)


def test_the_less_important_gives_way_in_an_epoch_and_goes_on_from_its_checkpoint(shared: Platform) -> None:
    shared.apply("low", in_queue("team-a", 24))
    before = eventually(lambda: shared.status("low"), lambda status: len(epochs(status)) >= 2, within_s=240)
    first, uid = current_pod(shared, "low"), queues.job(shared, "low")["metadata"]["uid"]
    shared.apply("high", in_queue("team-b", 2, "high"))
    said = queues.queued(shared, "low", "queue team-a holds Job low-1: ")
    assert "it is number 1 in the queue" in said
    away = shared.status("low")
    assert away["checkpoint"]["epoch"] >= len(epochs(before))
    assert away["history"][: len(epochs(before))] == before["history"]
    assert shared.ended("high")["phase"] == "Succeeded"

    second = current_pod(shared, "low")
    assert second["metadata"]["uid"] != first["metadata"]["uid"]
    status = shared.ended("low", within_s=300)
    assert status["phase"] == "Succeeded", status
    assert queues.job(shared, "low")["metadata"]["uid"] == uid, "the Job is made once"
    assert epochs(status) == list(range(1, 25))
    assert status["history"][: len(epochs(away))] == away["history"], "what was trained is not trained again"
    assert (status["attempt"], status["interruptions"]) == (1, 1)
    assert "failures" not in status


def test_a_closed_queue_evicts_and_an_open_one_admits_to_other_nodes(shared: Platform) -> None:
    shared.apply("moved", in_queue("pools", 1000))
    first = current_pod(shared, "moved")
    assert first["spec"]["nodeSelector"][queues.POOL] == RED
    queues.change_cluster_queue(shared, "pools", stopPolicy="HoldAndDrain")
    queues.queued(shared, "moved", "queue pools holds Job moved-1: ", "inactive")
    eventually(lambda: shared.pods("moved"), lambda pods: pods == [], within_s=60)

    queues.label_node(shared, BLUE)
    group = {"coveredResources": ["cpu", "memory", queues.GPU], "flavors": [queues.quota(BLUE, 1)]}
    queues.change_cluster_queue(shared, "pools", stopPolicy="None", resourceGroups=[group])
    second = current_pod(shared, "moved")
    assert second["spec"]["nodeSelector"][queues.POOL] == BLUE
    status = shared.status("moved")
    assert (status["attempt"], status["interruptions"]) == (1, 1)
    assert "failures" not in status
    assert condition(status, "Waiting")["status"] == "False"
    shared.delete("moved")


def test_a_closed_queue_holds_what_has_not_begun(shared: Platform) -> None:
    queues.change_cluster_queue(shared, "shared", stopPolicy="Hold")
    shared.apply("held", in_queue("team-b", 1))
    queues.queued(shared, "held", "queue team-b holds Job held-1: ", "inactive")
    queues.change_cluster_queue(shared, "shared", stopPolicy="None")
    assert shared.ended("held")["phase"] == "Succeeded"
