"""The chart's values, their schema, its copies of generated manifests; what needs helm is an integration test."""

import json
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from tools.values_page import values_page

from devcluster.programs import OLDEST_KUBERNETES_VERSION
from tintype_api.constants import OPERATOR_METRICS_PORT, TRAINER_CLUSTER_ROLE

ROOT = Path(__file__).parents[2]
CHART = ROOT / "helm" / "tintype"
CRDS = ROOT / "crds"


@pytest.fixture
def values() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())
    return content


@pytest.fixture
def schema() -> dict[str, Any]:
    content: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text())
    return content


def test_the_defaults_meet_the_schema(values: dict[str, Any], schema: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator(schema).validate(values)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("trainr", {}),
        ("crd.instal", True),
        ("crd.install", "yes"),
        ("operator.replicas", 0),
        ("operator.image.name", "x"),
        ("operator.image.repository", ""),
        ("operator.image.pullPolicy", "Sometimes"),
        ("operator.imagePullSecrets", ["registry"]),
        ("operator.resources.request", {}),
        ("operator.runtimeClassName", "Not A Name"),
        ("trainer.gpu", 1),
        ("storage.endpoint", "minio:9000"),
        ("storage.credentials", "s3"),
        ("weights.mirror", "models/weights"),
        ("weights.licences", "mit"),
        ("library.page", "Cluster"),
        ("history.limit", -1),
        ("crd.keep", "no"),
        ("imageRegistry", "registry.example.com/"),
        ("operator.image.digest", "sha256:12"),
        ("operator.networkPolicy", {"enabled": True}),
        ("trainer.imagePullSecrets", ["registry"]),
        ("defaults.compute", {"gpu": 1}),
        ("limits.storagePrefixes", ["s3://team-a"]),
        ("limits.storagePrefixes", ["s3://team-a/'/"]),
        ("limits.architectures", ["resnet*"]),
        ("limits.gpus", -1),
        ("monitoring.interval", "15"),
        ("monitoring.dashboards", "yes"),
        ("monitoring.runbooks", ""),
        ("monitoring.reports", "s3.example.com"),
        ("notify.url", "chat.example.com"),
        ("notify.secret.key", ""),
        ("history.keepBest", "yes"),
        ("watchNamespaces", ["Team A"]),
        ("watchNamespaces", ["a", "a"]),
    ],
)
def test_wrong_values_are_refused(values: dict[str, Any], schema: dict[str, Any], path: str, value: object) -> None:
    *parents, last = path.split(".")
    place = values
    for parent in parents:
        place = place[parent]
    place[last] = value
    assert not jsonschema.Draft202012Validator(schema).is_valid(values)


def test_every_value_of_the_schema_has_a_default_and_a_comment(schema: dict[str, Any]) -> None:
    text = (CHART / "values.yaml").read_text()
    for line, before in zip(text.splitlines()[1:], text.splitlines(), strict=False):
        name = line.strip().partition(":")[0]
        if line.endswith(":") or line.lstrip().startswith(("#", "requests", "limits")) or not line.strip():
            continue
        assert before.strip().startswith("#") or name == "resources", f"{name} has no comment above it"
    defaults = yaml.safe_load(text)
    assert set(schema["properties"]) - {"global"} == set(defaults)
    for section in (
        "crd",
        "operator",
        "trainer",
        "defaults",
        "limits",
        "storage",
        "weights",
        "library",
        "history",
        "notify",
        "monitoring",
    ):
        assert set(schema["properties"][section]["properties"]) == set(defaults[section])


@pytest.mark.parametrize("name", ["modelversions.tintype.dev.yaml", "status-policy.tintype.dev.yaml"])
def test_the_copy_of_a_generated_manifest_is_current(name: str) -> None:
    assert (CHART / "files" / name).read_text() == (CRDS / name).read_text(), "write it anew with `make generate`"


def test_the_page_of_values_is_current_and_whole(values: dict[str, Any]) -> None:
    page = (ROOT / "docs" / "install" / "values.md").read_text()
    assert page == values_page(CHART), "write it anew with `make generate`"
    assert {line.split("`")[1].split(".")[0] for line in page.splitlines() if line.startswith("| `")} == set(values)


def test_the_oldest_kubernetes_that_the_chart_takes_is_the_oldest_that_is_tested() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    minor = OLDEST_KUBERNETES_VERSION.rpartition(".")[0]
    assert chart["kubeVersion"] == f">={minor}.0-0"


def test_the_chart_and_its_images_have_the_projects_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert chart["version"] == chart["appVersion"] == project["version"]


def test_there_is_a_copy_of_each_generated_manifest() -> None:
    assert {path.name for path in (CHART / "files").glob("*.yaml")} == {path.name for path in CRDS.glob("*.yaml")}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("rbac-trainer.yaml", f"name: {TRAINER_CLUSTER_ROLE}\n"),
        ("_rules.tpl", f"resourceNames: [{TRAINER_CLUSTER_ROLE}]"),
        ("deployment.yaml", f"containerPort: {OPERATOR_METRICS_PORT}}}"),
    ],
)
def test_names_are_those_that_the_parts_share(template: str, text: str) -> None:
    assert text in (CHART / "templates" / template).read_text()
