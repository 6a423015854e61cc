"""The Job of an attempt: a golden file, and what must hold of every Job."""

import json
from pathlib import Path
from typing import Any

import pytest

from support.golden import check_golden
from support.operator_objects import stored_version
from tintype_api.constants import LibraryPage
from tintype_api.modelversion import ModelVersion, model_digest, resolve
from tintype_api.spec.run import Storage
from tintype_operator.decisions import CreateJob
from tintype_operator.job_manifest import job_manifest, service_manifest
from tintype_operator.settings import TrainerSettings

GOLDEN = Path(__file__).parent / "golden"


def manifest(
    changes: dict[str, Any] | None = None,
    *,
    trainer: TrainerSettings | None = None,
    storage: Storage | None = None,
) -> dict[str, Any]:
    version = resolve(ModelVersion.parse(stored_version(changes)), storage)
    creation = CreateJob(version, "bottles-1-1", 1, model_digest(version.spec), version.spec.run_policy.backoff_limit)
    return job_manifest(creation, trainer or TrainerSettings(image="registry.example.com/trainer:1"))


def pod_spec(job: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = job["spec"]["template"]["spec"]
    return spec


def container(job: dict[str, Any]) -> dict[str, Any]:
    one: dict[str, Any] = pod_spec(job)["containers"][0]
    return one


def test_golden_job() -> None:
    job = manifest(
        {
            "spec.podTemplate": {
                "nodeSelector": {"pool": "gpu"},
                "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}],
                "serviceAccountName": "trainer",
                "imagePullSecrets": [{"name": "registry"}],
            },
            "spec.runPolicy": {
                "queueName": "team-a",
                "queuePriorityClassName": "low",
                "priorityClassName": "batch",
            },
        },
        trainer=TrainerSettings(image="registry.example.com/trainer:1", runtime_class="nvidia"),
        storage=Storage(endpoint="https://s3.example.com", region="eu-west-1", credentials_secret="s3"),
    )
    check_golden(GOLDEN / "job.json", json.dumps(job, indent=2) + "\n")


def test_the_annotation_is_the_resolved_version_that_the_trainer_reads() -> None:
    annotations = manifest()["spec"]["template"]["metadata"]["annotations"]
    version = ModelVersion.parse(json.loads(annotations["tintype.dev/modelversion"]))
    assert version.metadata.uid == "version-uid"
    assert version.spec.training.optimizer.learning_rate == 0.032
    assert resolve(version) == version


def test_a_version_without_gpus_asks_for_none() -> None:
    resources = container(manifest({"spec.compute": {"gpus": 0, "cpu": "500m", "memory": "1Gi"}}))["resources"]
    assert resources == {side: {"cpu": "500m", "memory": "1Gi"} for side in ("requests", "limits")}


def test_credentials_come_only_from_a_secret_that_is_named() -> None:
    assert "envFrom" not in container(manifest())
    assert container(manifest({"spec.storage.credentialsSecret": "mine"}))["envFrom"] == [
        {"secretRef": {"name": "mine"}}
    ]


def test_nothing_else_is_in_the_pod_than_what_is_asked_for() -> None:
    plain = pod_spec(manifest())
    assert not {"runtimeClassName", "nodeSelector", "tolerations", "imagePullSecrets", "priorityClassName"} & set(plain)
    assert "ttlSecondsAfterFinished" not in manifest()["spec"], "set only once the end is latched"


def test_only_the_job_is_in_the_queue() -> None:
    job = manifest({"spec.runPolicy": {"queueName": "team-a"}})
    assert job["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "team-a"
    assert not [label for label in job["spec"]["template"]["metadata"]["labels"] if "kueue" in label]
    assert not [label for label in manifest()["metadata"]["labels"] if "kueue" in label]
    assert "suspend" not in job["spec"], "that is the queue's"


@pytest.mark.parametrize("pretended", [True, False])
def test_only_tests_let_a_cpu_stand_for_a_gpu(pretended: bool) -> None:
    job = manifest(trainer=TrainerSettings(image="trainer", cpu_stands_for_gpu=pretended))
    names = [one["name"] for one in container(job)["env"]]
    assert ("TINTYPE_TEST_CPU_STANDS_FOR_GPU" in names) is pretended


def test_the_trainer_is_told_which_page_of_the_library_to_keep() -> None:
    job = manifest(trainer=TrainerSettings(image="trainer", library=LibraryPage.NAMESPACE))
    assert {"name": "TINTYPE_LIBRARY", "value": "Namespace"} in container(job)["env"]
    assert "TINTYPE_LIBRARY" not in [one["name"] for one in container(manifest())["env"]]


def test_the_operators_secrets_for_registries_come_after_the_versions_own() -> None:
    settings = TrainerSettings(image="trainer", pull_secrets=("cluster", "team"))
    secrets = {"spec.podTemplate": {"imagePullSecrets": [{"name": "team"}]}}
    pod = manifest(secrets, trainer=settings)["spec"]["template"]["spec"]
    assert pod["imagePullSecrets"] == [{"name": "team"}, {"name": "cluster"}]
    assert "imagePullSecrets" not in manifest()["spec"]["template"]["spec"]


def test_golden_job_of_several_nodes() -> None:
    job = manifest({"spec.compute": {"nodes": 2, "gpus": 4}})
    check_golden(GOLDEN / "job_of_several_nodes.json", json.dumps(job, indent=2) + "\n")


def test_golden_service_of_several_nodes() -> None:
    version = resolve(ModelVersion.parse(stored_version({"spec.compute": {"nodes": 2}})))
    check_golden(GOLDEN / "service_of_several_nodes.json", json.dumps(service_manifest(version), indent=2) + "\n")


def test_the_preflight_of_several_nodes_is_one_pod() -> None:
    version = resolve(ModelVersion.parse(stored_version({"spec.compute": {"nodes": 2}})))
    creation = CreateJob(version, "bottles-1-preflight", 0, model_digest(version.spec), 3)
    job = job_manifest(creation, TrainerSettings(image="registry.example.com/trainer:1"))
    assert "completions" not in job["spec"]
    assert "podFailurePolicy" in job["spec"]
