"""The chart on a real API server: upgraded from the version before with versions there, and what its values do."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from devcluster import cluster
from support.kube import MERGE, VERSIONS, Kube, eventually
from support.modelversions import modelversion
from support.shell import Shell

ROOT = Path(__file__).parents[2]
CHART = ROOT / "helm" / "tintype"
PREVIOUS = ROOT / "tests" / "chart" / "previous" / "tintype-0.1.0.tgz"
VERSIONS_PATH = VERSIONS.format("default")


@pytest.fixture
def shell() -> Iterator[Shell]:
    """A cluster of its own for each test: the CRD is the cluster's, and it stays."""
    with cluster(node=False) as fresh:
        yield Shell(fresh)


@pytest.fixture
def kube(shell: Shell) -> Iterator[Kube]:
    kube = Kube(shell.kubeconfig)
    yield kube
    kube.close()


def helm(shell: Shell, verb: str, chart: Path, values: dict[str, Any] | None = None) -> None:
    command = f"helm {verb} tintype {chart} --namespace=tintype --create-namespace --values=-"
    shell(command, stdin=json.dumps(values or {}))
    shell("kubectl wait --for=condition=Established crd/modelversions.tintype.dev --timeout=30s")


def test_versions_live_through_upgrade_rollback_and_uninstall(shell: Shell, kube: Kube) -> None:
    helm(shell, "install", PREVIOUS)
    kube.must("POST", VERSIONS_PATH, modelversion(name="bottles-1"))
    before = kube.patch_status(f"{VERSIONS_PATH}/bottles-1", {"phase": "Training"})

    def is_as_before() -> bool:
        return kube.get(f"{VERSIONS_PATH}/bottles-1") == before

    helm(shell, "upgrade", CHART, {"limits": {"gpus": 1}, "defaults": {"compute": {"memory": "8Gi"}}})
    assert shell.get("deployment tintype-operator --namespace=tintype")["metadata"]["labels"]["helm.sh/chart"] == (
        "tintype-0.2.0"
    )
    assert is_as_before()
    shell("helm rollback tintype 1 --namespace=tintype")
    assert "tintype-limits" not in shell("kubectl get validatingadmissionpolicy --output=name")
    assert is_as_before()
    shell("helm uninstall tintype --namespace=tintype")
    assert is_as_before()


def test_a_crd_that_is_not_to_be_kept_goes_with_the_release(shell: Shell, kube: Kube) -> None:
    helm(shell, "install", CHART)
    kube.must("POST", VERSIONS_PATH, modelversion(name="bottles-1"))
    helm(shell, "upgrade", CHART, {"crd": {"keep": False}})
    shell("helm uninstall tintype --namespace=tintype --wait")
    assert "tintype" not in shell("kubectl get crd,validatingadmissionpolicy --output=name")


def test_the_defaults_of_the_chart_are_those_of_the_crd(shell: Shell, kube: Kube) -> None:
    helm(shell, "install", CHART, {"defaults": {"compute": {"gpus": 2, "memory": "8Gi", "gpuResource": "amd.com/gpu"}}})
    bare = modelversion(name="bare")
    bare["spec"].pop("compute", None)
    some = modelversion({"spec.compute": {"memory": "1Gi"}}, name="some")
    compute = [kube.must("POST", VERSIONS_PATH, one)["spec"]["compute"] for one in (bare, some)]
    assert [(one["gpus"], one["memory"], one["gpuResource"], one["cpu"]) for one in compute] == [
        (2, "8Gi", "amd.com/gpu", "4"),
        (2, "1Gi", "amd.com/gpu", "4"),
    ]


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"spec.dataset": {"uri": "s3://team-b/set.jsonl"}}, "spec.dataset.uri is outside of s3://team-a/, s3://shared/"),
    ({"spec.dataset": {"uri": "s3://team-a/../team-b/set.jsonl"}}, "spec.dataset.uri is outside of"),
    ({"spec.dataset": {"uri": "file:///data/set.jsonl"}}, "spec.dataset.uri is outside of"),
    ({"spec.dataset": {"validation": {"uri": "s3://team-ab/x.jsonl"}}}, "spec.dataset.validation.uri is outside of"),
    ({"spec.output": {"uri": "s3://elsewhere"}}, "spec.output.uri is outside of"),
    ({"spec.training": {"initialWeights": {"uri": "s3://b-b/w.pth"}}}, "spec.training.initialWeights.uri is outside"),
    ({"spec.training": {"architecture": "resnet50"}}, "spec.training.architecture is none of resnet18"),
    ({"spec.compute": {"gpus": 2, "nodes": 3}}, "spec.compute asks for more than 4 GPUs over all its nodes"),
]


def test_limits_are_told_at_apply_and_leave_alone_what_is_there(shell: Shell, kube: Kube) -> None:
    helm(shell, "install", CHART)
    inside: dict[str, Any] = {
        "spec.dataset": {"uri": "s3://team-a/set.jsonl"},
        "spec.output": {"uri": "s3://shared/models"},
        "spec.training": {"architecture": "resnet18"},
        "spec.compute": {"gpus": 2, "nodes": 2},
    }
    kube.must("POST", VERSIONS_PATH, modelversion({"spec.compute": {"gpus": 8}}, name="older"))
    limits = {"storagePrefixes": ["s3://team-a/", "s3://shared/"], "architectures": ["resnet18"], "gpus": 4}
    helm(shell, "upgrade", CHART, {"limits": limits})
    _wait_for_the_policy(kube, inside | REFUSED[0][0])
    for number, (changes, said) in enumerate(REFUSED):
        both = {section: {**inside.get(section, {}), **change} for section, change in changes.items()}
        answer = kube.request("POST", VERSIONS_PATH, modelversion(inside | both, name=f"refused-{number}"))
        assert (answer.code, said in answer.message) == (422, True), answer.body
    kube.must("POST", VERSIONS_PATH, modelversion(inside, name="allowed"))
    kube.must("PATCH", f"{VERSIONS_PATH}/older", {"spec": {"runPolicy": {"suspend": True}}}, MERGE)


def _wait_for_the_policy(kube: Kube, outside: dict[str, Any]) -> None:
    """Wait until the API server knows the policy, which takes it a moment."""
    document = modelversion(outside, name="asked")
    eventually(lambda: kube.request("POST", VERSIONS_PATH, document, dryRun="All").code, lambda code: code == 422)


def test_everything_that_the_chart_renders_is_valid(shell: Shell) -> None:
    values = {
        "watchNamespaces": ["default"],
        "operator": {"replicas": 2, "podDisruptionBudget": True, "networkPolicy": True},
        "limits": {"gpus": 1, "architectures": ["resnet18"], "storagePrefixes": ["s3://team-a/"]},
        "trainer": {"imagePullSecrets": [{"name": "registry"}]},
    }
    shell("kubectl create namespace tintype")
    rendered = shell(f"helm template tintype {CHART} --namespace=tintype --values=-", stdin=json.dumps(values))
    told = shell("kubectl create --dry-run=server --validate=strict --filename=-", stdin=rendered)
    assert told.count("created (server dry run)") == rendered.count("\nkind: ")
