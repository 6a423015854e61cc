"""The Prometheus Operator, on this machine beside a cluster: what it makes of the chart's monitors and rules.

It runs as its makers' program, with the CRDs of its module. What it makes is the configuration of a Prometheus, which
Debian's package then runs. Two things stand for its Pod: the files are put where that Prometheus is, and the discovery
of Kubernetes, which Debian leaves out, is a program of its own around Prometheus' package.
"""

import base64
import gzip
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import yaml
from demo.tools import Tools

import devcluster
from devcluster import build
from devcluster.programs import TOOLS
from devcluster.progress import say
from support.kube import Kube, eventually
from support.ports import free_port
from support.prometheus import version

LABELS: Final = {"release": "prometheus"}
"""By which the Prometheus chooses monitors and rules; monitoring.labels of the chart."""
NAMESPACE: Final = "monitoring"
NAME: Final = "watching"
_API: Final = f"apis/monitoring.coreos.com/v1/namespaces/{NAMESPACE}/prometheuses"
_CORE: Final = f"api/v1/namespaces/{NAMESPACE}"
_KINDS: Final = ("prometheuses", "podmonitors", "servicemonitors", "prometheusrules", "probes", "scrapeconfigs")
_OF_ITS_POD: Final = {"$(POD_NAME)": f"prometheus-{NAME}-0", "$(SHARD)": "0"}
"""What the operator leaves to the Pod's own environment."""


@contextmanager
def operated(cluster: devcluster.Cluster, tools: Tools, folder: Path) -> Iterator[Kube]:
    """Run the operator for a Prometheus that chooses by LABELS; the client is of the cluster."""
    programs = build.ensure(TOOLS, say)
    crds = build.manifests_folder(programs, "prometheus-operator")
    files = [f"--filename={crds / f'monitoring.coreos.com_{kind}.yaml'}" for kind in _KINDS]
    names = [f"crd/{kind}.monitoring.coreos.com" for kind in _KINDS]
    tools.run("kubectl", "apply", "--server-side", *files)
    tools.run("kubectl", "wait", "--for=condition=Established", *names)
    kube = Kube(cluster.kubeconfig)
    command = [str(programs / "prometheus-operator"), *_access(cluster, folder)]
    command += [f"--web.listen-address=127.0.0.1:{free_port()}"]
    try:
        with _running(command, folder / "operator.txt"):
            kube.must("POST", "api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
            kube.must("POST", _API, _prometheus())
            yield kube
    finally:
        kube.must("DELETE", f"api/v1/namespaces/{NAMESPACE}")
        tools.run("kubectl", "delete", *names)
        kube.close()


@contextmanager
def configured(cluster: devcluster.Cluster, kube: Kube, folder: Path, monitors: int) -> Iterator[dict[str, Any]]:
    """Yield the configuration that the operator makes of so many monitors, and keep its files of targets in step."""
    secret = f"{_CORE}/secrets/prometheus-{NAME}"
    configuration = eventually(
        lambda: _configuration(kube.find(secret)), lambda found: len(found.get("scrape_configs", [])) == monitors, 60
    )
    rules = eventually(lambda: kube.find(f"{_CORE}/configmaps/prometheus-{NAME}-rulefiles-0") or {}, _data, 60)
    (folder / "rules").mkdir(exist_ok=True)
    for name, text in _data(rules).items():
        (folder / "rules" / name).write_text(text)
    configuration["rule_files"] = [str(folder / "rules" / "*.yaml")]
    with ExitStack() as stack:
        for number, job in enumerate(configuration["scrape_configs"]):
            file = folder / f"targets{number}.json"
            (discovery,) = job.pop("kubernetes_sd_configs")
            job["file_sd_configs"] = [{"files": [str(file)]}]
            settings = yaml.safe_dump({**discovery, "kubeconfig_file": str(cluster.kubeconfig)})
            command = [str(build.ensure(TOOLS, say) / "prometheus-discovery"), str(file)]
            stack.enter_context(_running(command, folder / f"discovery{number}.txt", settings))
        yield configuration


def _prometheus() -> dict[str, Any]:
    chosen = {"matchLabels": LABELS}
    spec = {
        "replicas": 0,
        "version": f"v{version()}",
        "serviceDiscoveryRole": "EndpointSlice",
        "evaluationInterval": "2s",
        **{f"{kind}Selector": chosen for kind in ("serviceMonitor", "podMonitor", "rule")},
        **{f"{kind}NamespaceSelector": {} for kind in ("serviceMonitor", "podMonitor", "rule")},
    }
    return {"metadata": {"name": NAME}, "apiVersion": "monitoring.coreos.com/v1", "kind": "Prometheus", "spec": spec}


def _configuration(secret: Mapping[str, Any] | None) -> dict[str, Any]:
    if not _data(secret or {}):
        return {}
    assert secret is not None
    text = gzip.decompress(base64.b64decode(secret["data"]["prometheus.yaml.gz"])).decode()
    for name, value in _OF_ITS_POD.items():
        text = text.replace(name, value)
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def _data(found: Mapping[str, Any]) -> dict[str, str]:
    data: dict[str, str] = found.get("data") or {}
    return data


def _access(cluster: devcluster.Cluster, folder: Path) -> list[str]:
    """Return the flags by which the operator reaches the API server; it reads no kubeconfig."""
    config = yaml.safe_load(cluster.kubeconfig.read_text())
    server, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    flags = [f"--apiserver={server['server']}"]
    for flag, text in (
        ("ca-file", server["certificate-authority-data"]),
        ("cert-file", user["client-certificate-data"]),
        ("key-file", user["client-key-data"]),
    ):
        (folder / flag).write_bytes(base64.b64decode(text))
        flags.append(f"--{flag}={folder / flag}")
    return flags


@contextmanager
def _running(command: Sequence[str], log: Path, settings: str = "") -> Iterator[None]:
    with log.open("wb") as said:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=said, stderr=said)
        assert process.stdin is not None
        process.stdin.write(settings.encode())
        process.stdin.close()
        try:
            yield
            assert process.poll() is None, log.read_text()
        finally:
            process.terminate()
            process.wait(timeout=30)
