"""The release as people get it: the two real images, the chart of the version before and its upgrade, on a real node.

Run by `make e2e`, which builds the images; the figures that it prints go into docs/install/release.md.
"""

import json
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from demo.install import CHART, put_release, release_values

import devcluster
from support.kube import PODS, eventually
from support.platform import NAMESPACE, Platform, condition, installed

ROOT = Path(__file__).parents[2]
TAG = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
PREVIOUS_TAG = "0.1.0"
PREVIOUS = ROOT / "tests" / "chart" / "previous" / f"tintype-{PREVIOUS_TAG}.tgz"
SYSTEM = "tintype-system"
LONG: dict[str, Any] = {"training": {"epochs": 40}}
FIGURES: dict[str, Any] = {}


@pytest.fixture(scope="module")
def platform(images: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """The chart of the version before, with the real images, on a node."""
    started = time.monotonic()
    with devcluster.cluster(gpus=1, images=tuple(images.values())) as cluster:
        FIGURES["cluster with the images, s"] = round(time.monotonic() - started)
        started = time.monotonic()
        with installed(cluster, tmp_path_factory.mktemp("shapes"), PREVIOUS, _values(PREVIOUS_TAG)) as platform:
            FIGURES["helm install until the operator is ready, s"] = round(time.monotonic() - started)
            yield platform
    print(json.dumps(FIGURES, indent=1))


def _values(operator: str) -> dict[str, Any]:
    """Return the chart's values for the operator of a version."""
    images = {
        name: {"image": {"tag": tag, "pullPolicy": "Never"}} for name, tag in (("operator", operator), ("trainer", TAG))
    }
    return {**images, "operator": {**images["operator"], "resources": {"requests": {"cpu": "0"}}}}


def test_both_namespaces_enforce_restricted_pod_security(platform: Platform) -> None:
    for namespace in (SYSTEM, NAMESPACE):
        labels = platform.kube.get(f"api/v1/namespaces/{namespace}")["metadata"]["labels"]
        assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_from_kubectl_apply_to_published(platform: Platform) -> None:
    started = time.monotonic()
    platform.apply("shapes-1")
    status = platform.ended("shapes-1", within_s=600)
    FIGURES["kubectl apply to published, 2 epochs of 56 pictures, s"] = round(time.monotonic() - started)
    assert status["phase"] == "Succeeded", status["conditions"]
    files = {found["Key"].rsplit("/", 1)[1] for found in _published(platform, "shapes-1")}
    assert {"manifest.json", "best.safetensors", "model.json"} <= files, files


def test_an_evicted_training_resumes(platform: Platform) -> None:
    platform.apply("shapes-2", LONG)
    eventually(lambda: platform.status("shapes-2"), lambda status: "checkpoint" in status, 300)
    pod = _running(platform, "shapes-2")
    name = pod["metadata"]["name"]
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": NAMESPACE}}
    platform.kube.must("POST", f"{PODS.format(NAMESPACE)}/{name}/eviction", eviction)
    status = platform.ended("shapes-2", within_s=600)
    assert status["phase"] == "Succeeded", status["conditions"]
    assert status["interruptions"] == 1
    assert len(_uids(platform, "shapes-2") - {pod["metadata"]["uid"]}) == 1


def test_an_upgrade_of_the_chart_leaves_a_training_alone(platform: Platform) -> None:
    platform.apply("shapes-3", LONG)
    platform.training("shapes-3", within_s=300)
    pod = _running(platform, "shapes-3")
    before = platform.version("shapes-1")
    started = time.monotonic()
    put_release(platform.tools, "upgrade", CHART, release_values(platform.cluster.environment, _values(TAG)))
    FIGURES["helm upgrade until the operator is ready, s"] = round(time.monotonic() - started)
    assert platform.status("shapes-3")["phase"] == "Training"
    status = platform.ended("shapes-3", within_s=600)
    assert status["phase"] == "Succeeded", status["conditions"]
    assert _uids(platform, "shapes-3") == {pod["metadata"]["uid"]}
    assert "interruptions" not in status
    assert platform.version("shapes-1") == before
    assert condition(status, "Complete")["status"] == "True"


def test_a_deleted_version_ends_its_training_and_keeps_what_is_published(platform: Platform) -> None:
    platform.apply("shapes-4", LONG)
    platform.training("shapes-4", within_s=300)
    platform.delete("shapes-4")
    eventually(lambda: platform.pods("shapes-4"), lambda pods: not pods, 120)
    platform.delete("shapes-1")
    assert _published(platform, "shapes-1")


def test_the_images_say_their_version(platform: Platform) -> None:
    said = platform.tools.run(
        "kubectl", "exec", f"--namespace={SYSTEM}", "deployment/tintype-operator", "--", "tintype", "--version"
    )
    assert said.strip() == f"tintype {TAG}"


def _running(platform: Platform, name: str) -> dict[str, Any]:
    (pod,) = [pod for pod in platform.pods(name) if pod["status"]["phase"] == "Running"]
    return pod


def _uids(platform: Platform, name: str) -> set[str]:
    return {pod["metadata"]["uid"] for pod in platform.pods(name)}


def _published(platform: Platform, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = platform.s3.list_objects_v2(Bucket="models", Prefix=f"{NAMESPACE}/{name}/")[
        "Contents"
    ]
    return found
