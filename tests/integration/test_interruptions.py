"""Trainings on a real node whose Pods are ended from outside: evicted, deleted, drained, and lost with their node."""

from typing import Any

from support.kube import PODS, eventually
from support.platform import NAMESPACE, Platform, condition

BRIEF = {"terminationGracePeriodSeconds": 10}
SHORT = {"training": {"epochs": 12}, "compute": BRIEF}


def current_pod(platform: Platform, name: str) -> dict[str, Any]:
    """Return the Pod that status names."""
    uid = platform.training(name)["job"]["podUID"]
    (pod,) = [pod for pod in platform.pods(name) if pod["metadata"]["uid"] == uid]
    return pod


def retrying(platform: Platform, name: str, within_s: float = 60) -> dict[str, Any]:
    """Return the condition Retrying once it is True."""
    return eventually(
        lambda: condition(platform.status(name), "Retrying"), lambda found: found.get("status") == "True", within_s
    )


def test_an_eviction_and_a_deletion_are_interruptions(platform: Platform) -> None:
    platform.apply("moved", SHORT)
    pod = current_pod(platform, "moved")["metadata"]["name"]
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": NAMESPACE}}
    platform.kube.must("POST", f"{PODS.format(NAMESPACE)}/{pod}/eviction", eviction)
    assert retrying(platform, "moved")["reason"] == "Evicted"
    eventually(lambda: platform.status("moved").get("interruptions") == 1)
    second = eventually(
        lambda: [each for each in platform.pods("moved") if each["metadata"]["name"] != pod], within_s=60
    )
    name = second[0]["metadata"]["name"]
    eventually(lambda: platform.status("moved")["phase"] == "Training", within_s=120)
    platform.tools.run("kubectl", "delete", "pod", name, "--wait=false")
    eventually(lambda: platform.status("moved").get("interruptions") == 2, within_s=60)
    status = platform.ended("moved")
    assert status["phase"] == "Succeeded", status
    assert "failures" not in status
    assert status["attempt"] == 1


def test_a_drained_node_is_waited_for(platform: Platform) -> None:
    platform.apply("drained", {"training": {"epochs": 1000}, "compute": BRIEF})
    pod = current_pod(platform, "drained")
    node = pod["spec"]["nodeName"]
    only = "--pod-selector=tintype.dev/modelversion=drained"
    try:
        platform.tools.run("kubectl", "drain", node, "--ignore-daemonsets", "--delete-emptydir-data", only)
        found = retrying(platform, "drained")
        assert found["reason"] == "Evicted"
        assert f"Pod {pod['metadata']['name']} was evicted, as kubectl drain does" in found["message"]
        waits = eventually(
            lambda: condition(platform.status("drained"), "Waiting"),
            lambda one: (one["status"], one["reason"]) == ("True", "Unschedulable"),
            within_s=60,
        )
        assert "1 node(s) were unschedulable" in waits["message"]
    finally:
        platform.tools.run("kubectl", "uncordon", node)
    status = eventually(lambda: platform.status("drained"), lambda status: status["phase"] == "Training", within_s=180)
    assert condition(status, "Waiting")["status"] == condition(status, "Retrying")["status"] == "False"
    assert (status["interruptions"], status["attempt"]) == (1, 1)
    assert "failures" not in status
    platform.delete("drained")


def test_a_training_leaves_a_node_that_does_not_answer(platform: Platform) -> None:
    platform.apply("lost", {"training": {"epochs": 1000}, "compute": BRIEF})
    pod = current_pod(platform, "lost")
    with platform.cluster.paused("kubelet"):
        # As Kubernetes does where another node still answers; where none does, it blames the network and waits.
        platform.tools.run("kubectl", "delete", "pod", pod["metadata"]["name"], "--wait=false")
        found = retrying(platform, "lost", 90)
        status = eventually(lambda: platform.status("lost"), lambda status: status["attempt"] == 2, within_s=30)
        assert found["reason"] == "NodeLost"
        assert f"Pod {pod['metadata']['name']} has not ended though its time is over" in found["message"]
        assert status["interruptions"] == 1
        assert status["job"]["name"] == "lost-2"
        left = [each["metadata"]["uid"] for each in platform.pods("lost")]
        assert pod["metadata"]["uid"] in left, "nobody can remove it"
    again = eventually(
        lambda: platform.status("lost"), lambda status: status["phase"] in {"Preparing", "Training"}, within_s=180
    )
    assert again["job"]["podUID"] != pod["metadata"]["uid"]
    eventually(lambda: len(platform.pods("lost")) == 1, within_s=120)
    platform.delete("lost")
