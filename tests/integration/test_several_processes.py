"""Trainings of several processes on a real node: two GPUs of one Pod, and Pods that find each other by their names."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import devcluster
from support.kube import PODS, eventually
from support.operator_process import SYSTEM
from support.platform import NAMESPACE, Platform, condition, installed
from tintype_api.constants import ANNOTATION_INDEX

WITHOUT_BATCH_NORM = {
    "architecture": "timm/test_vit",
    "optimizer": {"type": "Momentum", "learningRate": 0.01},
    "epochs": 2,
}
TWO_NODES = {"nodes": 2, "cpu": "500m", "terminationGracePeriodSeconds": 30}
TWO_GPUS = {"gpus": 2, "cpu": "900m", "memory": "3Gi", "terminationGracePeriodSeconds": 30}


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A node with two GPUs, names for Pods, and tintype."""
    cluster = devcluster.cluster(gpus=2, addons=("coredns",))
    with cluster as started, installed(started, tmp_path_factory.mktemp("shapes")) as platform:
        platform.pretend_gpus()
        yield platform


def _losses(platform: Platform, name: str) -> list[float]:
    status = platform.ended(name, 300)
    assert status["phase"] == "Succeeded", status
    history = status["history"]
    return [entry[field] for entry in history for field in ("trainLoss", "validationLoss")]


def test_one_process_two_gpus_and_two_nodes_train_alike(platform: Platform) -> None:
    for name, compute in (("one", {}), ("gpus", TWO_GPUS), ("nodes", TWO_NODES)):
        platform.apply(name, {"training": WITHOUT_BATCH_NORM, "compute": compute})
    expected = _losses(platform, "one")
    assert _losses(platform, "gpus") == pytest.approx(expected, rel=1e-3)
    assert _losses(platform, "nodes") == pytest.approx(expected, rel=1e-3)
    assert platform.status("gpus")["job"]["name"] == "gpus-1"
    indices = [pod["metadata"]["annotations"][ANNOTATION_INDEX] for pod in platform.pods("nodes")]
    assert sorted(indices) == ["0", "1"]
    for name in ("one", "gpus", "nodes"):
        platform.delete(name)


def _pod(platform: Platform, name: str, attempt: int, index: int) -> dict[str, Any]:
    def found() -> list[dict[str, Any]]:
        labels = {"tintype.dev/attempt": str(attempt)}
        return [
            pod
            for pod in platform.pods(name)
            if labels.items() <= pod["metadata"]["labels"].items()
            and pod["metadata"]["annotations"][ANNOTATION_INDEX] == str(index)
        ]

    (pod,) = eventually(found, within_s=120)
    return pod


def _evict(platform: Platform, pod: dict[str, Any]) -> None:
    name = pod["metadata"]["name"]
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": NAMESPACE}}
    platform.kube.must("POST", f"{PODS.format(NAMESPACE)}/{name}/eviction", eviction)


def _scale_operator(platform: Platform, replicas: int) -> None:
    operator = ("deployment/tintype-operator", f"--namespace={SYSTEM}")
    platform.tools.run("kubectl", "scale", *operator, f"--replicas={replicas}")
    platform.tools.run("kubectl", "rollout", "status", *operator, "--timeout=120s")
    eventually(lambda: platform.kube.items(PODS.format(SYSTEM)), lambda pods: len(pods) == replicas, within_s=60)


def test_an_eviction_that_no_operator_sees_is_no_failure(platform: Platform) -> None:
    """Of the Pods nothing is left when the operator comes back; a drain may well take its Pod and theirs at once."""
    platform.apply("unseen", {"training": {"epochs": 1000}, "compute": TWO_NODES, "runPolicy": {"backoffLimit": 0}})
    platform.training("unseen", 240)
    _scale_operator(platform, 0)
    for index in (0, 1):
        _evict(platform, _pod(platform, "unseen", 1, index))
    eventually(lambda: platform.pods("unseen"), lambda pods: pods == [], within_s=120)
    assert platform.status("unseen")["attempt"] == 1
    _scale_operator(platform, 1)
    status = eventually(lambda: platform.status("unseen"), lambda status: status["attempt"] == 2, within_s=60)
    assert (status["interruptions"], status.get("failures")) == (1, None)
    assert "was deleted before it was seen how it ended" in condition(status, "Retrying")["message"]
    platform.delete("unseen")


