"""The operator as its own process, with the rights that the chart gives it."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import yaml

import devcluster
from support.kube import Kube, eventually
from support.ports import free_port

REQUESTS = re.compile(
    r'tintype_operator_api_requests_total{code="(?P<code>-?\d+)",resource="(?P<resource>[^"]+)",'
    r'verb="(?P<verb>\w+)"} (?P<count>\S+)'
)
ROOT = Path(__file__).parents[2]
SYSTEM = "tintype-system"


class Request(NamedTuple):
    """A kind of request and how it was answered."""

    verb: str
    resource: str
    code: int


class OperatorProcess:
    """`kopf run` of the operator for some namespaces, with a kubeconfig of its own."""

    def __init__(
        self, kubeconfig: Path, namespaces: list[str], log: Path, settings: Mapping[str, str] | None = None
    ) -> None:
        """Make it; its name among operators is that of the log's folder."""
        self._command = [sys.executable, "-m", "kopf", "run", "--standalone", "-m", "tintype_operator.main"]
        self._command += [f"--namespace={namespace}" for namespace in namespaces]
        self._kubeconfig = kubeconfig
        self._settings = settings or {}
        self.log = log
        self.identity = log.parent.name
        self.port = free_port()
        self.started_in_s = 0.0
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *, wait: bool = True, until: str = "started in") -> None:
        """Start it, and wait until it says that it works, or something else."""
        environment = {
            **os.environ,
            "KUBECONFIG": str(self._kubeconfig),
            "TINTYPE_TRAINER_IMAGE": "tintype-trainer:test",
            "POD_ID": self.identity,
            "TINTYPE_LEASE": f"{SYSTEM}/tintype-operator",
            "TINTYPE_METRICS_PORT": str(self.port),
            **self._settings,
        }
        starts, began = self.said().count(until), time.monotonic()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdout=log, stderr=log, env=environment, cwd=self.log.parent
            )
        if wait:
            eventually(lambda: self.said().count(until) > starts, within_s=60)
            self.started_in_s = time.monotonic() - began

    def rss_bytes(self) -> int:
        """Return its resident memory."""
        return int(self._proc("statm").split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def cpu_seconds(self) -> float:
        """Return the processor time that it has used."""
        fields = self._proc("stat").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _proc(self, name: str) -> str:
        assert self._process is not None
        return Path(f"/proc/{self._process.pid}/{name}").read_text()

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """End it as a lost node would."""
        self.send(signal.SIGKILL)
        assert self._process is not None
        self._process.wait()
        self._process = None

    def stop(self) -> None:
        """End it as Kubernetes does; it has to obey."""
        if self._process is None:
            return
        self._process.terminate()
        assert self._process.wait(timeout=40) == 0, self.said()
        self._process = None

    def requests(self) -> dict[Request, float]:
        """Return what it has asked of the API server since it started, and how often."""
        found = REQUESTS.finditer(self.http("/metrics")[1])
        return {Request(one["verb"], one["resource"], int(one["code"])): float(one["count"]) for one in found}

    def restart(self) -> None:
        self.kill()
        self.log.write_bytes(b"")
        self.start()

    def said(self) -> str:
        return self.log.read_text() if self.log.exists() else ""

    def http(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def metric(self, line_start: str) -> float:
        """Return the sum of the samples whose line starts so; 0 where there is none."""
        lines = self.http("/metrics")[1].splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(line_start))


def install(
    cluster: devcluster.Cluster, kube: Kube, namespaces: list[str], folder: Path, values: Mapping[str, object]
) -> Path:
    """Install the chart's CRD, policy and rights for some namespaces; return a kubeconfig with the operator's token.

    `values` are the chart's, by their dotted paths.
    """
    for namespace in [SYSTEM, *namespaces]:
        kube.request("POST", "api/v1/namespaces", {"metadata": {"name": namespace}})
    rendered = rendered_chart(cluster, namespaces, values)
    documents = [one for one in yaml.safe_load_all(rendered) if one and one["kind"] != "Deployment"]
    manifest = folder / "chart.yaml"
    manifest.write_text(yaml.safe_dump_all(documents))
    _run(cluster, ["kubectl", "apply", "--server-side", "--force-conflicts", "-f", str(manifest)], [])
    _run(cluster, ["kubectl", "wait", "--for=condition=Established", "crd/modelversions.tintype.dev"], [])
    account = next(one["metadata"]["name"] for one in documents if one["kind"] == "ServiceAccount")
    token = _run(cluster, ["kubectl", "create", "token", account, "-n", SYSTEM, "--duration=2h"], []).strip()
    return token_kubeconfig(cluster.kubeconfig, token, folder / "operator.kubeconfig")


def rendered_chart(cluster: devcluster.Cluster, namespaces: list[str], values: Mapping[str, object]) -> str:
    """Return the chart's objects as YAML, for some namespaces, or for all where none is named."""
    settings = {"watchNamespaces": namespaces, **values}
    return _run(
        cluster,
        ["helm", "template", "tintype", str(ROOT / "helm" / "tintype"), f"--namespace={SYSTEM}"],
        [f"--set-json={path}={json.dumps(value)}" for path, value in settings.items()],
    )


def token_kubeconfig(admin: Path, token: str, path: Path) -> Path:
    """Write a kubeconfig for the same cluster with a token instead of the admin's certificate."""
    config = yaml.safe_load(admin.read_text())
    config["users"][0]["user"] = {"token": token}
    path.write_text(yaml.safe_dump(config))
    return path


def _run(cluster: devcluster.Cluster, command: list[str], more: list[str]) -> str:
    environment = os.environ | cluster.environment
    done = subprocess.run([*command, *more], env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout
