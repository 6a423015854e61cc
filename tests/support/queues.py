"""Kueue on a real node: its resources, and a training in the middle of which it takes the GPU away."""

import json
from collections.abc import Mapping
from typing import Any

from support.kube import MERGE, eventually
from support.platform import NAMESPACE, Platform, condition

API = "apis/kueue.x-k8s.io/v1beta2"
QUEUES = f"{API}/namespaces/{NAMESPACE}/localqueues"
GPU = "nvidia.com/gpu"
POOL = "example.com/pool"


def flavor(platform: Platform, name: str, labels: Mapping[str, str]) -> None:
    """Make a ResourceFlavor: nodes with these labels."""
    _post(platform, f"{API}/resourceflavors", "ResourceFlavor", name, {"spec": {"nodeLabels": dict(labels)}})


def quota(flavor_name: str, gpus: int) -> dict[str, Any]:
    """Return what a ClusterQueue may use of a flavor: so many GPUs, and more of the rest than anybody asks for."""
    amounts = {"cpu": "100", "memory": "1000Gi", GPU: str(gpus)}
    resources = [{"name": name, "nominalQuota": amount} for name, amount in amounts.items()]
    return {"name": flavor_name, "resources": resources}


def cluster_queue(platform: Platform, name: str, *quotas: Mapping[str, Any]) -> None:
    """Make a ClusterQueue, in which whoever is more important takes the quota from others."""
    group = {"coveredResources": ["cpu", "memory", GPU], "flavors": list(quotas)}
    preemption = {"withinClusterQueue": "LowerPriority"}
    spec = {"namespaceSelector": {}, "preemption": preemption, "resourceGroups": [group]}
    _post(platform, f"{API}/clusterqueues", "ClusterQueue", name, {"spec": spec})


def change_cluster_queue(platform: Platform, name: str, **spec: object) -> None:
    """Change fields of a ClusterQueue."""
    platform.kube.must("PATCH", f"{API}/clusterqueues/{name}", {"spec": spec}, MERGE)


def local_queue(platform: Platform, name: str, of: str) -> None:
    """Make a LocalQueue of a ClusterQueue."""
    _post(platform, QUEUES, "LocalQueue", name, {"spec": {"clusterQueue": of}})


def priority(platform: Platform, name: str, value: int) -> None:
    """Make a WorkloadPriorityClass."""
    _post(platform, f"{API}/workloadpriorityclasses", "WorkloadPriorityClass", name, {"value": value})


def label_node(platform: Platform, pool: str) -> None:
    """Let the node be of a pool."""
    platform.kube.must("PATCH", "api/v1/nodes/node1", {"metadata": {"labels": {POOL: pool}}}, MERGE)


def queued(platform: Platform, name: str, *words: str, within_s: float = 90) -> str:
    """Wait until a version is Queued and `Waiting` says these words; return the sentence."""

    def said() -> str:
        status = platform.status(name)
        found = condition(status, "Waiting")
        return f"{status.get('phase')} {found.get('reason')} {found.get('message')}"

    sentence = eventually(
        said, lambda text: text.startswith("Queued Queued ") and all(word in text for word in words), within_s
    )
    return sentence.removeprefix("Queued Queued ")


def job(platform: Platform, name: str) -> dict[str, Any]:
    """Return the Job of a version's first attempt."""
    return platform.kube.get(f"apis/batch/v1/namespaces/{NAMESPACE}/jobs/{name}-1")


def log(platform: Platform, pod: Mapping[str, Any]) -> str:
    """Return the log of a Pod."""
    return platform.tools.run("kubectl", "logs", pod["metadata"]["name"])


def _post(platform: Platform, path: str, kind: str, name: str, fields: Mapping[str, Any]) -> None:
    document = {"apiVersion": API.removeprefix("apis/"), "kind": kind, "metadata": {"name": name}, **fields}
    platform.kube.must("POST", path, json.loads(json.dumps(document)))
