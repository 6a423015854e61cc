"""The operator has the rights that it uses, and no others."""

import yaml

import devcluster
from support.kube import eventually
from support.operator_process import SYSTEM, OperatorProcess, Request, rendered_chart
from support.played import Played

NAMESPACE = "operator-rights"
VALUES = {"history.limit": 1, "history.keepBest": False}
SETTINGS = {"TINTYPE_HISTORY_LIMIT": "1", "TINTYPE_HISTORY_KEEP_BEST": "false"}
Right = tuple[str, str]

ASKED_OTHERWISE = {
    ("modelversions", "operate"),  # the admission policy asks for it
    ("modelversions/finalizers", "update"),  # the API server asks for it, where an owner is named
    ("clusterroles", "bind"),  # the API server asks for it, where a role is bound
    ("modelversions", "get"),  # after a conflict alone, as tests/faults make them
    ("workloads", "list"),  # these in test_kueue.py, where there is a Kueue
    ("workloads", "watch"),
    ("localqueues", "get"),
    ("localqueues/pendingworkloads", "get"),
    ("workloadpriorityclasses", "get"),
}
"""Rights that no request of this operator shows."""


def test_each_right_is_used_and_nothing_is_forbidden(
    played: Played, operator: OperatorProcess, control_plane: devcluster.Cluster
) -> None:
    _live(played)
    _lose_the_lease(played, operator)
    asked = operator.requests()
    assert [request for request in asked if request.code == 403] == []
    assert _granted(control_plane) - ASKED_OTHERWISE - {_right(request) for request in asked} == set()


def _live(played: Played) -> None:
    """Lead versions through lives for which the operator needs all that it may do."""
    for name in ("first", "second"):
        played.apply(name)
        pod = played.pod(name)
        played.run(pod)
        played.end(pod, 0, reason="Completed")
        played.until(name, "Succeeded")
    eventually(lambda: played.kube.find(f"{played.versions}/first") is None)
    services = f"api/v1/namespaces/{NAMESPACE}/services"
    played.kube.must("POST", services, {"metadata": {"name": "grouped-nodes"}, "spec": {"clusterIP": "None"}})
    played.apply("grouped", {"spec.compute": {"gpus": 0, "nodes": 2}})
    played.until_condition("grouped", "Waiting", "ServiceTaken")
    played.apply("suspended")
    played.pod("suspended")
    change = {"spec": {"runPolicy": {"suspend": True}}}
    played.kube.must("PATCH", f"{played.versions}/suspended", change, "application/merge-patch+json")
    eventually(lambda: played.job("suspended"), lambda job: job is None or "deletionTimestamp" in job["metadata"])
    played.apply("vanished")
    played.pod("vanished")
    played.kube.must("DELETE", f"{played.jobs}/vanished-1", propagationPolicy="Background")
    played.until("vanished", "Failed")


def _lose_the_lease(played: Played, operator: OperatorProcess) -> None:
    """Delete the operator's Lease, so that it has to make it anew."""
    played.kube.must("DELETE", f"apis/coordination.k8s.io/v1/namespaces/{SYSTEM}/leases/tintype-operator")
    eventually(lambda: Request("create", "leases", 201) in operator.requests(), within_s=30)
    eventually(lambda: operator.metric("tintype_operator_leader") == 1, within_s=30)


def _right(request: Request) -> Right:
    """Return the resource and the verb of Kubernetes' access rules."""
    if request.verb == "apply":
        return f"{request.resource}/status", "patch"
    return request.resource, request.verb


def _granted(cluster: devcluster.Cluster) -> set[Right]:
    documents = [one for one in yaml.safe_load_all(rendered_chart(cluster, [], VALUES)) if one]
    roles = [one for one in documents if one["kind"] in {"Role", "ClusterRole"}]
    operators = [one for one in roles if one["metadata"]["name"].startswith("tintype-operator")]
    assert len(operators) == 2
    rules = [rule for role in operators for rule in role["rules"]]
    return {(resource, verb) for rule in rules for resource in rule["resources"] for verb in rule["verbs"]}
