"""Whole runs on file://, as `tintype run` does them, with the smallest network on a few drawn pictures."""

import gzip
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from examples.shapes.draw import CONCEPTS, draw_dataset
from safetensors import safe_open
from sklearn.metrics import confusion_matrix

from support.modelversions import modelversion
from tintype_api.constants import ENV_CPU_STANDS_FOR_GPU, ENV_LIBRARY, ENV_OUTCOME_FILE, ENV_POD_UID, LibraryPage
from tintype_trainer.commandline import run_command_line
from tintype_trainer.interruption import Interruption
from tintype_trainer.storage import Store

RANDOM = {"source": "Random"}

FILES = [
    "best.safetensors",
    "dataset.jsonl.gz",
    "evaluation.json",
    "events.out.tfevents.tintype",
    "metrics.jsonl",
    "model.json",
    "modelversion.json",
    "predictions.jsonl.gz",
    "report.html",
]


class Workplace:
    """A folder with drawn shapes, and `tintype run` on them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        draw_dataset(self.data, 10)

    def run(self, output: str = "models", **changes: object) -> int:
        document = modelversion(
            {
                "spec.view": {"name": "shape", "type": "Classification"},
                "spec.concepts": list(CONCEPTS),
                "spec.dataset.uri": (self.data / "shapes.jsonl").as_uri(),
                "spec.training": {
                    "architecture": "mobilenet_v3_small",
                    "epochs": 2,
                    "batchSize": 6,
                    "initialWeights": RANDOM,
                },
                "spec.imageResizer": {"type": "KeepAspectRatio", "maxDimension": 32},
                "spec.augmentations": [{"type": "HorizontalFlip"}],
                "spec.compute": {"gpus": 0, "cpu": "1", "memory": "3Gi"},
                **{path.replace("__", "."): value for path, value in changes.items()},
            },
            name="shapes",
        )
        path = self.folder / "version.yaml"
        path.write_text(yaml.safe_dump(document))
        arguments = ["run", str(path), "--output", str(self.folder / output), "--cache", str(self.folder / "cache")]
        return run_command_line(arguments, Interruption())

    def published(self, output: str = "models") -> dict[str, Path]:
        root = self.folder / output / "default" / "shapes"
        manifest = json.loads((root / "manifest.json").read_text())
        return {file["name"]: root / file["path"] for file in manifest["files"]}


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    return Workplace(tmp_path_factory.mktemp("workplace"))


@pytest.fixture(scope="module")
def published(workplace: Workplace) -> dict[str, Path]:
    assert workplace.run() == 0
    return workplace.published()


def _json_lines(path: Path) -> list[dict[str, Any]]:
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return [json.loads(line) for line in content.splitlines()]


def test_what_is_published(published: dict[str, Path]) -> None:
    assert sorted(published) == FILES
    model = json.loads(published["model.json"].read_text())
    assert model["concepts"] == list(CONCEPTS)
    assert model["architecture"]["function"] == "mobilenet_v3_small"
    drawn = {"source": "Random", "sha256": None, "head": "drawn", "metadata": {}, "keptConcepts": []}
    assert model["initialWeights"] == drawn
    frozen = {"batchNorms": 0, "parameters": 0}
    assert model["training"] == {"seed": 0, "device": "cpu", "precision": "fp32", "threads": 1, "frozen": frozen}
    assert model["versions"]["torch"] == torch.__version__.partition("+")[0]
    assert model["dataset"]["digest"].startswith("sha256:")


def test_metrics_and_evaluation_agree(published: dict[str, Path]) -> None:
    epochs = _json_lines(published["metrics.jsonl"])
    assert [entry["epoch"] for entry in epochs] == [1, 2]
    evaluation = json.loads(published["evaluation.json"].read_text())
    best = max(epochs, key=lambda entry: (entry["validationAccuracy"], -entry["iteration"]))
    assert evaluation["best"]["iteration"] == best["iteration"]
    assert evaluation["best"]["performanceIndicator"] == round(best["validationAccuracy"], 6)
    assert evaluation["validation"]["accuracy"] == best["validationAccuracy"]
    assert evaluation["validation"]["loss"] == pytest.approx(best["validationLoss"], abs=1e-6)


@pytest.mark.parametrize("split", ["validation", "test"])
def test_predictions_are_what_the_evaluation_counts(published: dict[str, Path], split: str) -> None:
    evaluation = json.loads(published["evaluation.json"].read_text())[split]
    rows = [row for row in _json_lines(published["predictions.jsonl.gz"]) if row["split"] == split]
    decided = [max(row["scores"], key=row["scores"].get) for row in rows]
    annotated = [row["annotated"][0] for row in rows]
    assert len(rows) == evaluation["examples"] == 6
    counts = confusion_matrix(annotated, decided, labels=list(CONCEPTS)).tolist()
    assert evaluation["confusionMatrix"]["counts"] == [[*row, 0] for row in counts]
    assert all(sum(row["scores"].values()) == pytest.approx(1, abs=1e-5) for row in rows)
    interval = evaluation["accuracyInterval"]
    assert interval["lower"] <= evaluation["accuracy"] <= interval["upper"]


def test_the_same_seed_publishes_the_same_weights(published: dict[str, Path], workplace: Workplace) -> None:
    assert workplace.run("again") == 0
    with (
        safe_open(published["best.safetensors"], "pt") as one,
        safe_open(workplace.published("again")["best.safetensors"], "pt") as other,
    ):
        assert all(torch.equal(one.get_tensor(name), other.get_tensor(name)) for name in one.keys())  # noqa: SIM118


def test_a_published_version_is_not_trained_again(
    published: dict[str, Path], workplace: Workplace, capsys: pytest.CaptureFixture[str]
) -> None:
    before = published["best.safetensors"].stat().st_mtime_ns
    assert workplace.run() == 0
    assert "is published already" in capsys.readouterr().out
    assert workplace.published()["best.safetensors"].stat().st_mtime_ns == before


def test_the_checkpoints_of_a_published_version_are_removed_by_the_next_run_where_the_last_was_ended(
    published: dict[str, Path], workplace: Workplace
) -> None:
    left = published["model.json"].parents[2] / "checkpoints/run-1/9.safetensors"
    left.parent.mkdir(parents=True)
    left.touch()
    assert workplace.run() == 0
    assert not left.parents[1].exists()


def test_published_weights_start_another_training(published: dict[str, Path], workplace: Workplace) -> None:
    uri = published["best.safetensors"].as_uri()
    started = {"architecture": "mobilenet_v3_small", "iterations": 1, "batchSize": 6, "initialWeights": {"uri": uri}}
    assert workplace.run("further", spec__training=started) == 0
    model = json.loads(workplace.published("further")["model.json"].read_text())
    assert model["initialWeights"]["source"] == uri
    assert model["initialWeights"]["head"] == "loaded"
    assert model["initialWeights"]["metadata"]["mean"] == "[0.485, 0.456, 0.406]"


def test_time_that_is_up_ends_the_training_and_publishes_the_best(
    workplace: Workplace, capsys: pytest.CaptureFixture[str]
) -> None:
    training = {
        "architecture": "mobilenet_v3_small",
        "epochs": 100_000,
        "batchSize": 6,
        "maxDuration": "2s",
        "initialWeights": RANDOM,
    }
    assert workplace.run("short", spec__training=training) == 0
    said = capsys.readouterr().out
    assert "stopped by maxDuration at epoch" in said
    assert said.splitlines()[-1].startswith("training.maxDuration 2s is over; published ")
    assert _json_lines(workplace.published("short")["metrics.jsonl"])[-1]["iteration"] < 100_000


def test_a_stop_before_the_first_step_publishes_nothing(
    workplace: Workplace, capsys: pytest.CaptureFixture[str]
) -> None:
    assert workplace.run("stopped", spec__runPolicy__stop=True) == 0
    assert capsys.readouterr().out.strip().endswith("runPolicy.stop came before the first step: nothing is published")
    assert not list((workplace.folder / "stopped").rglob("manifest.json"))


def test_without_validation(workplace: Workplace, capsys: pytest.CaptureFixture[str]) -> None:
    folders = workplace.folder / "folders"
    shutil.copytree(workplace.data, folders, ignore=shutil.ignore_patterns("*.jsonl"))
    training = {"architecture": "mobilenet_v3_small", "iterations": 2, "batchSize": 6, "initialWeights": RANDOM}
    assert workplace.run("last", spec__dataset__uri=folders.as_uri() + "/", spec__training=training) == 0
    said = capsys.readouterr().out
    assert "there is no validation set: the last iteration is published" in said
    evaluation = json.loads(workplace.published("last")["evaluation.json"].read_text())
    assert evaluation["best"] == {"epoch": 0.4, "iteration": 2, "selectedBy": "LastIteration"}
    assert "validation" not in evaluation
    assert _json_lines(workplace.published("last")["predictions.jsonl.gz"]) == []


@pytest.mark.parametrize(
    ("changes", "exit_code", "words"),
    [
        ({"spec__training__architecture": "resnet5"}, 64, "nearest are resnet18"),
        ({"spec__imageResizer__maxDimension": 16}, 64, "16 pixels are too few for mobilenet_v3_small"),
        ({"spec__concepts": ["circle", "hexagon"]}, 65, "hexagon"),
        ({"spec__dataset__uri": "file:///nowhere/x.jsonl"}, 66, "file:///nowhere/x.jsonl does not exist"),
        ({"spec__training__initialWeights": {"uri": "file:///nowhere/w"}}, 66, "file:///nowhere/w does not exist"),
        ({"spec__compute": {"gpus": 1, "cpu": "1"}}, 78, "compute.gpus is 1, but torch finds no CUDA GPU"),
    ],
)
def test_what_cannot_be_trained_is_one_sentence(
    workplace: Workplace, capsys: pytest.CaptureFixture[str], changes: dict[str, Any], exit_code: int, words: str
) -> None:
    assert workplace.run("refused", **changes) == exit_code
    said = capsys.readouterr().err
    assert said.startswith("tintype: error: ")
    assert words in said
    assert said.count("\n") == 1


def test_the_cpu_stands_for_a_gpu_only_where_a_test_says_so(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENV_CPU_STANDS_FOR_GPU, "1")
    training = {"architecture": "mobilenet_v3_small", "iterations": 1, "batchSize": 6, "initialWeights": RANDOM}
    assert workplace.run("stand-in", spec__compute={"gpus": 1, "cpu": "1"}, spec__training=training) == 0


def test_a_bug_of_ours_is_told_with_its_traceback(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_arguments: object) -> None:
        raise KeyError("lost")

    monkeypatch.setattr(Store, "lines", broken)
    assert workplace.run("bug") == 1
    said = capsys.readouterr().err
    assert "Traceback" in said
    assert said.splitlines()[-1] == "tintype: error: the trainer crashed: KeyError: 'lost'"


def test_in_a_cluster_the_outcome_is_in_the_termination_message(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(ENV_POD_UID, "8f1c")
    monkeypatch.setattr("tintype_trainer.commands.run.TERMINATION_MESSAGE_FILE", str(tmp_path / "log"))
    monkeypatch.setattr("tintype_trainer.commands.run.TRAINER_METRICS_PORT", 0)
    assert "KUBERNETES_SERVICE_HOST" not in os.environ
    assert workplace.run("pod") == 78
    message = json.loads((tmp_path / "log").read_text())
    assert message["exitCode"] == 78
    assert message["reason"] == "EnvironmentError"
    assert capsys.readouterr().err == f"tintype: error: {message['message']}\n"


def test_a_termination_message_that_cannot_be_written_changes_no_outcome(
    published: dict[str, Path],
    workplace: Workplace,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert published
    monkeypatch.setenv(ENV_OUTCOME_FILE, str(tmp_path / "nowhere/log"))
    assert workplace.run() == 0
    said = capsys.readouterr()
    assert said.err == (
        f"tintype: warning: {tmp_path}/nowhere/log cannot be written (No such file or directory); the exit code alone "
        "tells how it ended\n"
    )
    assert "published" in said.out


def test_each_publish_writes_the_page_that_the_operator_asks_for(
    workplace: Workplace, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = workplace.folder / "listed" / "default" / "index.html"
    short = {"iterations": 1, "initialWeights": RANDOM, "batchSize": 6}
    monkeypatch.setenv(ENV_LIBRARY, LibraryPage.NAMESPACE)
    assert workplace.run("listed", spec__training=short) == 0
    assert "<bdi>shapes</bdi>" in page.read_text()
    page.unlink()
    assert workplace.run("listed", spec__training=short) == 0
    assert page.exists(), "the Pod before this one may have ended between the two"
    page.write_text("another's")
    capsys.readouterr()
    assert workplace.run("listed", spec__training=short) == 0
    assert "warning: the page of the library was not written anew" in capsys.readouterr().out
    assert page.read_text() == "another's"
