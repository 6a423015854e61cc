"""The chart as helm renders it: golden files, refusals, and that every value does something."""

import json
import subprocess
from pathlib import Path
from textwrap import indent
from typing import Any

import pytest
import yaml
from dashboards.parts import REPORTS

from devcluster import build
from devcluster.progress import say
from support.dashboards import FOLDER
from support.golden import check_golden
from tintype_api.crd import custom_resource_definition
from tintype_api.policy import status_policy, status_policy_binding

ROOT = Path(__file__).parents[2]
CHART = ROOT / "helm" / "tintype"
GOLDEN = ROOT / "tests" / "chart" / "golden"

ALL_VALUES: dict[str, object] = {
    "crd.keep": False,
    "imageRegistry": "mirror.example.com/hub",
    "watchNamespaces": ["team-a", "team-b"],
    "operator.replicas": 2,
    "operator.image.repository": "registry.example.com/operator",
    "operator.image.tag": "1.2.3",
    "operator.image.pullPolicy": "Always",
    "operator.imagePullSecrets": [{"name": "registry"}],
    "operator.runtimeClassName": "kata",
    "operator.resources": {"limits": {"memory": "1Gi"}},
    "operator.image.digest": f"sha256:{'0' * 64}",
    "operator.priorityClassName": "system-cluster-critical",
    "operator.podDisruptionBudget": True,
    "operator.networkPolicy": True,
    "operator.nodeSelector": {"role": "system"},
    "operator.tolerations": [{"key": "system", "operator": "Exists"}],
    "trainer.image.repository": "registry.example.com/trainer",
    "trainer.image.tag": "4.5.6",
    "trainer.image.pullPolicy": "Never",
    "trainer.image.digest": f"sha256:{'1' * 64}",
    "trainer.imagePullSecrets": [{"name": "registry"}],
    "trainer.runtimeClassName": "nvidia",
    "defaults.compute": {"gpus": 2, "gpuResource": "amd.com/gpu", "memory": "32Gi"},
    "limits.storagePrefixes": ["s3://team-a/", "s3://shared/sets/"],
    "limits.architectures": ["resnet18", "resnet50"],
    "limits.gpus": 8,
    "storage.endpoint": "https://minio.example.com",
    "storage.region": "eu-west-1",
    "storage.credentialsSecret": "s3",
    "weights.mirror": "s3://models/weights",
    "weights.licences": ["cc-by-nc-4.0", "cc-by-4.0"],
    "library.page": "Namespace",
    "history.limit": 20,
    "history.keepBest": False,
    "notify.url": "https://chat.example.com/hooks/tintype",
    "notify.secret.name": "notify",
    "notify.secret.key": "hmac",
    "monitoring.serviceMonitor": True,
    "monitoring.podMonitor": True,
    "monitoring.labels": {"release": "prometheus"},
    "monitoring.interval": "30s",
    "monitoring.rules": True,
    "monitoring.runbooks": "https://git.example.com/tintype/docs/runbooks",
    "monitoring.dashboards": True,
    "monitoring.reports": "https://reports.example.com",
    "monitoring.dashboardLabels.grafana_dashboard": "yes",
    "monitoring.dashboardAnnotations": {"grafana_folder": "Training"},
}
NEEDED: dict[str, dict[str, object]] = {
    "monitoring.labels": {"monitoring.podMonitor": True},
    "monitoring.interval": {"monitoring.podMonitor": True},
    "monitoring.runbooks": {"monitoring.rules": True},
    "monitoring.reports": {"monitoring.dashboards": True},
    "monitoring.dashboardLabels.grafana_dashboard": {"monitoring.dashboards": True},
    "monitoring.dashboardAnnotations": {"monitoring.dashboards": True},
    "notify.secret.name": {"notify.url": "https://chat.example.com/"},
    "notify.secret.key": {"notify.url": "https://chat.example.com/", "notify.secret.name": "notify"},
}
"""What else must be set for a value to do something."""


@pytest.fixture(scope="module")
def helm() -> str:
    return str(build.ensure(["helm"], say) / "helm")


def run_helm(helm: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([helm, *arguments], capture_output=True, text=True, check=False, timeout=60)


def settings(values: dict[str, object]) -> list[str]:
    return [f"--set-json={path}={json.dumps(value)}" for path, value in values.items()]


def render(helm: str, values: dict[str, object]) -> str:
    done = run_helm(helm, "template", "tintype", str(CHART), "--namespace=tintype", *settings(values))
    assert done.returncode == 0, done.stderr
    return done.stdout


def objects(rendered: str) -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all(rendered) if document]


def test_lint_finds_nothing(helm: str) -> None:
    done = run_helm(helm, "lint", "--strict", str(CHART))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stdout + done.stderr