def test_an_eviction_of_one_pod_starts_all_anew_from_the_checkpoint(platform: Platform) -> None:
    platform.apply("moved", {"training": {"epochs": 30}, "compute": TWO_NODES})
    before = eventually(lambda: platform.status("moved"), lambda status: "checkpoint" in status, within_s=240)
    assert before["job"]["podUID"] == _pod(platform, "moved", 1, 0)["metadata"]["uid"]
    _evict(platform, _pod(platform, "moved", 1, 1))
    status = eventually(lambda: platform.status("moved"), lambda status: status["attempt"] == 2, within_s=120)
    assert status["interruptions"] == 1
    assert "failures" not in status
    # An evicted Pod may be gone before the others have ended; then it is known only that they were told to.
    assert condition(status, "Retrying")["reason"] in {"Evicted", "Interrupted"}
    status = eventually(lambda: platform.status("moved"), lambda status: status["phase"] == "Training", within_s=240)
    assert status["job"]["podUID"] == _pod(platform, "moved", 2, 0)["metadata"]["uid"]
    platform.tools.run(
        "kubectl", "patch", "mv", "moved", "--type=merge", "--patch", '{"spec":{"runPolicy":{"stop":true}}}'
    )
    status = platform.ended("moved")
    assert status["phase"] == "Stopped", status
    epochs = [entry["epoch"] for entry in status["history"]]
    assert epochs[: len(before["history"])] == [entry["epoch"] for entry in before["history"]]
    assert sorted(set(epochs)) == epochs
    platform.delete("moved")


def test_a_suspension_lets_both_nodes_go(platform: Platform) -> None:
    platform.apply("paused", {"training": {"epochs": 1000}, "compute": TWO_NODES})
    platform.training("paused", 240)
    platform.tools.run(
        "kubectl", "patch", "mv", "paused", "--type=merge", "--patch", '{"spec":{"runPolicy":{"suspend":true}}}'
    )
    status = eventually(lambda: platform.status("paused"), lambda one: one["phase"] == "Suspended", within_s=90)
    assert platform.pods("paused") == []
    assert status["checkpoint"]["iteration"] > 0
    assert {"failures", "interruptions"}.isdisjoint(status)
    platform.delete("paused")


def test_a_process_that_is_killed_ends_its_pod_with_a_reason(platform: Platform) -> None:
    platform.apply("killed", {"training": {"epochs": 1000}, "compute": TWO_GPUS, "runPolicy": {"backoffLimit": 0}})
    platform.training("killed", 240)
    launcher = platform.process("killed")
    children = Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split()
    assert len(children) == 2
    os.kill(int(children[1]), signal.SIGKILL)
    status = platform.ended("killed")
    failure = condition(status, "Failed")
    assert failure["reason"] == "Killed"
    assert "process 1 of 2 was killed by signal 9 (SIGKILL)" in failure["message"]
    platform.delete("killed")


def test_a_pod_that_finds_no_node_is_named_while_the_other_waits(platform: Platform) -> None:
    platform.apply("waits", {"compute": {"gpus": 2, "nodes": 2, "memory": "3Gi"}, "runPolicy": {"preflight": "Never"}})
    waits = eventually(
        lambda: condition(platform.status("waits"), "Waiting"), lambda one: one.get("reason") == "Unschedulable", 90
    )
    assert "no node that may take Pod waits-1-" in waits["message"]
    assert "has a free nvidia.com/gpu" in waits["message"]
    platform.delete("waits")
    eventually(lambda: platform.pods("waits") == [], within_s=90)
