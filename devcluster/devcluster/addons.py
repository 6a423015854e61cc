"""What runs on a node where it is asked for: names for Pods by CoreDNS, and others by their own charts."""

import http.client
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from devcluster.apiclient import ApiClient, wait_until
from devcluster.build import chart_folder
from devcluster.images import addon_reference
from devcluster.plan import CLUSTER_DOMAIN, DNS_ADDRESS, Plan
from devcluster.processes import Supervisor
from devcluster.progress import Say


@dataclass(frozen=True)
class Release:
    """What helm installs of a chart: where, with which values, and under which the image's values are."""

    namespace: str
    image_values: str
    values: Mapping[str, str]


# All ask for little of a small machine's processors.
RELEASES = {
    "kueue": Release(
        "kueue-system",
        "controllerManager.manager.image",
        {
            "controllerManager.manager.resources.requests.cpu": "100m",
            "controllerManager.readinessProbe.periodSeconds": "1",
        },
    ),
    "jobset": Release("jobset-system", "image", {"controller.resources.requests.cpu": "100m"}),
    "kubeflow-trainer": Release("kubeflow-system", "image", {"image.registry": "", "jobset.install": "false"}),
}
_TIMEOUT_S = 120.0
_KUBE_SYSTEM = "/api/v1/namespaces/kube-system"
_DEPLOYMENTS = "/apis/apps/v1/namespaces/kube-system/deployments"
_BINDINGS = "/apis/rbac.authorization.k8s.io/v1"
_LABELS = {"k8s-app": "kube-dns"}
_PORT = 1053  # not 53, so that the server needs no capability

# Pods reach no other name server: a name outside of the cluster is answered at once, by "there is none". In a block of
# its own, since CoreDNS asks `template` before `kubernetes`, whatever the order here.
_COREFILE = f"""{CLUSTER_DOMAIN}:{_PORT} in-addr.arpa:{_PORT} {{
    errors
    ready
    kubernetes {CLUSTER_DOMAIN} in-addr.arpa
}}
.:{_PORT} {{
    errors
    template ANY ANY {{
        rcode NXDOMAIN
    }}
}}
"""


def install(plan: Plan, client: ApiClient, supervisor: Supervisor, say: Say) -> None:
    """Install what the plan names, and return when it works; DevclusterError where it does not."""
    if "coredns" in plan.addons:
        say("starting CoreDNS")
        for path, document in coredns():
            client.must("POST", path, document)
        wait_until(lambda: _is_available(client, "coredns"), "CoreDNS", _TIMEOUT_S, supervisor.check)
    for name in RELEASES:
        if name in plan.addons:
            say(f"installing {name}")
            supervisor.run(*helm_install(plan, name))


def coredns() -> list[tuple[str, dict[str, Any]]]:
    """Return what CoreDNS consists of, each with the path to which it is posted."""
    account = {"kind": "ServiceAccount", "name": "coredns", "namespace": "kube-system"}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "coredns"}
    rules = [
        {"apiGroups": [""], "resources": ["services", "pods", "namespaces"], "verbs": ["list", "watch"]},
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]},
    ]
    name = {"metadata": {"name": "coredns"}}
    return [
        (f"{_KUBE_SYSTEM}/serviceaccounts", name),
        (f"{_BINDINGS}/clusterroles", {**name, "rules": rules}),
        (f"{_BINDINGS}/clusterrolebindings", {**name, "roleRef": role, "subjects": [account]}),
        (f"{_KUBE_SYSTEM}/configmaps", {**name, "data": {"Corefile": _COREFILE}}),
        (f"{_KUBE_SYSTEM}/services", _service()),
        (_DEPLOYMENTS, {**name, "spec": _deployment()}),
    ]


def _service() -> dict[str, Any]:
    ports = [
        {"name": protocol.lower(), "protocol": protocol, "port": 53, "targetPort": _PORT} for protocol in ("UDP", "TCP")
    ]
    spec = {"clusterIP": DNS_ADDRESS, "selector": _LABELS, "ports": ports}
    return {"metadata": {"name": "kube-dns", "labels": _LABELS}, "spec": spec}


def _deployment() -> dict[str, Any]:
    container = {
        "name": "coredns",
        "image": addon_reference("coredns"),
        "imagePullPolicy": "Never",
        "args": ["-conf", "/etc/coredns/Corefile"],
        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8181}, "periodSeconds": 1},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [{"name": "config", "mountPath": "/etc/coredns"}],
    }
    pod = {
        "serviceAccountName": "coredns",
        "dnsPolicy": "Default",
        "containers": [container],
        "volumes": [{"name": "config", "configMap": {"name": "coredns"}}],
    }
    return {"selector": {"matchLabels": _LABELS}, "template": {"metadata": {"labels": _LABELS}, "spec": pod}}


def helm_install(plan: Plan, name: str) -> list[str]:
    """Return the command that installs one of RELEASES by its own chart."""
    release = RELEASES[name]
    repository, tag = addon_reference(name).rsplit(":", 1)
    image = {"repository": repository, "tag": tag, "pullPolicy": "Never"}
    values = {**{f"{release.image_values}.{key}": value for key, value in image.items()}, **release.values}
    return [
        "helm",
        "install",
        name,
        str(chart_folder(plan.programs, name)),
        f"--kubeconfig={plan.admin_kubeconfig}",
        f"--namespace={release.namespace}",
        "--create-namespace",
        "--wait",
        f"--timeout={_TIMEOUT_S:.0f}s",
        *(f"--set={key}={value}" for key, value in values.items()),
    ]


def _is_available(client: ApiClient, name: str) -> bool:
    status, answer = client.request("GET", f"{_DEPLOYMENTS}/{name}")
    return status == http.client.OK and bool(answer.get("status", {}).get("availableReplicas"))
