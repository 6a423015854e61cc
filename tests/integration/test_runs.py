"""Versions on a real node, from `kubectl apply` to their end, and what a user sees when it is no good one."""

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from support.kube import JOBS, VERSIONS, eventually
from support.platform import MODELS, NAMESPACE, SHAPES_SPEC, Platform, condition
from tintype_trainer.output.publishing import verify_manifest

TINTYPE = Path(sys.executable).with_name("tintype")
ENDLESS = {"training": {"epochs": None, "iterations": 1_000_000}}


@pytest.fixture(scope="module")
def published(platform: Platform) -> dict[str, Any]:
    platform.apply("shapes")
    status = platform.ended("shapes")
    assert status["phase"] == "Succeeded", status
    return status


def test_a_version_is_trained_and_published(published: dict[str, Any], platform: Platform) -> None:
    assert condition(published, "Complete")["status"] == "True"
    assert condition(published, "Complete")["reason"] == "Published"
    assert published["stage"] == "Publishing"
    assert [entry["epoch"] for entry in published["history"]] == [1, 2]
    assert published["progress"]["summary"] == "2 of 2 epochs"
    assert published["best"]["performanceIndicatorName"] == "accuracy"
    best = max(entry["validationAccuracy"] for entry in published["history"])
    assert published["best"]["performanceIndicator"] == round(best, 6)
    assert published["metrics"]["test"]["examples"] == 36
    assert published["artifacts"]["uri"] == f"s3://{MODELS}/default/shapes"
    platform.tools.run("kubectl", "wait", "--for=condition=Complete", "mv/shapes", "--timeout=5s")
    assert "Succeeded" in platform.tools.run("kubectl", "get", "mv", "shapes")


def test_unreadable_pictures_are_counted_and_listed(published: dict[str, Any]) -> None:
    dataset = published["dataset"]
    assert dataset["train"] + dataset["validation"] + dataset["test"] == 178
    assert dataset["unreadable"]["count"] == 2
    said = " ".join(dataset["unreadable"]["examples"])
    assert "circle/0000.png" in said
    assert "square/0000.png" in said


