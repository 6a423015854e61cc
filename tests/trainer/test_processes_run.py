"""`tintype run` with two processes: what a user and a Pod see of it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from examples.shapes.draw import CONCEPTS, draw_dataset

from support.modelversions import modelversion
from support.published import published_file
from tintype_api.constants import ENV_CPU_STANDS_FOR_GPU, ENV_LEADER, ENV_NODE_INDEX
from tintype_api.modelversion import ModelVersion, resolve
from tintype_api.spec.run import Compute
from tintype_trainer.interruption import Interruption
from tintype_trainer.processes import launching
from tintype_trainer.processes.place import Node, Place


class Run:
    """A folder with drawn shapes, and `tintype run` of a version with two processes on them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        draw_dataset(folder / "data", 10)
        (folder / "cache").mkdir()

    def start(self, output: str, *, epochs: int = 2, **compute: Any) -> "subprocess.Popen[str]":  # noqa: ANN401 - YAML
        document = modelversion(
            {
                "spec.view": {"name": "shape", "type": "Classification"},
                "spec.concepts": list(CONCEPTS),
                "spec.dataset.uri": (self.folder / "data" / "shapes.jsonl").as_uri(),
                "spec.training": {
                    "architecture": "mobilenet_v3_small",
                    "epochs": epochs,
                    "batchSize": 8,
                    "initialWeights": {"source": "Random"},
                },
                "spec.imageResizer": {"type": "KeepAspectRatio", "maxDimension": 32},
                "spec.compute": {"gpus": 2, "cpu": "2", "memory": "6Gi", **compute},
            },
            name="shapes",
        )
        path = self.folder / f"{output}.yaml"
        path.write_text(yaml.safe_dump(document))
        command = [sys.executable, "-m", "tintype_trainer.cli", "run", path, "--cache", self.folder / "cache"]
        return subprocess.Popen(
            [*command, "--output", self.folder / output],
            env=os.environ | {ENV_CPU_STANDS_FOR_GPU: "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return Run(tmp_path_factory.mktemp("run"))


def _children(process: "subprocess.Popen[str]") -> list[int]:
    text = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    return [int(child) for child in text.split()]


def _until(process: "subprocess.Popen[str]", words: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(words):
            return
    raise AssertionError(process.communicate()[1])


def test_two_processes_publish_once(run: Run) -> None:
    out, err = (process := run.start("whole")).communicate(timeout=300)
    assert process.returncode == 0, err
    lines = out.splitlines()
    assert sum(line.startswith("epoch ") for line in lines) == 2
    assert "mobilenet_v3_small: 2 epochs of 2 iterations, batches of 8" in out
    assert "1 threads, by 2 processes" in out
    assert lines[-1].startswith(f"published {(run.folder / 'whole').as_uri()}/default/shapes")
    evaluation = json.loads(published_file(run.folder / "whole" / "default" / "shapes", "evaluation.json"))
    assert evaluation["validation"]["examples"] == evaluation["test"]["examples"] == 6


def test_sigterm_reaches_all_and_the_next_run_goes_on(run: Run) -> None:
    process = run.start("interrupted", epochs=400)
    _until(process, "epoch 1 ")
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 75
    assert err == "tintype: error: the training was interrupted by SIGTERM\n"
    process = run.start("interrupted", epochs=400)
    _until(process, "the training goes on from its checkpoint at epoch ")
    children = _children(process)
    process.kill()
    process.communicate()
    until = time.monotonic() + 60
    while any(Path(f"/proc/{child}").exists() for child in children):
        assert time.monotonic() < until, "nobody is left behind"
        time.sleep(0.1)


TELLS = "import json, os, sys, time; rank = int(os.environ['TINTYPE_PROCESS_RANK']); sys.stdin.read()\n"
LEAVES = (
    "def leave(code, reason):\n"
    "    message = {'exitCode': code, 'reason': reason, 'message': f'rank {rank}', 'stage': None}\n"
    "    open(os.environ['TINTYPE_OUTCOME_FILE'], 'w').write(json.dumps(message)); sys.exit(code)\n"
)
KILLED = "process 1 of 2 was killed by signal 9 (SIGKILL); if nobody did that, raise compute.memory"


@pytest.mark.parametrize(
    ("does", "exit_code", "reason", "message"),
    [
        ("leave(0, 'Published')", 0, "Published", "rank 0"),
        ("leave(0, 'Published' if rank else 'Stopped')", 0, "Stopped", "rank 0"),
        ("rank or leave(1, 'PeerLost'); time.sleep(1); leave(65, 'DataError')", 65, "DataError", "rank 1"),
        ("leave(1, 'PeerLost')", 1, "PeerLost", "rank"),
        ("rank or leave(0, 'Published'); os.kill(os.getpid(), 9)", 137, "Killed", KILLED),
        ("rank or leave(0, 'Published'); sys.exit(3)", 3, "Crashed", "process 1 of 2 ended with exit code 3"),
        ("rank and leave(78, 'EnvironmentError'); time.sleep(600)", 78, "EnvironmentError", "rank 1"),
    ],
    ids=["well", "rank 0 tells", "peer lost", "all lost", "killed", "untold", "one hangs"],
)
def test_the_outcome_is_that_of_the_first_with_a_reason_of_its_own(
    monkeypatch: pytest.MonkeyPatch, does: str, exit_code: int, reason: str, message: str
) -> None:
    monkeypatch.setattr(launching, "COMMAND", (sys.executable, "-c", f"{TELLS}{LEAVES}{does}"))
    monkeypatch.setattr(launching, "PARTING_S", 2.0)
    version = resolve(ModelVersion.parse(modelversion({"spec.compute": {"gpus": 2}})))
    outcome = launching.launch(version, [], Interruption())
    assert (outcome.exit_code, outcome.reason) == (exit_code, reason)
    assert outcome.message.startswith(message)


def test_several_nodes_need_to_know_of_each_other(run: Run) -> None:
    _, err = (process := run.start("nodes", gpus=0, nodes=2)).communicate(timeout=60)
    assert process.returncode == 78
    assert err == (
        f"tintype: error: compute.nodes is 2, but {ENV_NODE_INDEX} and {ENV_LEADER} do not say which of them this is "
        "and where the first one is; set compute.nodes to 1, or train in a cluster\n"
    )


def test_places_are_read_as_they_were_written() -> None:
    places = Node(1, "bottles-1-0.bottles-nodes").places(Compute(gpus=2, nodes=3), 9466, 7)
    assert [(place.rank, place.local_rank, place.size) for place in places] == [(2, 0, 6), (3, 1, 6)]
    assert [Place.read(place.variables()) for place in places] == places
    assert Place.read({}) is None


@pytest.mark.parametrize(("gpus", "nodes", "batch_size"), [(1, 1, 32), (3, 1, 30), (3, 2, 30), (40, 1, 40)])
def test_a_batch_that_is_not_given_is_a_multiple_of_the_processes(gpus: int, nodes: int, batch_size: int) -> None:
    document = modelversion({"spec.compute": {"gpus": gpus, "nodes": nodes}})
    training = resolve(ModelVersion.parse(document)).spec.training
    assert training.batch_size == batch_size
    assert training.optimizer.learning_rate == pytest.approx(0.032 * batch_size / 32)