@pytest.mark.parametrize(("name", "values"), [("defaults", {}), ("all-values", ALL_VALUES)])
def test_the_rendered_chart_is_as_it_was(helm: str, name: str, values: dict[str, object]) -> None:
    rendered = render(helm, {"crd.install": False, **values})
    for dashboard, text in dashboards(str(values.get("monitoring.reports", ""))).items():
        rendered = rendered.replace(indent(text.strip(), "    "), f"    ({dashboard})")
    check_golden(GOLDEN / f"{name}.yaml", rendered)


def test_prometheus_gets_the_rules_as_they_are_written(helm: str) -> None:
    (found,) = [one for one in objects(render(helm, {"monitoring.rules": True})) if one["kind"] == "PrometheusRule"]
    assert found["spec"] == yaml.safe_load((CHART / "files" / "monitoring" / "rules.yaml").read_text())


@pytest.mark.parametrize(
    ("values", "reports"),
    [
        ({}, "https://s3.us-east-1.amazonaws.com"),
        ({"storage.region": "eu-west-1"}, "https://s3.eu-west-1.amazonaws.com"),
        ({"storage.endpoint": "https://minio.example.com"}, "https://minio.example.com"),
        (
            {"storage.endpoint": "http://minio:9000", "monitoring.reports": "https://minio.example.com/"},
            "https://minio.example.com",
        ),
    ],
)
def test_grafana_gets_the_dashboards_as_they_are_written(helm: str, values: dict[str, object], reports: str) -> None:
    rendered = objects(render(helm, {"monitoring.dashboards": True, **values}))
    found = {name: text for one in rendered if one["kind"] == "ConfigMap" for name, text in one["data"].items()}
    assert {name: json.loads(text) for name, text in found.items()} == {
        name: json.loads(text) for name, text in dashboards(reports).items()
    }


def dashboards(reports: str) -> dict[str, str]:
    """Return the files of the dashboards, with where reports are read."""
    return {path.name: path.read_text().replace(REPORTS, reports) for path in FOLDER.glob("*.json")}


def test_the_crd_and_its_policy_are_installed_as_generated_and_kept(helm: str) -> None:
    generated = [custom_resource_definition(), status_policy(), status_policy_binding()]
    rendered = {(found["kind"], found["metadata"]["name"]): found for found in objects(render(helm, {}))}
    for expected in generated:
        found = rendered[expected["kind"], expected["metadata"]["name"]]
        assert found["metadata"].pop("annotations") == {"helm.sh/resource-policy": "keep"}
        assert found["metadata"].pop("labels")["app.kubernetes.io/managed-by"] == "Helm"
        assert found == expected


def test_without_the_crd_nothing_else_changes(helm: str) -> None:
    kinds = {"CustomResourceDefinition", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"}
    others = [found for found in objects(render(helm, {})) if found["kind"] not in kinds]
    assert objects(render(helm, {"crd.install": False})) == others


@pytest.mark.parametrize("path", ALL_VALUES)
def test_each_value_does_something(helm: str, path: str) -> None:
    others = NEEDED.get(path, {})
    assert render(helm, others | {path: ALL_VALUES[path]}) != render(helm, others)


def test_the_list_of_values_is_whole() -> None:
    def leaves(place: object, path: str) -> set[str]:
        own = isinstance(place, dict) and place and path != "operator.resources"
        return {leaf for key in place for leaf in leaves(place[key], f"{path}.{key}")} if own else {path}  # type: ignore

    values = yaml.safe_load((CHART / "values.yaml").read_text())
    assert {leaf for key in values for leaf in leaves(values[key], key)} == {*ALL_VALUES, "crd.install"}


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ("operator.replicas", 0, "replicas"),
        ("trainr", {}, "trainr"),
        ("operator.image.pullPolicy", "Sometimes", "pullPolicy"),
        ("storage.endpoint", "minio:9000", "endpoint"),
    ],
)
def test_a_wrong_value_is_refused_by_name(helm: str, path: str, value: object, named: str) -> None:
    done = run_helm(helm, "template", "tintype", str(CHART), *settings({path: value}))
    assert done.returncode != 0
    assert named in done.stderr


def test_an_older_kubernetes_is_refused(helm: str) -> None:
    for version, taken in (("1.33.9", False), ("1.34.0", True), ("1.37.2-eks-1", True)):
        done = run_helm(helm, "template", "tintype", str(CHART), f"--kube-version={version}")
        assert (done.returncode == 0) == taken, version
        assert taken or "requires kubeVersion: >=1.34.0-0" in done.stderr


def test_in_named_namespaces_the_operator_has_no_rights_elsewhere(helm: str) -> None:
    rendered = objects(render(helm, {"watchNamespaces": ["team-a"]}))
    places = [(found["kind"], found["metadata"].get("namespace")) for found in rendered if "Role" in found["kind"]]
    assert sorted(places, key=str) == [
        ("ClusterRole", None),
        ("Role", "team-a"),
        ("Role", "tintype"),
        ("RoleBinding", "team-a"),
        ("RoleBinding", "tintype"),
    ]
    assert [found["metadata"]["name"] for found in rendered if found["kind"] == "ClusterRole"] == ["tintype-trainer"]
