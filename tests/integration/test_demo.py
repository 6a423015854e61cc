"""The demo as a user runs it: what it shows, how it ends, and that nothing of it is left; needs root."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from demo.console import Log
from demo.errors import DemoError
from demo.follow import follow
from demo.tools import Tools

from devcluster import Cluster, lifetime
from devcluster.plan import Plan

ROOT = Path(__file__).parents[2]
GONE_TIMEOUT_S = 20.0


@dataclass(frozen=True)
class Traces:
    """What a running demo can be told by."""

    state: Path
    pid_namespace: str
    interface: str
    interface_index: str

    @classmethod
    def of(cls, state: Path) -> "Traces":
        inner = lifetime.read_processes(state)[-1].pid
        interface = Plan.read(state).interface
        return cls(state, pid_namespace(Path("/proc", str(inner))), interface, index_of(interface))

    def found(self) -> list[str]:
        """Return the processes, mounts and interfaces that are there."""
        names = [f"interface {self.interface}"] if index_of(self.interface) == self.interface_index else []
        mounts = Path("/proc/self/mountinfo").read_text().splitlines()
        names += [f"mount {line}" for line in mounts if str(self.state) in line]
        return names + [f"process {path.name}" for path in Path("/proc").glob("[0-9]*") if self._is_ours(path)]

    def _is_ours(self, process: Path) -> bool:
        try:
            where = pid_namespace(process)
            words = (process / "environ").read_bytes() + (process / "cmdline").read_bytes()
        except OSError:  # it has just ended, or is a zombie
            return False
        own = process.name != str(os.getpid())
        return own and (where == self.pid_namespace or str(self.state).encode() in words)


def index_of(interface: str) -> str:
    """Return the kernel's number of an interface, which no later one of this name has; empty where it is gone."""
    path = Path("/sys/class/net", interface, "ifindex")
    return path.read_text().strip() if path.exists() else ""


def pid_namespace(process: Path) -> str:
    return str((process / "ns" / "pid").readlink())


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "demo"


@pytest.fixture
def start(state: Path) -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    started: list[subprocess.Popen[str]] = []

    def begin(*before: str) -> "subprocess.Popen[str]":
        # As in a terminal: a shell has its background jobs, tests among them, ignore Ctrl-C.
        heeding = ["env", "--default-signal=INT"]
        command = [*heeding, *before, sys.executable, "-m", "demo", "--epochs=0.1", f"--state={state}"]
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        with process:
            process.kill()


def read_until(process: "subprocess.Popen[str]", words: str) -> str:
    assert process.stdout is not None
    read = ""
    for line in process.stdout:
        read += line
        if words in line:
            return read
    pytest.fail(f"'{words}' was not said: {read}")


def assert_nothing_is_left(traces: Traces) -> None:
    deadline = time.monotonic() + GONE_TIMEOUT_S
    while (found := traces.found()) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert found == []


def test_from_apply_to_published_and_nothing_left(start: Callable[..., "subprocess.Popen[str]"], state: Path) -> None:
    process = start()
    shown = read_until(process, "kubectl apply")
    traces = Traces.of(state)
    assert traces.found() != []
    assert process.stdout is not None
    shown += process.stdout.read()
    assert process.wait(timeout=60) == 0, shown
    lines = shown.splitlines()
    assert "\x1b" not in shown
    assert "CC BY-NC-SA 4.0" in shown
    phases = ["Pending", "Preparing", "Training", "Succeeded"]
    told = [line for line in lines if line in phases]
    assert told in (phases, phases[1:]), "the Pod may run before the first look at the version"
    assert re.search(r"epoch 0\.1 of 0\.1: training loss \d.*, validation loss \d.*, validation accuracy \d", shown)
    assert re.search(r"pv-cells +Succeeded", shown)
    assert re.search(r"s3://models/default/pv-cells/runs/[-0-9a-f]+/best\.safetensors +\d+\.\d MB", shown)
    assert re.search(r"manifest\.json names \d+ files, .*: each was read back", shown)
    assert re.search(r"Accuracy on the 654 test photographs.*: \d+\.\d\d% \(95 % interval", shown)
    assert "88.42 % (CNN) and 82.44 % (SVM) of Deitsch et al. 2019" in shown
    assert "The demo took" in lines[-1]
    assert_nothing_is_left(traces)


@pytest.mark.parametrize(
    ("before", "number", "code"),
    [
        ((), signal.SIGINT, 130),
        ((), signal.SIGTERM, 128 + signal.SIGTERM),
        ((), signal.SIGKILL, -signal.SIGKILL),
        (("sh", "-c", '"$@"; exit 7', "sh"), signal.SIGKILL, -signal.SIGKILL),
    ],
    ids=["ctrl-c", "sigterm", "sigkill", "sigkill of what started it"],
)
def test_nothing_is_left_of_a_demo_that_is_ended_in_the_middle(
    start: Callable[..., "subprocess.Popen[str]"], state: Path, before: tuple[str, ...], number: int, code: int
) -> None:
    process = start(*before)
    read_until(process, "Pending")
    traces = Traces.of(state)
    assert traces.found() != []
    process.send_signal(number)
    assert process.wait(timeout=60) == code
    assert_nothing_is_left(traces)


def test_a_failed_version_is_told_with_its_sentence(control_plane: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    shown = Log(sys.stdout)
    tools = Tools(control_plane.programs, control_plane.environment, shown)
    tools.run("kubectl", "apply", f"--filename={ROOT / 'crds' / 'modelversions.tintype.dev.yaml'}")
    tools.run("kubectl", "wait", "--for=condition=Established", "crd/modelversions.tintype.dev")
    version = yaml.safe_load((ROOT / "examples" / "pv-cells.yaml").read_text())
    version["metadata"]["name"] = "demo-fails"
    tools.run("kubectl", "create", "--filename=-", stdin=json.dumps(version))
    sentence = "s3://datasets/pv-cells/pv-cells.jsonl does not exist; correct the URI"
    failed = {"type": "Failed", "status": "True", "reason": "NotFound", "message": sentence}
    status = {"phase": "Failed", "conditions": [failed | {"lastTransitionTime": "2026-01-01T00:00:00Z"}]}
    patch = ("--subresource=status", "--type=merge", f"--patch={json.dumps({'status': status})}")
    tools.run("kubectl", "patch", "modelversion", "demo-fails", *patch)
    with pytest.raises(DemoError) as error:
        follow(tools, control_plane.check, "demo-fails", shown)
    assert str(error.value).startswith(f"ModelVersion demo-fails is Failed: {sentence}\n")
    assert "No Pod of it is left" in str(error.value)
    assert capsys.readouterr().out == "Failed\n"
