"""The settings and commands of the node: containerd, kubelet, kube-proxy and the Pods' network."""

import json
import shlex
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from devcluster import runc_wrapper
from devcluster.images import PAUSE_IMAGE
from devcluster.plan import CLUSTER_DOMAIN, DNS_ADDRESS, NODE_NAME, POD_RANGE, Plan

DEVELOPMENT_RUNTIME = "tintype-dev"
SOCKET = "/run/containerd/containerd.sock"
KUBELET_ROOT = "/run/kubelet"
"""Where the box shows kubelet its folder of the state: its sockets' paths may not be longer than 107 characters."""


def containerd_config(plan: Plan) -> str:
    """Return containerd's configuration, in TOML: the plain runtime `runc`, and the development runtime."""
    quote = json.dumps  # a JSON string is a TOML string
    runtime = 'plugins."io.containerd.cri.v1.runtime"'
    return f"""version = 3
root = {quote(str(plan.state / "containerd"))}
state = "/run/containerd"
disabled_plugins = ["io.containerd.nri.v1.nri"]
[grpc]
  address = {quote(SOCKET)}
[plugins."io.containerd.internal.v1.opt"]
  path = {quote(str(plan.state / "containerd" / "opt"))}
[plugins."io.containerd.cri.v1.images".pinned_images]
  sandbox = {quote(PAUSE_IMAGE)}
[{runtime}]
  restrict_oom_score_adj = true
[{runtime}.cni]
  bin_dirs = [{quote(str(plan.programs / "cni"))}]
  conf_dir = {quote(str(plan.state / "cni"))}
[{runtime}.containerd]
  default_runtime_name = "runc"
[{runtime}.containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[{runtime}.containerd.runtimes.{DEVELOPMENT_RUNTIME}]
  runtime_type = "io.containerd.runc.v2"
  base_runtime_spec = {quote(str(plan.state / "development-spec.json"))}
[{runtime}.containerd.runtimes.{DEVELOPMENT_RUNTIME}.options]
  BinaryName = {quote(str(plan.state / "runc-development"))}
"""


def runc_script() -> str:
    """Return the script that containerd calls as the development runtime's runc."""
    return f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -IS {shlex.quote(runc_wrapper.__file__)} "$@"\n'


def development_spec(default: Mapping[str, Any], mounts: Iterable[str]) -> dict[str, Any]:
    """Return containerd's default container with folders of this machine mounted, read-only, where they are here."""
    added = [{"destination": path, "source": path, "type": "bind", "options": ["rbind", "ro"]} for path in mounts]
    return {**default, "mounts": [*default["mounts"], *added]}


def cni_config(plan: Plan) -> dict[str, Any]:
    """Return the Pods' network: a bridge that is their way to the box's other addresses and to the machine."""
    ipam = {
        "type": "host-local",
        "dataDir": str(plan.state / "cni" / "addresses"),
        "ranges": [[{"subnet": POD_RANGE}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    bridge = {"type": "bridge", "bridge": "pods", "isGateway": True, "hairpinMode": True, "ipam": ipam}
    return {"cniVersion": "1.0.0", "name": "pods", "plugins": [bridge]}


def kubelet_config(plan: Plan) -> dict[str, Any]:
    """Return kubelet's configuration: the machine's control groups, disk and resolver are not its to arrange."""
    pki = plan.state / "pki"
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(pki / "ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(pki / "kubelet.crt"),
        "tlsPrivateKeyFile": str(pki / "kubelet.key"),
        "containerRuntimeEndpoint": f"unix://{SOCKET}",
        "cgroupDriver": "cgroupfs",
        "cgroupsPerQOS": False,
        "enforceNodeAllocatable": [],
        "failCgroupV1": False,
        "failSwapOn": False,
        "localStorageCapacityIsolation": False,
        "resolvConf": "",
        **({"clusterDNS": [DNS_ADDRESS], "clusterDomain": CLUSTER_DOMAIN} if "coredns" in plan.addons else {}),
        # Kueue waits for its certificate in a mounted Secret, which a kubelet would bring up to date once a minute.
        "syncFrequency": "5s",
        # A disk that is nearly full is the machine's affair: no Pod is evicted for it, and no imported image removed.
        "evictionHard": {
            "memory.available": "100Mi",
            "nodefs.available": "1%",
            "nodefs.inodesFree": "1%",
            "imagefs.available": "1%",
            "imagefs.inodesFree": "1%",
        },
        "imageGCHighThresholdPercent": 100,
        "podLogsDir": str(plan.state / "pod-logs"),
        "volumePluginDir": f"{KUBELET_ROOT}/volume-plugins",
        "readOnlyPort": 0,
        "healthzPort": 0,
    }


def proxy_config(plan: Plan) -> dict[str, Any]:
    """Return kube-proxy's configuration."""
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        # Else a Pod's answer to a Pod that asked by a Service crosses the bridge untranslated, unless the machine has
        # br_netfilter.
        "nftables": {"masqueradeAll": True},
        "clusterCIDR": POD_RANGE,
        "clientConnection": {"kubeconfig": str(plan.admin_kubeconfig)},
        "conntrack": {"maxPerCore": 0},
    }


def runtime_class() -> dict[str, Any]:
    """Return the RuntimeClass that selects the development runtime."""
    return {
        "apiVersion": "node.k8s.io/v1",
        "kind": "RuntimeClass",
        "metadata": {"name": DEVELOPMENT_RUNTIME},
        "handler": DEVELOPMENT_RUNTIME,
    }


def gpu_patch(gpus: int) -> list[dict[str, str]]:
    """Return the JSON patch of a node's status by which it has that many GPUs; kubelet keeps what others put there."""
    return [
        {"op": "add", "path": f"/status/{field}/nvidia.com~1gpu", "value": str(gpus)}
        for field in ("capacity", "allocatable")
    ]


def containerd(plan: Plan) -> list[str]:
    """Return containerd's command."""
    return ["containerd", f"--config={plan.state / 'containerd.toml'}"]


def kubelet(plan: Plan) -> list[str]:
    """Return kubelet's command."""
    return [
        "kubelet",
        f"--config={plan.state / 'kubelet.json'}",
        f"--kubeconfig={plan.state / 'node.kubeconfig'}",
        f"--root-dir={KUBELET_ROOT}",
        f"--cert-dir={plan.state / 'pki'}",
        f"--hostname-override={NODE_NAME}",
        f"--node-ip={plan.address}",
    ]


def kube_proxy(plan: Plan) -> list[str]:
    """Return kube-proxy's command."""
    return ["kube-proxy", f"--config={plan.state / 'kube-proxy.json'}", f"--hostname-override={NODE_NAME}"]
