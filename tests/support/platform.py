"""The whole system on a real node: the operator from its chart, a bucket with drawn shapes, versions and their Pods."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from demo.console import console
from demo.install import CHART, DEVELOPMENT, install
from demo.tools import Tools

import devcluster
from support.kube import PODS, VERSIONS, Kube, eventually
from support.s3 import s3_client
from tintype_api.constants import ENV_POD_UID, TERMINAL_PHASES
from tintype_trainer.storage import Store

RANDOM = {"source": "Random"}

ROOT = Path(__file__).parents[2]
DATASETS = "datasets"
MODELS = "models"
NAMESPACE = "default"
SHAPES_SPEC: dict[str, Any] = {
    "view": {"name": "shape", "type": "Classification"},
    "concepts": ["circle", "square", "triangle"],
    "dataset": {"uri": f"s3://{DATASETS}/shapes/shapes.jsonl"},
    "training": {"architecture": "mobilenet_v3_small", "epochs": 2, "batchSize": 16, "initialWeights": RANDOM},
    "imageResizer": {"type": "Fixed", "width": 64, "height": 64},
    "output": {"uri": f"s3://{MODELS}"},
    "compute": {"gpus": 0, "cpu": "900m", "memory": "2Gi", "sharedMemory": "64Mi"},
}


@dataclass
class Platform:
    """A cluster with tintype installed, and what a user does with it."""

    cluster: devcluster.Cluster
    shapes: Path
    chart: Path = CHART
    images: Mapping[str, Any] = field(default_factory=lambda: DEVELOPMENT)
    kube: Kube = field(init=False)
    tools: Tools = field(init=False)

    def __post_init__(self) -> None:
        self.kube = Kube(self.cluster.kubeconfig)
        self.tools = Tools(self.cluster.programs, self.cluster.environment, console())

    def install(self) -> None:
        """Fill the bucket with shapes, two of which cannot be read, and install the operator."""
        draw = [sys.executable, str(ROOT / "examples" / "shapes" / "draw.py"), str(self.shapes), "--count", "60"]
        subprocess.run(draw, check=True, capture_output=True)
        (self.shapes / "circle" / "0000.png").write_text("no picture")
        (self.shapes / "square" / "0000.png").unlink()
        for bucket in (DATASETS, MODELS):
            self.s3.create_bucket(Bucket=bucket)
        for file in self.shapes.rglob("*.*"):
            self.s3.upload_file(str(file), DATASETS, f"shapes/{file.relative_to(self.shapes)}")
        install(self.tools, self.cluster.environment, chart=self.chart, images=self.images)

    @property
    def s3(self) -> Any:  # noqa: ANN401 - boto3 makes its clients' classes at run time
        return s3_client(self.cluster)

    def put(self, key: str, content: bytes) -> str:
        """Put a file beside the shapes; return its URI."""
        self.s3.put_object(Bucket=DATASETS, Key=key, Body=content)
        return f"s3://{DATASETS}/{key}"

    def pretend_gpus(self, *, pretend: bool = True) -> None:
        """Let trainings of one GPU use the processor, or no more, and wait for the operator that knows it."""
        operator = ("deployment/tintype-operator", "--namespace=tintype-system")
        setting = "TINTYPE_TEST_CPU_STANDS_FOR_GPU=1" if pretend else "TINTYPE_TEST_CPU_STANDS_FOR_GPU-"
        self.tools.run("kubectl", "set", "env", *operator, setting)
        self.tools.run("kubectl", "rollout", "status", *operator, "--timeout=120s")

    def upload_scenes(self, folder: Path, count: int) -> None:
        """Draw so many pictures of several shapes each, and upload them as scenes/scenes.jsonl."""
        draw = [sys.executable, str(ROOT / "examples" / "shapes" / "draw.py"), str(folder), "--scenes"]
        subprocess.run([*draw, "--count", str(count)], check=True, capture_output=True)
        for file in folder.rglob("*.*"):
            self.s3.upload_file(str(file), DATASETS, f"scenes/{file.relative_to(folder)}")

    def apply(self, name: str, changes: Mapping[str, Any] | None = None) -> None:
        """`kubectl apply` a version of the shapes, with some fields of its spec changed."""
        spec = json.loads(json.dumps(SHAPES_SPEC))
        for section, value in (changes or {}).items():
            spec[section] = {**spec[section], **value} if isinstance(value, dict) and section in spec else value
        document = {"apiVersion": "tintype.dev/v1alpha1", "kind": "ModelVersion", "metadata": {"name": name}}
        self.apply_document(document | {"spec": spec})

    def apply_document(self, document: Mapping[str, Any]) -> None:
        """`kubectl apply` a version as it is written."""
        self.tools.run("kubectl", "apply", "--filename=-", stdin=json.dumps(document))

    def delete(self, name: str) -> None:
        """`kubectl delete` a version."""
        self.tools.run("kubectl", "delete", "mv", name)

    def version(self, name: str) -> dict[str, Any]:
        return self.kube.get(f"{VERSIONS.format(NAMESPACE)}/{name}")

    def status(self, name: str) -> dict[str, Any]:
        status: dict[str, Any] = self.version(name).get("status", {})
        return status

    def ended(self, name: str, within_s: float = 240) -> dict[str, Any]:
        """Wait for a terminal phase; return the status."""
        return eventually(lambda: self.status(name), lambda status: status.get("phase") in TERMINAL_PHASES, within_s)

    def training(self, name: str, within_s: float = 180) -> dict[str, Any]:
        """Wait until the trainer has reported its first steps; return the status."""
        return eventually(lambda: self.status(name), lambda status: _iteration(status) > 0, within_s)

    def pods(self, name: str) -> list[dict[str, Any]]:
        return self.kube.items(PODS.format(NAMESPACE), labelSelector=f"tintype.dev/modelversion={name}")

    def process(self, name: str) -> int:
        """Return the process, as this machine numbers it, that is the first in the container of the current Pod."""
        uid = self.status(name)["job"]["podUID"]
        (found,) = [pid for pid in _processes() if _is_first_of(pid, uid)]
        return found

    def kill_trainer(self, name: str) -> None:
        """End the trainer by SIGKILL from outside of its container."""
        os.kill(self.process(name), signal.SIGKILL)

    def store(self) -> Store:
        """Return the storage, with the environment's keys."""
        from tintype_api.spec.run import Storage

        return Store.from_settings(Storage(endpoint=self.cluster.s3_endpoint))


@contextmanager
def installed(
    cluster: devcluster.Cluster,
    shapes: Path,
    chart: Path = CHART,
    images: Mapping[str, Any] = DEVELOPMENT,
) -> Iterator[Platform]:
    """Install tintype in a cluster, with shapes in its bucket; a folder holds them before."""
    platform = Platform(cluster, shapes, chart, images)
    platform.install()
    try:
        yield platform
    finally:
        platform.kube.close()


def condition(status: dict[str, Any], kind: str) -> dict[str, Any]:
    """Return a condition of a status; empty where it is not there."""
    found = [one for one in status.get("conditions", []) if one["type"] == kind]
    return found[0] if found else {}


def _iteration(status: dict[str, Any]) -> int:
    return int(status.get("progress", {}).get("iteration", 0))


def _processes() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def _is_first_of(pid: int, pod_uid: str) -> bool:
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        numbers = Path(f"/proc/{pid}/status").read_text().split("NSpid:")[1].split("\n")[0].split()
    except (OSError, IndexError):
        return False
    return f"{ENV_POD_UID}={pod_uid}".encode() in environment and numbers[-1] == "1"
