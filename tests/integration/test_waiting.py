"""What a version on a real node waits for, what it says of that, and how it goes on once that is there."""

import json
from typing import Any

import pytest

from support.kube import PODS, eventually
from support.platform import NAMESPACE, Platform, condition
from tintype_operator.observe import observe_pod
from tintype_operator.waiting import for_container

ENDLESS = {"training": {"epochs": None, "iterations": 1_000_000}, "compute": {"terminationGracePeriodSeconds": 10}}
NODE = "api/v1/nodes/node1"
GPU = "example.com/gpu"


def waiting(platform: Platform, name: str, reason: str) -> str:
    """Return the sentence of `Waiting` once it is True for a reason."""
    found = eventually(
        lambda: condition(platform.status(name), "Waiting"),
        lambda one: (one.get("status"), one.get("reason")) == ("True", reason),
        within_s=60,
    )
    return str(found["message"])


def started(platform: Platform, name: str) -> None:
    """Wait until nothing is waited for any more, and the trainer has reported."""
    eventually(
        lambda: condition(platform.status(name), "Waiting"),
        lambda one: (one["status"], one["reason"]) == ("False", "Started"),
        within_s=60,
    )


def set_image(platform: Platform, pod: str, image: str) -> None:
    """`kubectl set image`, of which a Pod takes notice as long as its container does not run."""
    platform.tools.run("kubectl", "set", "image", f"pod/{pod}", f"trainer={image}")


def test_a_secret_and_an_image_that_are_missing_are_waited_for(platform: Platform) -> None:
    platform.apply("needs", ENDLESS | {"storage": {"credentialsSecret": "later-keys"}})
    said = "Secret later-keys is missing in namespace default; create it, or correct storage.credentialsSecret"
    assert waiting(platform, "needs", "ContainerConfig") == said
    (pod,) = platform.pods("needs")
    name, image = pod["metadata"]["name"], pod["spec"]["containers"][0]["image"]
    assert platform.status("needs")["phase"] == "Pending"

    set_image(platform, name, "tintype-trainer:none")
    said = waiting(platform, "needs", "ImagePull")
    assert said.startswith("image tintype-trainer:none cannot be pulled: ")
    assert said.endswith("; correct the operator's trainer image, or add podTemplate.imagePullSecrets")

    set_image(platform, name, image)
    waiting(platform, "needs", "ContainerConfig")
    keys = {key: platform.cluster.environment[key] for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "later-keys"}, "stringData": keys}
    platform.tools.run("kubectl", "apply", "--filename=-", stdin=json.dumps(secret))
    started(platform, "needs")
    assert platform.training("needs")["job"]["podUID"] == pod["metadata"]["uid"], "it is the same Pod that goes on"
    platform.delete("needs")


def test_what_a_node_says_of_an_image_that_it_cannot_pull_is_known(platform: Platform) -> None:
    """Trainers' Pods are made with the development images, which are never pulled; this one is."""
    container: dict[str, Any] = {
        "name": "trainer",
        "image": "tintype-trainer:none",
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    security = {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}}
    pod = {"metadata": {"name": "unpulled"}, "spec": {"securityContext": security, "containers": [container]}}
    platform.kube.must("POST", PODS.format(NAMESPACE), pod)
    path = f"{PODS.format(NAMESPACE)}/unpulled"
    for reason in ("ErrImagePull", "ImagePullBackOff"):
        seen = eventually(
            lambda: observe_pod(platform.kube.get(path)),
            lambda seen: seen.wait is not None and seen.wait.reason == reason,  # noqa: B023 - called at once
            within_s=90,
        )
        because = for_container(seen)
        assert because.reason == "ImagePull"
        assert because.message.startswith("image tintype-trainer:none cannot be pulled: ")
        assert "Back-off" not in because.message
    platform.kube.must("DELETE", path, gracePeriodSeconds="0")


@pytest.fixture
def another_gpu(platform: Platform) -> Any:  # noqa: ANN401 - a callable and its undoing
    """Give the node as many GPUs of another make as are asked for; none in the end."""

    def claim(count: int) -> None:
        change = [
            {"op": "add", "path": f"/status/{field}/example.com~1gpu", "value": str(count)}
            for field in ("capacity", "allocatable")
        ]
        platform.kube.must("PATCH", f"{NODE}/status", change, "application/json-patch+json")

    yield claim
    claim(0)


def test_a_gpu_that_no_node_has_is_named_and_waited_for(platform: Platform, another_gpu: Any) -> None:  # noqa: ANN401
    compute, policy = {"gpus": 1, "gpuResource": GPU}, {"backoffLimit": 0, "preflight": "Never"}
    platform.apply("rare", {"compute": compute, "runPolicy": policy})
    said = waiting(platform, "rare", "Unschedulable")
    assert f"has a free {GPU}: 0/1 nodes are available: 1 Insufficient {GPU}" in said
    assert said.endswith("; where no node has any, correct compute.gpuResource or podTemplate.nodeSelector")
    another_gpu(1)
    started(platform, "rare")
    failed = condition(platform.ended("rare"), "Failed")
    assert failed["reason"] == "EnvironmentError", "the GPU is only claimed"
    assert "compute.gpus is 1, but torch finds no CUDA GPU" in failed["message"]
    platform.delete("rare")
