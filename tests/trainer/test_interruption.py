"""SIGTERM and Ctrl-C on real processes."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from examples.shapes.draw import CONCEPTS, draw_dataset

from support.modelversions import modelversion

RANDOM = {"source": "Random"}

SLOW_IMPORT = "import time\nprint('importing', flush=True)\ntime.sleep(3600)\n"


@pytest.fixture(scope="module")
def version(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("endless")
    draw_dataset(folder, 10)
    document = modelversion(
        {
            "spec.view.name": "shape",
            "spec.concepts": list(CONCEPTS),
            "spec.dataset.uri": (folder / "shapes.jsonl").as_uri(),
            "spec.training": {
                "architecture": "mobilenet_v3_small",
                "iterations": 1_000_000,
                "batchSize": 6,
                "initialWeights": RANDOM,
            },
            "spec.imageResizer": {"type": "Fixed", "width": 32, "height": 32},
            "spec.output.uri": (folder / "models").as_uri(),
            "spec.compute": {"gpus": 0, "cpu": "1", "memory": "3Gi"},
        }
    )
    path = folder / "version.yaml"
    path.write_text(yaml.safe_dump(document))
    return path


def _start(version: Path, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tintype_trainer.cli", "run", str(version), "--cache", str(version.parent / "cache")],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _lines_until(process: subprocess.Popen[str], start: str) -> Iterator[str]:
    assert process.stdout is not None
    for line in process.stdout:
        yield line
        if line.startswith(start):
            return
    pytest.fail(f"no line starts with '{start}': {process.communicate()}")


@pytest.mark.parametrize(
    ("number", "exit_code", "said"),
    [
        (signal.SIGTERM, 75, "tintype: error: the training was interrupted by SIGTERM\n"),
        (signal.SIGINT, 130, "tintype: stopped by Ctrl-C\n"),
    ],
)
def test_while_it_trains(version: Path, number: signal.Signals, exit_code: int, said: str) -> None:
    with _start(version) as process:
        list(_lines_until(process, "epoch 1"))
        process.send_signal(number)
        _, errors = process.communicate(timeout=240)
    assert process.returncode == exit_code
    assert errors == said
    assert not list(version.parent.glob("models/default/*/manifest.json"))


def test_before_the_first_step_it_ends_at_once(version: Path, tmp_path: Path) -> None:
    """A module that is imported for an hour stands for torch."""
    (tmp_path / "torch.py").write_text(SLOW_IMPORT)
    with _start(version, PYTHONPATH=f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}") as process:
        list(_lines_until(process, "importing"))
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=240)
    assert process.returncode == 75
    assert errors == "tintype: interrupted by SIGTERM\n"


def test_the_termination_message_is_written_at_once_too(tmp_path: Path) -> None:
    script = f"""if True:
        import os, signal
        from pathlib import Path
        from tintype_trainer.reporting.failures import outcome_of
        from tintype_trainer.interruption import Interrupted, Interruption
        from tintype_trainer.reporting.termination import write_termination_message
        interruption = Interruption()
        interruption.install()
        interruption.before_exit(
            lambda: write_termination_message(Path({str(tmp_path / "log")!r}), outcome_of(Interrupted()), None)
        )
        with interruption.deferred():
            os.kill(os.getpid(), signal.SIGTERM)
            print("still here", flush=True)
            try:
                interruption.check()
            except Interrupted:
                print("stopped at a boundary", flush=True)
        print("never here", flush=True)
    """
    process = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert process.stdout == "still here\nstopped at a boundary\n"
    assert "Interrupted" in process.stderr

    process = subprocess.run(
        [sys.executable, "-c", script.replace("with interruption.deferred():", "if True:")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (process.returncode, process.stdout) == (75, "")
    assert json.loads((tmp_path / "log").read_text())["reason"] == "Interrupted"
