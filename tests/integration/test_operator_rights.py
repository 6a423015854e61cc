"""The operator has the rights that it uses, and no others. Runs after all others that share a control plane."""

import pytest
import yaml

import devcluster
from support.operator_process import OperatorProcess, Request, rendered_chart

Right = tuple[str, str]

ASKED_OTHERWISE = {
    ("modelversions", "operate"),  # the admission policy asks for it
    ("modelversions/finalizers", "update"),  # the API server asks for it, where an owner is named
    ("clusterroles", "bind"),  # the API server asks for it, where a role is bound
    ("modelversions", "get"),  # after a conflict alone, as tests/faults make them
    ("localqueues", "get"),  # these three in test_kueue.py, by an operator of all namespaces
    ("localqueues/pendingworkloads", "get"),
    ("workloadpriorityclasses", "get"),
}
"""Rights that no request of these operators shows."""
NOT_GIVEN = {("workloadpriorityclasses", "get")}
"""An operator of named namespaces may read nothing outside of them; it goes without."""


@pytest.fixture(scope="module")
def used(control_plane: devcluster.Cluster) -> set[Request]:
    """What the operators of the other modules have asked."""
    assert control_plane.kubeconfig.exists()
    missing = {"jobs", "services", "workloads", "leases"} - {one.resource for one in OperatorProcess.requests}
    assert not missing, f"nobody asked for {missing}: run this with all other tests of tests/integration"
    return OperatorProcess.requests


def test_nothing_is_forbidden(used: set[Request]) -> None:
    """An API server that has just started refuses everything for a moment; what it never allows is forbidden."""
    forbidden = {_right(one) for one in used if one.code == 403} - {_right(one) for one in used if 0 < one.code < 400}
    assert forbidden <= NOT_GIVEN


def test_each_right_is_used(used: set[Request], control_plane: devcluster.Cluster) -> None:
    asked = {_right(one) for one in used if one.code not in {0, 403}}
    assert _granted(control_plane) - ASKED_OTHERWISE - asked == set()


def _right(request: Request) -> Right:
    """Return the resource and the verb of Kubernetes' access rules."""
    if request.verb == "apply":
        return f"{request.resource}/status", "patch"
    return request.resource, request.verb


def _granted(cluster: devcluster.Cluster) -> set[Right]:
    documents = [one for one in yaml.safe_load_all(rendered_chart(cluster, [], {"history.limit": 1})) if one]
    roles = [one for one in documents if one["kind"] in {"Role", "ClusterRole"}]
    operators = [one for one in roles if one["metadata"]["name"].startswith("tintype-operator")]
    assert len(operators) == 2
    rules = [rule for role in operators for rule in role["rules"]]
    return {(resource, verb) for rule in rules for resource in rule["resources"] for verb in rule["verbs"]}
