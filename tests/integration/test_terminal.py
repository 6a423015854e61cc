"""What a terminal shows of versions in a real cluster: `tintype watch`, `tintype new`, kubectl."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import devcluster
from support.operator_process import OperatorProcess
from support.played import Played

NAMESPACE = "terminal"
TINTYPE = Path(sys.executable).with_name("tintype")
EPOCH = {"epoch": 1, "iteration": 20, "learningRate": 0.1, "trainLoss": 0.5, "validationLoss": 0.8, "seconds": 12}
PROGRESS = {"summary": "epoch 2 of 6", "epoch": 1, "epochs": 6, "iteration": 20, "iterations": 120}
TRAINING = {"stage": "Training", "progress": PROGRESS, "history": [EPOCH | {"validationAccuracy": 0.75}]}
WRONG = '{"exitCode":65,"reason":"DataError","message":"line 7 is no JSON; correct it"}'


@contextmanager
def _begun(cluster: devcluster.Cluster, *command: object) -> Iterator[subprocess.Popen[str]]:
    environment = os.environ | cluster.environment | {"COLUMNS": "80"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(
        [*map(str, command), f"--namespace={NAMESPACE}"], env=environment, text=True, **pipes
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _said(cluster: devcluster.Cluster, *command: object) -> tuple[int, str, str]:
    with _begun(cluster, *command) as process:
        out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def _until(watching: subprocess.Popen[str], words: str) -> None:
    assert watching.stdout is not None
    assert any(words in line for line in watching.stdout), f"ended before it said {words}"


def test_a_version_is_watched_from_its_wait_to_its_end(
    control_plane: devcluster.Cluster, played: Played, operator: OperatorProcess
) -> None:
    played.apply("seen-1")
    pod = played.pod("seen-1")
    with _begun(control_plane, TINTYPE, "watch", "seen-1") as watching:
        _until(watching, "waiting for a node")
        played.run(pod)
        assert played.report(played.token(pod), "seen-1", TRAINING).code == 200
        _until(watching, "epoch 1 of 6")
        played.end(pod, 65, WRONG)
        _, err = watching.communicate(timeout=60)
    assert watching.returncode == 1
    assert "line 7 is no JSON; correct it" in err
    assert "Traceback" not in err


def test_nobody_to_watch(control_plane: devcluster.Cluster, operator: OperatorProcess) -> None:
    code, _, err = _said(control_plane, TINTYPE, "watch", "nobody")
    assert code != 0
    assert err.count("\n") == 1
    assert "nobody" in err


def test_the_next_version_is_one_that_the_api_server_takes(
    control_plane: devcluster.Cluster, played: Played, operator: OperatorProcess, tmp_path: Path
) -> None:
    played.apply("made-1")
    code, out, err = _said(control_plane, TINTYPE, "new", "--from", "made-1")
    assert code == 0, err
    file = tmp_path / "made.yaml"
    file.write_text(out)
    code, out, err = _said(control_plane, "kubectl", "create", "--dry-run=server", "--filename", file)
    assert (code, out.split()[0]) == (0, "modelversion.tintype.dev/made-2"), err


def test_kubectl_needs_80_columns(control_plane: devcluster.Cluster, played: Played, operator: OperatorProcess) -> None:
    played.apply("listed-1")
    pod = played.pod("listed-1")
    played.run(pod)
    assert played.report(played.token(pod), "listed-1", TRAINING).code == 200
    played.until("listed-1", "Training")
    _, out, _ = _said(control_plane, "kubectl", "get", "mv")
    assert max(map(len, out.splitlines())) <= 80, out
    _, out, _ = _said(control_plane, "kubectl", "describe", "mv", "listed-1")
    assert "epoch 2 of 6" in out
