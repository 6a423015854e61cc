"""A kubelet that is played, whose Pods are real trainers: processes of this machine, on a cluster without a node."""

import base64
import os
import signal
import subprocess
import sys
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from support.kube import eventually
from support.played import Played
from support.trainer_by_hand import GPU_BUSY
from tintype_api.constants import ANNOTATION_MODELVERSION, ENV_OUTCOME_FILE, ENV_POD_UID

TESTS = Path(__file__).parents[1]
KILLED = 128 + signal.SIGKILL


@dataclass
class TrainerByHand:
    """A trainer in the place of a Pod.

    Attributes:
        played: The namespace.
        pod: The Pod.
        folder: What it was given, its cache and its log.
        process: Its process.
    """

    played: Played
    pod: dict[str, Any]
    folder: Path
    process: subprocess.Popen[bytes]

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def ended(self, within_s: float = 300) -> int:
        """Wait for its end, tell it of the Pod, and return the exit code."""
        code = self.process.wait(within_s)
        code = KILLED if code == -signal.SIGKILL else code
        said = self.folder / "outcome.json"
        self.played.end(self.pod, code, said.read_text() if said.exists() else "")
        return code

    def cached_pictures(self) -> list[Path]:
        """Return the pictures of its data set in its cache."""
        return [path for path in self.folder.glob("cache/**/*") if len(path.name) == 64]

    def said(self) -> str:
        """Return its log."""
        return (self.folder / "log.txt").read_text()

    def gpu_is_busy(self, percent: int) -> None:
        """Let the driver of its GPU say something else."""
        (self.folder / GPU_BUSY).write_text(str(percent))

    def close(self) -> None:
        """End it, whatever it does."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)


def run_by_hand(
    played: Played,
    name: str,
    parent: Path,
    metrics_port: int,
    environment: Mapping[str, str],
    gpu_busy: int | None = None,
) -> TrainerByHand:
    """Run the Pod that a version waits for, in a folder of its own below `parent`.

    `gpu_busy` is what the driver of its GPU says, in percent; None: it has no GPU.
    """
    pod = played.pod(name)
    folder = parent / pod["metadata"]["name"]
    folder.mkdir()
    document = folder / "modelversion.json"
    document.write_text(pod["metadata"]["annotations"][ANNOTATION_MODELVERSION])
    (folder / "token").write_text(played.token(pod))
    cluster = yaml.safe_load(played.kube.kubeconfig.read_text())["clusters"][0]["cluster"]
    (folder / "ca.crt").write_bytes(base64.b64decode(cluster["certificate-authority-data"]))
    if gpu_busy is not None:
        (folder / GPU_BUSY).write_text(str(gpu_busy))
    server = urllib.parse.urlsplit(cluster["server"])
    variables = {
        **os.environ,
        **environment,
        "PYTHONPATH": str(TESTS),
        "KUBERNETES_SERVICE_HOST": str(server.hostname),
        "KUBERNETES_SERVICE_PORT": str(server.port),
        ENV_POD_UID: pod["metadata"]["uid"],
        ENV_OUTCOME_FILE: str(folder / "outcome.json"),
    }
    command = [sys.executable, "-m", "support.trainer_by_hand", str(folder), "run", str(document)]
    command += ["--cache", str(folder / "cache"), "--metrics-port", str(metrics_port)]
    with (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=variables)
    played.run(pod)
    return TrainerByHand(played, pod, folder, process)


def until_it_trains(played: Played, name: str, within_s: float = 300) -> None:
    """Wait until a version's trainer has told of a step."""
    eventually(lambda: played.status(name).get("progress", {}).get("iteration", 0), within_s=within_s)
