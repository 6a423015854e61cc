"""Runs that make no progress: by a clock of the test's own, and as processes."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import yaml
from examples.shapes.draw import CONCEPTS, draw_dataset

from support.modelversions import modelversion
from tintype_api.constants import Stage
from tintype_api.status import TrainerStatus
from tintype_trainer.hanging import Limits, Watchdog

LIMITS = Limits(steps_s=600, usual_steps=10, elsewhere_s=3600, look_s=5)


class Watched:
    """A watchdog that looks every five seconds of a clock that the test moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.told: list[str] = []
        self.watchdog = Watchdog(self.told.append, LIMITS, lambda: self.now)

    def wait(self, seconds: float) -> None:
        """Let time pass in which nothing happens."""
        end = self.now + seconds
        while self.now < end:
            self.now = min(end, self.now + LIMITS.look_s)
            self.watchdog.look()

    def steps(self, count: int, seconds: float) -> None:
        """Make steps of this duration."""
        for _ in range(count):
            self.wait(seconds)
            self.watchdog.step()

    def stage(self, stage: Stage) -> None:
        self.watchdog.changed(TrainerStatus(stage=stage), urgent=True)


@pytest.mark.parametrize(
    ("step_s", "limit_s", "words"),
    [
        (0.25, 600, "no progress for 10 minutes in the stage Training, where a step usually takes 0.25 s"),
        (59, 600, "no progress for 10 minutes in the stage Training, where a step usually takes 59 s"),
        (90, 900, "no progress for 15 minutes in the stage Training, where a step usually takes 90 s"),
    ],
)
def test_a_step_has_ten_usual_ones_and_at_least_ten_minutes(step_s: float, limit_s: float, words: str) -> None:
    watched = Watched()
    watched.stage(Stage.TRAINING)
    watched.steps(8, step_s)
    watched.wait(limit_s - 5)
    assert watched.told == []
    watched.wait(10)
    assert words in watched.told[0]


def test_the_usual_step_is_the_median() -> None:
    watched = Watched()
    watched.stage(Stage.TRAINING)
    watched.steps(1, 3000)
    watched.steps(5, 100)
    watched.steps(2, 590)
    watched.wait(990)
    assert watched.told == []
    watched.wait(15)
    assert "usually takes 100 s" in watched.told[0]


@pytest.mark.parametrize("stage", [Stage.PREPARING, Stage.TRAINING, Stage.EVALUATING, Stage.PUBLISHING])
def test_where_no_step_comes_next_there_is_an_hour(stage: Stage) -> None:
    watched = Watched()
    if stage is not Stage.PREPARING:
        watched.stage(Stage.TRAINING)
        watched.steps(3, 1)
    watched.stage(stage)
    watched.wait(3595)
    assert watched.told == []
    watched.wait(10)
    assert watched.told[0] == (
        f"the trainer hangs: it made no progress for 60 minutes in the stage {stage}; it was ended, and its log shows "
        "where each of its threads stood"
    )


def test_whatever_is_heard_is_progress() -> None:
    watched = Watched()
    watched.stage(Stage.TRAINING)
    watched.steps(3, 1)
    for heard in (
        watched.watchdog.beat,
        lambda: watched.watchdog.note("something"),
        lambda: watched.watchdog.changed(TrainerStatus(stage=Stage.TRAINING), urgent=False),
    ):
        watched.wait(590)
        heard()
    watched.wait(590)
    assert watched.told == []


def test_the_time_of_a_paused_container_does_not_count() -> None:
    watched = Watched()
    watched.stage(Stage.TRAINING)
    watched.steps(3, 1)
    watched.wait(5)
    watched.now += 100_000
    watched.watchdog.look()
    watched.wait(585)
    assert watched.told == []
    watched.wait(10)
    assert len(watched.told) > 0


@pytest.fixture(scope="module")
def version(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hanging")
    draw_dataset(folder, 10)
    document = modelversion(
        {
            "spec.view.name": "shape",
            "spec.concepts": list(CONCEPTS),
            "spec.dataset.uri": (folder / "shapes.jsonl").as_uri(),
            "spec.training": {
                "architecture": "mobilenet_v3_small",
                "iterations": 1000,
                "batchSize": 6,
                "initialWeights": {"source": "Random"},
            },
            "spec.imageResizer": {"type": "Fixed", "width": 32, "height": 32},
            "spec.output.uri": (folder / "models").as_uri(),
            "spec.compute": {"gpus": 0, "cpu": "1", "memory": "3Gi"},
        }
    )
    path = folder / "version.yaml"
    path.write_text(yaml.safe_dump(document))
    return path


BLOCKED = """if True:
    import sys, threading
    from tintype_trainer.commandline import parse
    from tintype_trainer.commands import run
    from tintype_trainer.hanging import Limits
    from tintype_trainer.interruption import Interruption
    from tintype_trainer.pixels.training_reader import TrainingReader

    inner = TrainingReader.batch

    def batch_of_a_silent_disk(self, epoch, places, iteration, rank):
        if iteration >= 2:
            threading.Event().wait()
        return inner(self, epoch, places, iteration, rank)

    TrainingReader.batch = batch_of_a_silent_disk
    file, cache, message = sys.argv[1:]
    run.TERMINATION_MESSAGE_FILE, run.TRAINER_METRICS_PORT = message, 0
    run._report = lambda *_: None
    arguments = parse(["run", file, "--cache", cache])
    sys.exit(run.run(arguments, Interruption(), Limits(steps_s=2, elsewhere_s=120, look_s=0.2)))
"""


def test_a_loader_that_blocks_is_a_hang_with_a_stack_of_each_thread(version: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED, version, tmp_path / "cache", tmp_path / "message"],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
        env={**os.environ, "TINTYPE_POD_UID": "8f1c"},
    )
    assert done.returncode == 1, done.stderr
    assert "in batch_of_a_silent_disk" in done.stderr
    assert "training.py" in done.stderr, "the main thread, which waits for the batch"
    said = done.stderr.splitlines()[-1]
    message = json.loads((tmp_path / "message").read_text())
    assert said == f"tintype: error: {message['message']}"
    assert (message["reason"], message["exitCode"], message["stage"]) == ("Hung", 1, "Training")
    assert message["message"].startswith("the trainer hangs: it made no progress for 2 s in the stage Training, where")


def test_a_process_whose_watchdog_cannot_run_is_ended_too() -> None:
    """A regular expression that goes back and forth for ever keeps Python's lock."""
    script = """if True:
        import re
        from tintype_trainer.hanging import Limits, Watchdog
        watchdog = Watchdog(print, Limits(elsewhere_s=0.5, look_s=0.1, spare_s=0.5))
        watchdog.start()
        import time
        for _ in range(3):
            time.sleep(0.1)
            watchdog.beat()
        re.match("(a|a)*b", "a" * 40)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Timeout (")
    assert "in match" in done.stderr
