"""Who may write the status of a ModelVersion: tokens of training Pods against the real API server."""

from typing import Any

import pytest

from support.kube import MERGE, Answer, Kube, eventually
from support.operator_process import OperatorProcess
from support.played import Played

NAMESPACE = "operator-access"
BINDINGS = "apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings"
ROLE_BINDINGS = f"apis/rbac.authorization.k8s.io/v1/namespaces/{NAMESPACE}/rolebindings"
COMPLETE = {
    "type": "Complete",
    "status": "True",
    "reason": "Published",
    "message": "",
    "lastTransitionTime": "2026-11-24T12:00:00Z",
}


def own_pod(played: Played, name: str) -> dict[str, Any]:
    """Return the running Pod of a new version, once it may report."""
    played.apply(name)
    pod = played.pod(name)
    played.run(pod)
    played.until(name, "Preparing")
    eventually(lambda: played.report(played.token(pod), name, {"stage": "Preparing"}).code == 200)
    return pod


def test_no_pod_is_let_in_before_the_policy_answers(played: Played, operator: OperatorProcess) -> None:
    binding = played.kube.get(f"{BINDINGS}/tintype-status")
    played.kube.must("DELETE", f"{BINDINGS}/tintype-status")
    operator.restart()
    try:
        played.apply("unguarded")
        played.pod("unguarded")
        eventually(lambda: "the ValidatingAdmissionPolicy tintype-status does not answer" in operator.said())
        assert played.kube.items(ROLE_BINDINGS, labelSelector="app.kubernetes.io/managed-by=tintype") == []
    finally:
        for field in ("uid", "resourceVersion", "managedFields", "creationTimestamp", "generation"):
            binding["metadata"].pop(field, None)
        played.kube.must("POST", BINDINGS, binding)
    eventually(lambda: played.kube.find(f"{ROLE_BINDINGS}/tintype-trainer-default"), within_s=60)


def test_a_pod_reports_on_its_own_version(played: Played) -> None:
    pod = own_pod(played, "mine")
    assert played.report(played.token(pod), "mine", {"stage": "Training"}).code == 200
    played.until("mine", "Training")


def test_a_pod_of_another_version_is_refused(played: Played) -> None:
    pod = own_pod(played, "theirs")
    played.apply("victim")
    played.pod("victim")
    answer = played.report(played.token(pod), "victim", {"stage": "Training"})
    assert answer.code == 422
    assert "only the Pod of the version's current attempt may report on it" in answer.message
    assert "stage" not in played.status("victim")


@pytest.mark.parametrize(
    "field",
    [
        {"phase": "Succeeded"},
        {"job": {"name": "other", "podUID": "other"}},
        {"attempt": 7},
        {"model": "other"},
        {"observedGeneration": 9},
        {"startTime": "2020-01-01T00:00:00Z"},
        {"completionTime": "2020-01-01T00:00:00Z"},
        {"conditions": [COMPLETE]},
    ],
    ids=lambda field: next(iter(field)),
)
def test_the_operators_fields_are_refused(field: dict[str, Any], played: Played) -> None:
    name = f"field-{next(iter(field)).lower()}"
    pod = own_pod(played, name)
    answer = played.report(played.token(pod), name, {"stage": "Preparing"} | field)
    assert answer.code == 422
    assert "is the operator's; a training Pod may not change it" in answer.message


def test_a_stale_pod_is_refused(played: Played) -> None:
    pod = own_pod(played, "stale")
    token = played.token(pod)
    played.end(pod, 0, reason="Completed")
    played.until("stale", "Succeeded")
    assert played.report(token, "stale", {"stage": "Training"}).code == 422


def test_a_token_bound_to_no_pod_is_refused(played: Played) -> None:
    own_pod(played, "unbound")
    path = f"api/v1/namespaces/{NAMESPACE}/serviceaccounts/default/token"
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    token = played.kube.must("POST", path, request)["status"]["token"]
    assert played.report(token, "unbound", {"stage": "Training"}).code == 422


VERSION = "apis/tintype.dev/v1alpha1/namespaces/{}/modelversions"
FORBIDDEN = (
    ("GET", f"{VERSION}/curious", NAMESPACE),
    ("GET", VERSION, NAMESPACE),
    ("POST", VERSION, NAMESPACE),
    ("PATCH", f"{VERSION}/curious", NAMESPACE),
    ("DELETE", f"{VERSION}/curious", NAMESPACE),
    ("PATCH", f"{VERSION}/curious/status", "default"),
    *(
        (method, path, namespace)
        for method in ("GET", "POST", "DELETE")
        for path in (
            "apis/batch/v1/namespaces/{}/jobs",
            "apis/rbac.authorization.k8s.io/v1/namespaces/{}/rolebindings",
            "apis/coordination.k8s.io/v1/namespaces/{}/leases",
            *(f"api/v1/namespaces/{{}}/{kind}" for kind in ("pods", "secrets", "configmaps", "services", "events")),
        )
        for namespace in (NAMESPACE, "default")
    ),
    ("GET", "api/v1/nodes", ""),
    ("GET", "api/v1/namespaces", ""),
)


def test_a_pod_may_do_nothing_else(played: Played) -> None:
    token = played.token(own_pod(played, "curious"))
    for method, path, namespace in FORBIDDEN:
        body = {} if method in {"POST", "PATCH"} else None
        content = MERGE if method == "PATCH" else "application/json"
        answer = _ask(played, token, method, path.format(namespace), body, content)
        assert answer.code == 403, (method, path, namespace, answer)


def _ask(
    played: Played, token: str, method: str, path: str, body: object = None, content: str = "application/json"
) -> Answer:
    one = Kube(played.kube.kubeconfig, token)
    try:
        return one.request(method, path, body, content)
    finally:
        one.close()
