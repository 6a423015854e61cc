"""The chart on a real API server: installed, upgraded, uninstalled, installed again."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from devcluster import cluster
from support.shell import Shell
from tintype_api.constants import STATUS_POLICY, TRAINER_CLUSTER_ROLE

ROOT = Path(__file__).parents[2]
CHART = ROOT / "helm" / "tintype"
DOCS = ROOT / "docs"
ACCOUNT = "system:serviceaccount:default:default"


@pytest.fixture
def shell() -> Iterator[Shell]:
    """A cluster of its own for each test: others install the CRD by hand, which helm would not take over."""
    with cluster(node=False) as fresh:
        yield Shell(fresh)


def container(shell: Shell) -> dict[str, Any]:
    deployment = shell.get("--namespace=tintype deployment tintype-operator")
    found: dict[str, Any] = deployment["spec"]["template"]["spec"]["containers"][0]
    return found


def may_write_status(shell: Shell) -> bool:
    place = {"group": "tintype.dev", "resource": "modelversions", "subresource": "status", "namespace": "default"}
    review = {"user": ACCOUNT, "resourceAttributes": {"verb": "patch"} | place}
    kind = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": review}
    answer = shell("kubectl create --filename=- --output=json", stdin=json.dumps(kind))
    return bool(json.loads(answer)["status"]["allowed"])


def test_from_install_to_a_second_install(shell: Shell) -> None:
    shell(f"helm install tintype {CHART} --namespace=tintype --create-namespace --set=trainer.image.tag=v1")
    shell("kubectl wait --for=condition=Established crd/modelversions.tintype.dev --timeout=30s")
    assert {"name": "TINTYPE_TRAINER_IMAGE", "value": "tintype-trainer:v1"} in container(shell)["env"]

    grant = f"--clusterrole={TRAINER_CLUSTER_ROLE} --serviceaccount=default:default"
    shell(f"kubectl create rolebinding tintype-trainer-default {grant}")
    assert may_write_status(shell)

    shell(f"helm upgrade tintype {CHART} --namespace=tintype --set=trainer.image.tag=v2")
    assert {"name": "TINTYPE_TRAINER_IMAGE", "value": "tintype-trainer:v2"} in container(shell)["env"]

    shell("helm uninstall tintype --namespace=tintype")
    shell.get("crd modelversions.tintype.dev")
    shell.get(f"validatingadmissionpolicy {STATUS_POLICY}")
    shell.get(f"validatingadmissionpolicybinding {STATUS_POLICY}")
    assert "NotFound" in shell(f"kubectl get clusterrole {TRAINER_CLUSTER_ROLE}", fails=True)
    assert not may_write_status(shell)

    shell(f"helm install tintype {CHART} --namespace=tintype")
    assert {"name": "TINTYPE_TRAINER_IMAGE", "value": "tintype-trainer:0.2.0"} in container(shell)["env"]


def test_everything_is_removed_as_the_docs_say(shell: Shell) -> None:
    shell(f"helm install tintype {CHART} --namespace=tintype --create-namespace")
    docs = (DOCS / "install" / "README.md").read_text()
    commands = docs.partition("To remove everything")[2].split("```")[1].replace("tintype-system", "tintype")
    for line in commands.strip().splitlines():
        shell(line)
    for kind in ("crd", "validatingadmissionpolicy", "validatingadmissionpolicybinding", "clusterrole"):
        assert "tintype" not in shell(f"kubectl get {kind} --output=name")


def test_in_named_namespaces_the_operator_may_act_there_alone(shell: Shell) -> None:
    for namespace in ("team-a", "team-b"):
        shell(f"kubectl create namespace {namespace}")
    values = json.dumps({"watchNamespaces": ["team-a"]})
    shell(f"helm install tintype {CHART} --namespace=tintype --create-namespace --values=-", stdin=values)
    operator = "--as=system:serviceaccount:tintype:tintype-operator"
    assert shell(f"kubectl auth can-i create jobs --namespace=team-a {operator}").strip() == "yes"
    assert shell(f"kubectl auth can-i create jobs --namespace=team-b {operator}", fails=True).strip() == "no"
    binding = f"tintype-trainer-default --clusterrole={TRAINER_CLUSTER_ROLE} --serviceaccount=team-a:default {operator}"
    shell(f"kubectl create rolebinding {binding} --namespace=team-a")
    other = f"more --clusterrole=admin --serviceaccount=team-a:default {operator}"
    assert "attempting to grant RBAC permissions" in shell(
        f"kubectl create rolebinding {other} --namespace=team-a", fails=True
    )
