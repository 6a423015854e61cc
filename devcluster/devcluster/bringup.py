"""Bringing a cluster up, step by step, inside its supervisor."""

import http.client
import json
from pathlib import Path
from typing import Any

from devcluster import controlplane, node, s3
from devcluster.apiclient import ApiClient, s3_answers, wait_until
from devcluster.errors import DevclusterError
from devcluster.images import node_images
from devcluster.kubeconfig import write_credentials
from devcluster.plan import NODE_NAME, Plan
from devcluster.processes import Supervisor
from devcluster.progress import Say

_TIMEOUT_S = 120.0
_NODE = f"/api/v1/nodes/{NODE_NAME}"
_DEFAULT_ACCOUNT = "/api/v1/namespaces/default/serviceaccounts/default"


def start_control_plane(plan: Plan, supervisor: Supervisor, say: Say) -> ApiClient:
    """Start S3, etcd, the API server and what needs it; returns once the API server accepts Pods."""
    say("starting etcd, kube-apiserver and S3")
    write_credentials(plan)
    s3.write_identities(plan)
    supervisor.start("etcd", controlplane.etcd(plan))
    supervisor.start("kube-apiserver", controlplane.apiserver(plan))
    supervisor.start("s3", s3.command(plan))
    client = ApiClient(plan)
    wait_until(lambda: client.answers("/readyz"), "kube-apiserver", _TIMEOUT_S, supervisor.check)
    say("starting kube-controller-manager")
    supervisor.start("kube-controller-manager", controlplane.controller_manager(plan))
    if plan.node:
        supervisor.start("kube-scheduler", controlplane.scheduler(plan))
    return client


def wait_for_control_plane(plan: Plan, client: ApiClient, supervisor: Supervisor) -> None:
    """Return once S3 answers and the controllers have made the account that every Pod needs."""
    wait_until(lambda: client.answers(_DEFAULT_ACCOUNT), "kube-controller-manager", _TIMEOUT_S, supervisor.check)
    wait_until(lambda: s3_answers(plan), "S3", _TIMEOUT_S, supervisor.check)


def start_containerd(plan: Plan, supervisor: Supervisor) -> None:
    """Start containerd, which needs nothing of the control plane."""
    cni = plan.state / "cni"
    cni.mkdir()
    _write(cni / "10-pods.conflist", node.cni_config(plan))
    default = json.loads(supervisor.run("ctr", "oci", "spec"))
    _write(plan.state / "development-spec.json", node.development_spec(default, plan.mounts))
    script = plan.state / "runc-development"
    script.write_text(node.runc_script())
    script.chmod(0o755)
    (plan.state / "containerd.toml").write_text(node.containerd_config(plan))
    supervisor.start("containerd", node.containerd(plan))


def start_node(plan: Plan, client: ApiClient, supervisor: Supervisor, say: Say) -> None:
    """Start kubelet and kube-proxy, and return when the node takes Pods, with its images and GPUs."""
    say("starting kubelet and kube-proxy")
    wait_until(lambda: _containerd_answers(supervisor), "containerd", _TIMEOUT_S, supervisor.check)
    _write(plan.state / "kubelet.json", node.kubelet_config(plan))
    _write(plan.state / "kube-proxy.json", node.proxy_config(plan))
    supervisor.start("kubelet", node.kubelet(plan))
    supervisor.start("kube-proxy", node.kube_proxy(plan))
    images = plan.state / "images.tar"
    images.write_bytes(node_images(plan.programs, plan.addons))
    for file in (images, *map(Path, plan.images)):
        if file is not images:
            say(f"importing {file.name}")
        supervisor.run("ctr", "--namespace=k8s.io", "images", "import", str(file))
    client.must("POST", "/apis/node.k8s.io/v1/runtimeclasses", node.runtime_class())
    wait_until(lambda: _node_is_ready(client), "the node", _TIMEOUT_S, supervisor.check)
    if plan.gpus:
        client.must("PATCH", f"{_NODE}/status", node.gpu_patch(plan.gpus), "application/json-patch+json")


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=1))


def _containerd_answers(supervisor: Supervisor) -> bool:
    try:
        supervisor.run("ctr", "version")
    except DevclusterError:
        return False
    return True


def _node_is_ready(client: ApiClient) -> bool:
    try:
        status, answer = client.request("GET", _NODE)
    except (OSError, http.client.HTTPException):
        return False
    conditions = answer["status"]["conditions"] if status == http.client.OK else []
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)