def test_manifest_names_every_file_of_the_bucket(
    published: dict[str, Any], platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in platform.cluster.environment.items():
        monkeypatch.setenv(name, value)
    artifacts = verify_manifest(published["artifacts"]["uri"], platform.store())
    assert artifacts.to_wire() == published["artifacts"]
    listed = platform.s3.list_objects_v2(Bucket=MODELS, Prefix="default/shapes/")["Contents"]
    names = [each["Key"].rpartition("/")[2] for each in listed]
    besides = {"manifest.json", "prepared.json", "selection.jsonl.gz"}
    assert len(names) == artifacts.files + len(besides), "the manifest and what was chosen come on top, no checkpoint"
    assert besides < set(names)


def test_without_a_cluster_the_same_comes_out(published: dict[str, Any], platform: Platform, tmp_path: Path) -> None:
    document = {"apiVersion": "tintype.dev/v1alpha1", "kind": "ModelVersion", "metadata": {"name": "shapes"}}
    file = tmp_path / "shapes.yaml"
    file.write_text(json.dumps(document | {"spec": SHAPES_SPEC}))
    data = f"dataset.uri={(platform.shapes / 'shapes.jsonl').as_uri()}"
    command = [TINTYPE, "run", str(file), "--output", (tmp_path / "out").as_uri(), "--set", data]
    subprocess.run([*command, "--cache", str(tmp_path / "cache")], check=True, capture_output=True, timeout=300)
    root = tmp_path / "out" / "default" / "shapes"
    manifest = json.loads((root / "manifest.json").read_text())
    (metrics,) = [entry["path"] for entry in manifest["files"] if entry["path"].endswith("metrics.jsonl")]
    lines = [json.loads(line) for line in (root / metrics).read_text().splitlines()]
    for local, reported in zip(lines, published["history"], strict=True):
        for key in ("validationAccuracy", "validationLoss", "trainLoss"):
            assert local[key] == reported[key], key


@dataclass(frozen=True)
class Failing:
    """A version that cannot train, and what its condition says."""

    name: str
    changes: dict[str, Any]
    reason: str
    words: tuple[str, ...]


BROKEN = "broken/line.jsonl"
FEW = "shapes/few.jsonl"
FAILING = (
    Failing("no-bucket", {"dataset": {"uri": "s3://nowhere-at-all/a.jsonl"}}, "NotFound", ("nowhere-at-all",)),
    Failing("no-key", {"dataset": {"uri": "s3://datasets/none.jsonl"}}, "NotFound", ("s3://datasets/none.jsonl",)),
    Failing("denied", {"storage": {"credentialsSecret": "wrong-keys"}}, "AccessDenied", ("s3://",)),
    Failing("no-json", {"dataset": {"uri": f"s3://datasets/{BROKEN}"}}, "DataError", ("line 3",)),
    Failing("no-example", {"concepts": ["circle", "square", "star"]}, "DataError", ("star",)),
    Failing(
        "unreadable",
        {"dataset": {"uri": f"s3://datasets/{FEW}"}},
        "DataError",
        ("2 of 30 pictures cannot be read", "circle/0000.png", "square/0000.png"),
    ),
    Failing(
        "no-weights",
        {"training": {"initialWeights": {"uri": "s3://datasets/none.safetensors"}}},
        "NotFound",
        ("s3://datasets/none.safetensors",),
    ),
)


@pytest.fixture(scope="module")
def failing(platform: Platform) -> None:
    lines = (platform.shapes / "shapes.jsonl").read_bytes().splitlines(keepends=True)
    platform.put(BROKEN, b"".join([*lines[:2], b"this is not JSON\n", *lines[3:]]))
    platform.put(FEW, b"".join([lines[0], *_few(lines)]))
    keys = {"AWS_ACCESS_KEY_ID": platform.cluster.environment["AWS_ACCESS_KEY_ID"], "AWS_SECRET_ACCESS_KEY": "wrong"}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "wrong-keys"}, "stringData": keys}
    platform.tools.run("kubectl", "apply", "--filename=-", stdin=json.dumps(secret))
    for case in FAILING:
        platform.apply(case.name, case.changes)


def _few(lines: list[bytes]) -> list[bytes]:
    """Return the lines of the first pictures of each concept; the two that cannot be read are among them."""
    return [line for line in lines[1:] for number in range(10) if b"/%04d.png" % number in line]


@pytest.mark.parametrize("case", FAILING, ids=lambda case: case.name)
@pytest.mark.usefixtures("failing")
def test_what_cannot_train_fails_once_in_one_sentence(case: Failing, platform: Platform) -> None:
    status = platform.ended(case.name)
    assert status["phase"] == "Failed"
    failed = condition(status, "Failed")
    assert (failed["status"], failed["reason"]) == ("True", case.reason), failed
    for word in case.words:
        assert word in failed["message"]
    assert "Traceback" not in failed["message"]
    assert "\n" not in failed["message"]
    (pod,) = platform.pods(case.name)
    log = platform.tools.run("kubectl", "logs", pod["metadata"]["name"])
    assert "Traceback" not in log
    assert failed["message"] in log
    platform.delete(case.name)


def test_a_killed_trainer_is_tried_again_though_the_operator_dies_too(platform: Platform) -> None:
    platform.apply("killed", {"training": {"epochs": 12}})
    first = platform.training("killed")["job"]
    platform.tools.run("kubectl", "--namespace=tintype", "delete", "pod", "--all", "--grace-period=0", "--force")
    platform.kill_trainer("killed")
    retrying = eventually(lambda: condition(platform.status("killed"), "Retrying"), within_s=60)
    assert retrying["reason"] == "Killed"
    assert "SIGKILL" in retrying["message"]
    status = platform.ended("killed")
    assert status["phase"] == "Succeeded", status
    assert status["job"]["uid"] == first["uid"], "the Job makes the new Pod, and no second Job is made"
    assert len({pod["metadata"]["uid"] for pod in platform.pods("killed")}) == 2
    assert len(platform.kube.items(JOBS.format(NAMESPACE), labelSelector="tintype.dev/modelversion=killed")) == 1
    assert [entry["epoch"] for entry in status["history"]] == list(range(1, 13))


