"""What the chart's monitors mean: the scrape configuration that the Prometheus Operator makes of them, and its targets.

Debian's Prometheus is built without the discovery of Kubernetes. So the Pods and endpoints are written into files, with
the labels that the discovery would give them, and the relabelling is as it would be.
"""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support.kube import Kube

Labels = Mapping[str, str]
PODS = "pod"
ENDPOINTS = "endpointslice"
_POLL_S = 0.5
_NOT_SCRAPED = {
    "source_labels": ["__meta_kubernetes_pod_phase"],
    "regex": "(Pending|Failed|Succeeded|Unknown)",
    "action": "drop",
}
_PORTS = {PODS: "__meta_kubernetes_pod_container_port_name", ENDPOINTS: "__meta_kubernetes_endpointslice_port_name"}


def scrape_configs(rendered: list[dict[str, Any]], folder: Path, interval: str) -> list[dict[str, Any]]:
    """Return a scrape configuration for each monitor among rendered objects, for the targets of `discovered`."""
    found = []
    for monitor in rendered:
        name = monitor["metadata"]["name"]
        if monitor["kind"] == "PodMonitor":
            (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
            keep = [_keep("pod", expression["key"]) for expression in monitor["spec"]["selector"]["matchExpressions"]]
            found.append(_config(name, PODS, endpoint, [*keep, _NOT_SCRAPED], folder, interval))
        elif monitor["kind"] == "ServiceMonitor":
            (endpoint,) = monitor["spec"]["endpoints"]
            labels = monitor["spec"]["selector"]["matchLabels"]
            keep = [_keep("service", key, value) for key, value in labels.items()]
            found.append(_config(name, ENDPOINTS, endpoint, keep, folder, interval))
    return found


@contextmanager
def discovered(kubeconfig: Path, folder: Path) -> Iterator[None]:
    """Keep the files of targets in step with a cluster."""
    kube, ended = Kube(kubeconfig), threading.Event()

    def follow() -> None:
        while not ended.wait(_POLL_S):
            _write(folder / f"{PODS}.json", list(_pods(kube)))
            _write(folder / f"{ENDPOINTS}.json", list(_endpoints(kube)))

    thread = threading.Thread(target=follow, name="discovery", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        kube.close()


def _pods(kube: Kube) -> Iterator[dict[str, Any]]:
    for pod in kube.items("api/v1/pods"):
        address, metadata = pod["status"].get("podIP"), pod["metadata"]
        common = {
            "__meta_kubernetes_namespace": metadata["namespace"],
            "__meta_kubernetes_pod_phase": pod["status"]["phase"],
            **_labels("pod", metadata.get("labels", {})),
        }
        for container in pod["spec"]["containers"]:
            for port in container.get("ports", []):
                if address:
                    labels = common | {_PORTS[PODS]: port["name"]}
                    yield {"targets": [f"{address}:{port['containerPort']}"], "labels": labels}


def _endpoints(kube: Kube) -> Iterator[dict[str, Any]]:
    services = {
        (one["metadata"]["namespace"], one["metadata"]["name"]): one["metadata"].get("labels", {})
        for one in kube.items("api/v1/services")
    }
    for endpoints in kube.items("apis/discovery.k8s.io/v1/endpointslices"):
        namespace = endpoints["metadata"]["namespace"]
        service = (namespace, endpoints["metadata"].get("labels", {}).get("kubernetes.io/service-name", ""))
        common = {"__meta_kubernetes_namespace": namespace, **_labels("service", services.get(service, {}))}
        for port in endpoints.get("ports") or []:
            addresses = [address for one in endpoints.get("endpoints") or [] for address in one["addresses"]]
            labels = common | {_PORTS[ENDPOINTS]: port.get("name", "")}
            yield {"targets": [f"{address}:{port['port']}" for address in addresses], "labels": labels}


def _write(path: Path, targets: list[dict[str, Any]]) -> None:
    aside = path.with_suffix(".part")
    aside.write_text(json.dumps(targets))
    aside.replace(path)


def _labels(kind: str, labels: Labels) -> dict[str, str]:
    found = {}
    for key, value in labels.items():
        found[f"__meta_kubernetes_{kind}_label_{_name(key)}"] = value
        found[f"__meta_kubernetes_{kind}_labelpresent_{_name(key)}"] = "true"
    return found


def _name(label: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in label)


def _keep(kind: str, label: str, value: str | None = None) -> dict[str, Any]:
    if value is None:
        source, value = f"__meta_kubernetes_{kind}_labelpresent_{_name(label)}", "true"
    else:
        source = f"__meta_kubernetes_{kind}_label_{_name(label)}"
    return {"source_labels": [source], "regex": value, "action": "keep"}


def _config(
    name: str, role: str, endpoint: dict[str, Any], keep: list[dict[str, Any]], folder: Path, interval: str
) -> dict[str, Any]:
    port = {"source_labels": [_PORTS[role]], "regex": endpoint["port"], "action": "keep"}
    namespace = {"source_labels": ["__meta_kubernetes_namespace"], "target_label": "namespace"}
    return {
        "job_name": name,
        "scrape_interval": interval,
        "scrape_timeout": interval,
        "honor_labels": endpoint["honorLabels"],
        "file_sd_configs": [{"files": [str(folder / f"{role}.json")]}],
        "relabel_configs": [*keep, port, namespace],
    }
