"""Checkpoints in storage: what is kept, what is of no use, and whole runs that are killed and go on."""

import hashlib
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
import yaml
from examples.shapes.draw import CONCEPTS, draw_dataset
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from support.modelversions import modelversion
from tintype_api.errors import UserError, access_denied
from tintype_api.status import HistoryEntry, TrainerStatus
from tintype_trainer.commandline import run_command_line
from tintype_trainer.interruption import Interruption
from tintype_trainer.loop.best import Metric, Selection, Watch
from tintype_trainer.loop.records import Epoch, Memory, Step
from tintype_trainer.loop.snapshot import Snapshot
from tintype_trainer.metrics.measures import ConceptMeasures, Measures
from tintype_trainer.networks.weights import InitialWeightsRecord, Normalisation
from tintype_trainer.output.checkpoints import Checkpoints, Ground, clear_checkpoints
from tintype_trainer.output.publishing import VersionPlace
from tintype_trainer.reporting.journal import Journal
from tintype_trainer.storage import Store

STORE = Store.from_settings()
GROUND = Ground(8, InitialWeightsRecord("Random", None, {}, "drawn", Normalisation((0.5,) * 3, (0.1, 0.2, 1 / 3))))


class Notes:
    """A listener that keeps sentences and checkpoints."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.status = TrainerStatus()

    def changed(self, status: TrainerStatus, *, urgent: bool) -> None:
        del urgent
        self.status = status

    def note(self, sentence: str) -> None:
        self.notes.append(sentence)


def _snapshot(iteration: int) -> Snapshot:
    entry = HistoryEntry(epoch=1, iteration=3, learning_rate=0.1, train_loss=1 / 3, validation_loss=2 / 3, seconds=1.5)
    concepts = (ConceptMeasures("ring", 3, None, 1 / 3, None),)
    epoch = Epoch(entry, Measures(4, 0.1, 0.25, None, concepts, None, ((1, 2), (3, 4))))
    selection = Selection(Watch(Metric.ACCURACY)).after(entry)
    memory = Memory(Step(iteration, 8, 0.1, 1e-17, 8), selection, (epoch,), 0.1 + 0.2, 8, 12.5, 1 / 3, 2)
    return Snapshot(memory, {"network.weight": torch.rand(3, 4), "random.cpu": torch.get_rng_state()})


def _checkpoints(
    folder: Path, *, identity: str = "uid-1", run: str = "run-1", digest: str = "sha256:a"
) -> tuple[Checkpoints, Notes]:
    journal, notes = Journal(), Notes()
    journal.listen(notes)
    (folder / "cache").mkdir(exist_ok=True)
    place = VersionPlace((folder / "models/default/a").as_uri(), identity, run)
    return Checkpoints(STORE, place, digest, folder / "cache", journal), notes


def _files(folder: Path) -> list[str]:
    root = folder / "models/default/a/checkpoints"
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def test_what_is_saved_is_read_again_to_the_last_bit(tmp_path: Path) -> None:
    saved = _snapshot(4)
    _checkpoints(tmp_path)[0].save(GROUND, saved, 1.25)
    checkpoints, notes = _checkpoints(tmp_path, run="run-2")
    found = checkpoints.latest()
    assert found is not None
    assert (found.ground, found.snapshot.memory) == (GROUND, saved.memory)
    assert found.snapshot.tensors.keys() == saved.tensors.keys()
    assert all(torch.equal(found.snapshot.tensors[name], tensor) for name, tensor in saved.tensors.items())
    assert notes.notes == ["the training goes on from its checkpoint at epoch 1.25 (iteration 4)"]
    assert notes.status.checkpoint is not None
    assert notes.status.checkpoint.uri == (tmp_path / "models/default/a/checkpoints/run-1/4.safetensors").as_uri()


def test_one_checkpoint_is_kept_and_none_of_a_published_version(tmp_path: Path) -> None:
    checkpoints, notes = _checkpoints(tmp_path)
    checkpoints.save(GROUND, _snapshot(4), 1.0)
    checkpoints.save(GROUND, _snapshot(8), 2.0)
    assert _files(tmp_path) == ["latest.json", "run-1/8.safetensors"]
    other, _ = _checkpoints(tmp_path, run="run-2")
    other.save(GROUND, _snapshot(9), 2.25)
    assert _files(tmp_path) == ["latest.json", "run-2/9.safetensors"]
    journal = Journal()
    journal.listen(notes)
    clear_checkpoints(STORE, VersionPlace((tmp_path / "models/default/a").as_uri(), "uid-1", "run-2"), journal)
    assert not (tmp_path / "models/default/a/checkpoints").exists()
    assert notes.status.checkpoint is None
    assert not list((tmp_path / "cache").iterdir())


def test_no_checkpoint_is_no_news(tmp_path: Path) -> None:
    checkpoints, notes = _checkpoints(tmp_path)
    assert checkpoints.latest() is None
    clear_checkpoints(STORE, VersionPlace((tmp_path / "models/default/a").as_uri(), "uid-1", "run-1"), Journal())
    assert notes.notes == []


def test_an_earlier_version_of_the_name_is_not_gone_on_from(tmp_path: Path) -> None:
    _checkpoints(tmp_path)[0].save(GROUND, _snapshot(4), 1.0)
    checkpoints, notes = _checkpoints(tmp_path, identity="uid-2", run="run-2")
    assert (checkpoints.latest(), notes.notes) == (None, [])
    checkpoints.save(GROUND, _snapshot(1), 0.25)
    assert _files(tmp_path) == ["latest.json", "run-2/1.safetensors"]


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda path: path.unlink(), "it is not there any more"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1] + b"!"), "it has another sha256 than when it was saved"),
    ],
    ids=["missing", "broken"],
)
def test_a_checkpoint_of_no_use_is_said(tmp_path: Path, damage: object, why: str) -> None:
    _checkpoints(tmp_path)[0].save(GROUND, _snapshot(4), 1.0)
    path = tmp_path / "models/default/a/checkpoints/run-1/4.safetensors"
    assert callable(damage)
    damage(path)
    checkpoints, notes = _checkpoints(tmp_path, run="run-2")
    assert checkpoints.latest() is None
    said = f"the checkpoint {path.as_uri()} at epoch 1 (iteration 4) is of no use: {why}"
    assert notes.notes == [f"{said}; the training starts from its first epoch"]


def test_a_checkpoint_that_another_pod_replaces_meanwhile_is_gone_on_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stale, _ = _checkpoints(tmp_path)
    stale.save(GROUND, _snapshot(4), 1.0)
    download = Store.download

    def late(store: Store, uri: str, path: Path) -> str:
        monkeypatch.undo()
        stale.save(GROUND, _snapshot(8), 2.0)
        return download(store, uri, path)

    monkeypatch.setattr(Store, "download", late)
    checkpoints, notes = _checkpoints(tmp_path, run="run-2")
    found = checkpoints.latest()
    assert found is not None
    assert found.snapshot.memory.last.iteration == 8
    assert notes.notes == ["the training goes on from its checkpoint at epoch 2 (iteration 8)"]


def test_a_pod_that_is_behind_keeps_the_checkpoint_of_the_one_that_is_further(tmp_path: Path) -> None:
    stale, notes = _checkpoints(tmp_path)
    stale.save(GROUND, _snapshot(4), 1.0)
    _checkpoints(tmp_path, run="run-2")[0].save(GROUND, _snapshot(12), 3.0)
    stale.save(GROUND, _snapshot(8), 2.0)
    assert _files(tmp_path) == ["latest.json", "run-2/12.safetensors"]
    assert notes.notes == ["another Pod of this version has saved at epoch 3 (iteration 12), further on; that is kept"]


def test_two_pods_that_save_at_the_same_time_do_not_fail_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoints, _ = _checkpoints(tmp_path)
    other, _ = _checkpoints(tmp_path, run="run-2")
    write = Store.write

    def meanwhile(store: Store, uri: str, data: bytes) -> None:
        write(store, uri, data)
        monkeypatch.undo()
        other.save(GROUND, _snapshot(8), 2.0)

    monkeypatch.setattr(Store, "write", meanwhile)
    checkpoints.save(GROUND, _snapshot(4), 1.0)
    found = _checkpoints(tmp_path, run="run-3")[0].latest()
    assert found is not None
    assert found.snapshot.memory.last.iteration == 8


def test_a_checkpoint_of_no_use_is_replaced_by_an_earlier_one(tmp_path: Path) -> None:
    _checkpoints(tmp_path)[0].save(GROUND, _snapshot(12), 3.0)
    (tmp_path / "models/default/a/checkpoints/run-1/12.safetensors").unlink()
    checkpoints, _ = _checkpoints(tmp_path, run="run-2")
    assert checkpoints.latest() is None
    checkpoints.save(GROUND, _snapshot(4), 1.0)
    assert _files(tmp_path) == ["latest.json", "run-2/4.safetensors"]
    other, _ = _checkpoints(tmp_path, run="run-3", digest="sha256:b")
    other.save(GROUND, _snapshot(1), 0.25)
    assert _files(tmp_path) == ["latest.json", "run-3/1.safetensors"]


def test_a_checkpoint_in_the_form_of_another_release_is_said(tmp_path: Path) -> None:
    _checkpoints(tmp_path)[0].save(GROUND, _snapshot(4), 1.0)
    root = tmp_path / "models/default/a/checkpoints"
    path, pointer = root / "run-1/4.safetensors", root / "latest.json"
    document = torch.frombuffer(bytearray(b'{"ground": {"batch": 8}}'), dtype=torch.uint8)
    save_file(load_file(path) | {"document": document}, path)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    pointer.write_text(json.dumps(json.loads(pointer.read_text()) | {"sha256": sha256}))
    checkpoints, notes = _checkpoints(tmp_path, run="run-2")
    assert checkpoints.latest() is None
    (said,) = notes.notes
    assert "is of no use: another release of the trainer has saved it, in a form that this one cannot read; " in said
    checkpoints.save(GROUND, _snapshot(1), 0.25)
    assert _files(tmp_path) == ["latest.json", "run-2/1.safetensors"]


def test_a_data_set_that_has_changed_starts_the_training_again(tmp_path: Path) -> None:
    _checkpoints(tmp_path)[0].save(GROUND, _snapshot(4), 1.0)
    checkpoints, notes = _checkpoints(tmp_path, digest="sha256:b")
    assert checkpoints.latest() is None
    assert "the data set has changed since" in notes.notes[0]


def test_a_pointer_that_is_none_is_written_anew(tmp_path: Path) -> None:
    pointer = tmp_path / "models/default/a/checkpoints/latest.json"
    pointer.parent.mkdir(parents=True)
    pointer.write_text("{}")
    checkpoints, _ = _checkpoints(tmp_path)
    assert checkpoints.latest() is None
    checkpoints.save(GROUND, _snapshot(4), 1.0)
    assert checkpoints.latest() is not None


def test_a_checkpoint_that_cannot_be_removed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Store, uri: str) -> None:
        raise access_denied(f"{uri} may not be removed")

    monkeypatch.setattr(Store, "remove", refuse)
    checkpoints, notes = _checkpoints(tmp_path)
    checkpoints.save(GROUND, _snapshot(4), 1.0)
    checkpoints.save(GROUND, _snapshot(8), 2.0)
    assert "run-1/4.safetensors is not needed any more and could not be removed" in notes.notes[0]
    assert checkpoints.latest() is not None


def test_a_cache_that_is_gone_leaves_the_checkpoint_before(tmp_path: Path) -> None:
    checkpoints, _ = _checkpoints(tmp_path)
    checkpoints.save(GROUND, _snapshot(4), 1.0)
    (tmp_path / "cache").rmdir()
    with pytest.raises(UserError, match=r"cache cannot be written \(No such file or directory\); choose another cache"):
        checkpoints.save(GROUND, _snapshot(8), 2.0)
    assert _files(tmp_path) == ["latest.json", "run-1/4.safetensors"]


def test_checkpoints_that_cannot_be_listed_do_not_fail_what_is_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Store, uri: str) -> None:
        raise access_denied(f"{uri} may not be listed")

    monkeypatch.setattr(Store, "list", refuse)
    journal, notes = Journal(), Notes()
    journal.listen(notes)
    clear_checkpoints(STORE, VersionPlace((tmp_path / "models/default/a").as_uri(), "uid-1", "run-2"), journal)
    (said,) = notes.notes
    assert "checkpoints is not needed any more and could not be removed: " in said


def test_a_disk_without_room_leaves_the_checkpoint_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoints, _ = _checkpoints(tmp_path)
    checkpoints.save(GROUND, _snapshot(4), 1.0)

    def full(*_: object, **_metadata: object) -> None:
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr("tintype_trainer.networks.weights.save_file", full)
    with pytest.raises(UserError, match="the disk is full; give the cache more space"):
        checkpoints.save(GROUND, _snapshot(8), 2.0)
    assert _files(tmp_path) == ["latest.json", "run-1/4.safetensors"]


class Runs:
    """`tintype run` of drawn shapes as a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        draw_dataset(folder / "data", 12)
        document = modelversion(
            {
                "spec.view": {"name": "shape", "type": "Classification"},
                "spec.concepts": list(CONCEPTS),
                "spec.dataset.uri": (folder / "data/shapes.jsonl").as_uri(),
                "spec.training": {
                    "architecture": "mobilenet_v3_small",
                    "epochs": 3,
                    "batchSize": 6,
                    "initialWeights": {"source": "Random"},
                },
                "spec.imageResizer": {"type": "KeepAspectRatio", "maxDimension": 32},
                "spec.compute": {"gpus": 0, "cpu": "1", "memory": "3Gi"},
            },
            name="shapes",
        )
        (folder / "version.yaml").write_text(yaml.safe_dump(document))

    def arguments(self, output: str) -> list[str]:
        places = ["--output", str(self.folder / output), "--cache", str(self.folder / "cache")]
        return ["run", str(self.folder / "version.yaml"), *places]

    def run(self, output: str) -> int:
        return run_command_line(self.arguments(output), Interruption())

    def start(self, output: str) -> subprocess.Popen[str]:
        tintype = Path(sys.executable).with_name("tintype")
        command = [str(tintype), *self.arguments(output)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def version(self, output: str) -> Path:
        return self.folder / output / "default/shapes"

    def weights(self, output: str) -> dict[str, torch.Tensor]:
        return load_file(next(self.version(output).glob("runs/*/best.safetensors")))

    def history(self, output: str) -> list[dict[str, float]]:
        lines = next(self.version(output).glob("runs/*/metrics.jsonl")).read_text().splitlines()
        return [{**json.loads(line), "seconds": 0} for line in lines]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    runs = Runs(tmp_path_factory.mktemp("runs"))
    assert runs.run("whole") == 0
    return runs


def test_a_run_that_was_killed_goes_on(runs: Runs, capsys: pytest.CaptureFixture[str]) -> None:
    output = "killed"
    pointer = runs.version(output) / "checkpoints/latest.json"
    with runs.start(output) as killed:
        deadline = time.monotonic() + 120
        while not pointer.exists():
            assert time.monotonic() < deadline
            assert killed.poll() is None, killed.communicate()
            time.sleep(0.01)
        killed.kill()
        said, _ = killed.communicate(timeout=60)
        assert killed.returncode == -signal.SIGKILL, said
    assert runs.run(output) == 0
    assert "the training goes on from its checkpoint at epoch" in capsys.readouterr().out
    assert runs.history(output) == runs.history("whole")
    assert runs.weights(output).keys() == runs.weights("whole").keys()
    assert all(torch.equal(tensor, runs.weights("whole")[name]) for name, tensor in runs.weights(output).items())
    assert not (runs.version(output) / "checkpoints").exists()
