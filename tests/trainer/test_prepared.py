"""Examples that are chosen once, for all Pods of a version."""

import gzip
import hashlib
import json
from pathlib import Path

import pytest
import yaml
from examples.shapes.draw import CONCEPTS, draw_dataset

from support.modelversions import modelversion
from tintype_api.constants import ENV_CPU_STANDS_FOR_GPU
from tintype_api.spec.view import View, ViewType
from tintype_trainer.commandline import run_command_line
from tintype_trainer.datasets.dataset import Box, Example, Region, Selection, Split
from tintype_trainer.interruption import Interruption
from tintype_trainer.output.prepared import PreparedList
from tintype_trainer.output.publishing import VersionPlace
from tintype_trainer.storage import Store
from tintype_trainer.storage.local import LocalBackend

STORE = Store.from_settings()
EXAMPLES = (
    Example("a.png", "s3://data/a.png", Split.TRAIN, ("glass",), (Box("glass", 0.1, 1 / 3, 0.5, 0.9, ignore=True),)),
    Example("ü#1", "file:///data/ü", Split.VALIDATION, (), (), Region(0.0, 0.25, 1.0, 1.0), "group"),
    Example("n.png", "s3://data/n.png", Split.TRAIN, (), negative=True),
)
VIEW = View.model_validate(
    {
        "name": "kind",
        "type": "Tagging",
        "parent": {"name": "cells", "type": "Detection"},
        "conditions": [[{"concept": "defective", "holds": True}]],
    }
)
SELECTION = Selection(ViewType.TAGGING, ("glass", "metal"), EXAMPLES, 1, 2, 3, 4, VIEW)


def _list(folder: Path, identity: str = "uid-1", run: str = "run-1") -> PreparedList:
    (folder / "cache").mkdir(exist_ok=True)
    return PreparedList(STORE, VersionPlace((folder / "models/default/a").as_uri(), identity, run), folder / "cache")


def test_what_is_kept_is_read_as_it_was(tmp_path: Path) -> None:
    _list(tmp_path).write(SELECTION, "sha256:a")
    chosen = _list(tmp_path, run="run-2").read()
    assert chosen is not None
    assert (chosen.selection, chosen.dataset_digest) == (SELECTION, "sha256:a")
    assert not list((tmp_path / "cache").iterdir())


def test_nothing_is_read_of_another_version_or_of_what_is_not_whole(tmp_path: Path) -> None:
    assert _list(tmp_path).read() is None
    _list(tmp_path).write(SELECTION, "sha256:a")
    assert _list(tmp_path, identity="uid-2").read() is None
    root = tmp_path / "models/default/a"
    content = root / "runs/run-1/selection.jsonl.gz"
    content.write_bytes(content.read_bytes()[:-4])
    assert _list(tmp_path).read() is None
    content.unlink()
    assert _list(tmp_path).read() is None
    (root / "prepared.json").write_text("[]")
    assert _list(tmp_path).read() is None
    _list(tmp_path).write(SELECTION, "sha256:b")
    assert _list(tmp_path).read() is not None


def test_nothing_is_read_in_the_form_of_another_release(tmp_path: Path) -> None:
    _list(tmp_path).write(SELECTION, "sha256:a")
    root = tmp_path / "models/default/a"
    content, pointer = root / "runs/run-1/selection.jsonl.gz", root / "prepared.json"
    content.write_bytes(gzip.compress(b'{"view": "Tagging"}\n'))
    sha256 = hashlib.sha256(content.read_bytes()).hexdigest()
    pointer.write_text(json.dumps(json.loads(pointer.read_text()) | {"sha256": sha256}))
    assert _list(tmp_path).read() is None


def test_of_two_at_the_same_time_either_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = LocalBackend.write

    def late(backend: LocalBackend, uri: str, source: bytes | Path) -> None:
        write(backend, uri, source)
        if uri.endswith("prepared.json"):
            monkeypatch.undo()
            _list(tmp_path, run="run-2").write(SELECTION, "sha256:a")

    monkeypatch.setattr(LocalBackend, "write", late)
    _list(tmp_path).write(SELECTION, "sha256:a")
    chosen = _list(tmp_path).read()
    assert chosen is not None
    assert chosen.selection == SELECTION


class Cluster:
    """A version with a uid, as a Pod reads it, and `tintype run` on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lines = folder / "data/shapes.jsonl"
        draw_dataset(folder / "data", 12)

    def run(self, *options: str, uid: str | None = "uid-1") -> int:
        document = modelversion(
            {
                "spec.view": {"name": "shape", "type": "Classification"},
                "spec.concepts": list(CONCEPTS),
                "spec.dataset": {"uri": self.lines.as_uri(), "validation": {"fraction": 0.3}},
                "spec.training": {
                    "architecture": "mobilenet_v3_small",
                    "iterations": 1,
                    "batchSize": 6,
                    "initialWeights": {"source": "Random"},
                },
                "spec.imageResizer": {"type": "KeepAspectRatio", "maxDimension": 32},
                "spec.compute": {"gpus": 1, "cpu": "1", "memory": "3Gi"},
            },
            name="shapes",
        )
        document["metadata"] |= {"uid": uid} if uid else {}
        path = self.folder / "version.yaml"
        path.write_text(yaml.safe_dump(document))
        places = ["--output", str(self.folder / "models"), "--cache", str(self.folder / "cache")]
        return run_command_line(["run", str(path), *places, *options], Interruption())

    def shorten(self) -> None:
        """Take a few lines off the data set."""
        self.lines.write_text("".join(self.lines.read_text().splitlines(keepends=True)[:-3]))


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    return Cluster(tmp_path)


def test_a_training_reuses_what_was_prepared_without_a_gpu(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cluster.run("--only", "prepare") == 0
    said = capsys.readouterr().out
    assert "data set: " in said
    assert said.splitlines()[-1] == "the data set can be trained on; nothing more was asked for"
    cluster.shorten()
    monkeypatch.setenv(ENV_CPU_STANDS_FOR_GPU, "1")
    assert cluster.run() == 0
    again = capsys.readouterr().out
    assert "the examples are those that an earlier Pod of this version has chosen" in again
    counted = [line for line in (said + again).splitlines() if line.startswith("data set: ")]
    assert counted[0] == counted[1]


def test_data_that_cannot_train_needs_no_gpu_to_say_so(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    cluster.lines.write_text(cluster.lines.read_text().replace(CONCEPTS[0], "unheard-of"))
    assert cluster.run("--only", "prepare") == 65
    assert f'has no concept "{CONCEPTS[0]}"' in capsys.readouterr().err
    assert not (cluster.folder / "models/default/shapes/prepared.json").exists()


def test_without_a_cluster_the_data_set_is_read_anew(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    assert cluster.run("--only", "prepare", uid=None) == 0
    cluster.shorten()
    assert cluster.run("--only", "prepare", uid=None) == 0
    counted = [line for line in capsys.readouterr().out.splitlines() if line.startswith("data set: ")]
    assert counted[0] != counted[1]
