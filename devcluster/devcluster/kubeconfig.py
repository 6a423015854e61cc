"""Who talks to the API server, and the kubeconfig file of each."""

import base64
import json
from typing import Any

from devcluster import pki
from devcluster.plan import API_SERVICE_ADDRESS, NODE_NAME, Plan

# File name -> user and group, as the API server's authorization knows them.
USERS = {
    "admin": ("admin", "system:masters"),
    "controller-manager": ("system:kube-controller-manager", None),
    "scheduler": ("system:kube-scheduler", None),
    "node": (f"system:node:{NODE_NAME}", "system:nodes"),
}


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def kubeconfig(server: str, authority: bytes, certificate: bytes, key: bytes) -> dict[str, Any]:
    """Return a kubeconfig that holds everything it needs; the certificates are PEM."""
    name = "devcluster"
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [{"name": name, "cluster": {"server": server, "certificate-authority-data": _base64(authority)}}],
        "users": [
            {
                "name": name,
                "user": {"client-certificate-data": _base64(certificate), "client-key-data": _base64(key)},
            }
        ],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
    }


def write_credentials(plan: Plan) -> None:
    """Make all keys, certificates and kubeconfigs of a cluster and write them into its state folder."""
    folder = plan.state / "pki"
    folder.mkdir(exist_ok=True)
    authority, front_proxy = pki.authority("devcluster"), pki.authority("devcluster-front-proxy")
    authority.write(folder, "ca")
    front_proxy.write(folder, "front-proxy-ca")
    server_names = ("localhost", "kubernetes.default.svc", "127.0.0.1", API_SERVICE_ADDRESS, plan.address)
    pki.issue(authority, "kube-apiserver", names=server_names).write(folder, "apiserver")
    pki.issue(authority, "kube-apiserver-kubelet-client", "system:masters").write(folder, "kubelet-client")
    pki.issue(front_proxy, "front-proxy").write(folder, "front-proxy")
    pki.issue(authority, NODE_NAME, names=(NODE_NAME, plan.address)).write(folder, "kubelet")
    pki.write_private(folder / "service-accounts.key", pki.private_pem(pki.new_key()))
    for name, (user, group) in USERS.items():
        pair = pki.issue(authority, user, group)
        content = kubeconfig(plan.server, authority.certificate_pem, pair.certificate_pem, pair.key_pem)
        pki.write_private(plan.state / f"{name}.kubeconfig", json.dumps(content, indent=1).encode())