def test_over_its_memory_limit_is_named_and_tried_again(platform: Platform) -> None:
    platform.apply("memory", {"training": {"epochs": 12}})
    platform.training("memory")
    _use_up_memory(platform, "memory")
    retrying = eventually(lambda: condition(platform.status("memory"), "Retrying"), within_s=60)
    assert retrying["reason"] == "OOMKilled"
    assert "compute.memory" in retrying["message"]
    assert "2Gi" in retrying["message"]
    assert platform.ended("memory")["phase"] == "Succeeded"
    pods = platform.pods("memory")
    assert len(pods) == 2
    reasons = {pod["status"]["containerStatuses"][0]["state"]["terminated"]["reason"] for pod in pods}
    assert reasons == {"OOMKilled", "Completed"}


def _use_up_memory(platform: Platform, name: str) -> None:
    """Fill the memory of the trainer's container by another process in it, and have the kernel choose the trainer."""
    trainer = platform.process(name)
    Path(f"/proc/{trainer}/oom_score_adj").write_text("1000")
    (pod,) = platform.pods(name)
    hog = "held = []\nwhile True: held.append(b'x' * 2**24)"
    kubectl = [platform.cluster.programs / "kubectl", f"--kubeconfig={platform.cluster.kubeconfig}"]
    command = [*kubectl, "exec", pod["metadata"]["name"], "--", "python", "-c", hog]
    subprocess.run(command, check=False, capture_output=True, timeout=60)
    eventually(lambda: not Path(f"/proc/{trainer}").exists(), within_s=30)


def test_too_little_memory_fails_by_that_name(platform: Platform) -> None:
    changes = {"compute": {"memory": "128Mi"}, "runPolicy": {"backoffLimit": 0}}
    platform.apply("tiny", changes)
    status = platform.ended("tiny")
    failed = condition(status, "Failed")
    assert status["phase"] == "Failed"
    assert failed["reason"] == "OOMKilled", failed
    assert "128Mi" in failed["message"]


def test_a_deleted_version_takes_all_that_it_owned_with_it(platform: Platform) -> None:
    platform.apply("deleted", ENDLESS)
    platform.training("deleted")
    platform.delete("deleted")
    selector = "tintype.dev/modelversion=deleted"
    eventually(lambda: platform.kube.items(JOBS.format(NAMESPACE), labelSelector=selector) == [], within_s=30)
    eventually(lambda: platform.pods("deleted"), lambda pods: pods == [], within_s=60)
    assert platform.kube.find(f"{VERSIONS.format(NAMESPACE)}/deleted") is None


def test_training_goes_on_while_the_api_server_is_away(platform: Platform) -> None:
    platform.apply("away", ENDLESS)
    before = platform.training("away")
    with platform.cluster.paused("kube-apiserver"):
        time.sleep(30)
    eventually(lambda: _answers(platform), within_s=60)
    after = eventually(
        lambda: platform.status("away"),
        lambda status: status["progress"]["iteration"] > before["progress"]["iteration"] + 30,
        within_s=60,
    )
    assert after["job"] == before["job"], "the Pod that trained before still trains"
    (pod,) = platform.pods("away")
    assert pod["status"]["containerStatuses"][0]["restartCount"] == 0
    platform.delete("away")


def _answers(platform: Platform) -> bool:
    done = subprocess.run(
        [platform.cluster.programs / "kubectl", f"--kubeconfig={platform.cluster.kubeconfig}", "get", "--raw=/readyz"],
        check=False,
        capture_output=True,
    )
    return done.returncode == 0
