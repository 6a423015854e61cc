"""Publishing: what a bucket holds afterwards, and who may publish where."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from support.modelversions import modelversion
from support.pictures import write_files
from tintype_api.constants import ExitCode, Reason
from tintype_api.errors import UserError
from tintype_api.modelversion import ModelVersion, identity, resolve
from tintype_trainer.output.publishing import Publisher, run_id, verify_manifest
from tintype_trainer.storage import Store

STORE = Store.from_settings(environment={})


def version(folder: Path, uid: str | None = "uid-1", **metadata: str) -> ModelVersion:
    document = modelversion({"spec.output.uri": folder.as_uri()})
    document["metadata"] |= metadata | ({"uid": uid} if uid else {})
    return resolve(ModelVersion.parse(document))


def publish(folder: Path, run: str, uid: str | None = "uid-1", content: bytes = b"weights") -> Publisher:
    publisher = Publisher(STORE, version(folder, uid), run)
    assert publisher.begin() is None
    publisher.add("best.safetensors", content)
    publisher.finish("sha256:abc")
    return publisher


def tree(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def manifest(folder: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((folder / "default/bottles-1/manifest.json").read_text())
    return document


def test_publishes(tmp_path: Path) -> None:
    publisher = Publisher(STORE, version(tmp_path), "run-1")
    assert publisher.begin() is None
    write_files(tmp_path, {"local": b"weights"})
    publisher.add("best.safetensors", tmp_path / "local")
    publisher.add("dataset.jsonl.gz", gzip.compress(b"{}", mtime=0))
    assert not (tmp_path / "default/bottles-1/manifest.json").exists()
    artifacts = publisher.finish("sha256:abc")
    (tmp_path / "local").unlink()
    assert tree(tmp_path) == [
        "default/bottles-1/manifest.json",
        "default/bottles-1/runs/run-1/best.safetensors",
        "default/bottles-1/runs/run-1/dataset.jsonl.gz",
        "default/bottles-1/runs/run-1/modelversion.json",
    ]
    written = manifest(tmp_path)
    assert [written[key] for key in ("namespace", "name", "identity", "run", "datasetDigest")] == [
        "default",
        "bottles-1",
        "uid-1",
        "run-1",
        "sha256:abc",
    ]
    assert [file["path"] for file in written["files"]] == [
        f"runs/run-1/{name}" for name in ("best.safetensors", "dataset.jsonl.gz", "modelversion.json")
    ]
    assert written["files"][0] | {"sha256": ""} == {
        "name": "best.safetensors",
        "path": "runs/run-1/best.safetensors",
        "sizeBytes": 7,
        "sha256": "",
    }
    assert artifacts.uri == publisher.place.uri == f"{tmp_path.as_uri()}/default/bottles-1"
    assert artifacts.files == 3
    assert artifacts.size_bytes == sum(file["sizeBytes"] for file in written["files"])
    assert verify_manifest(artifacts.uri, STORE) == artifacts


@pytest.mark.parametrize("uid", ["uid-1", None])
def test_the_published_spec_trains_again_and_names_its_owner(tmp_path: Path, uid: str | None) -> None:
    publish(tmp_path, "run-1", uid)
    document = json.loads((tmp_path / "default/bottles-1/runs/run-1/modelversion.json").read_text())
    owner = identity(version(tmp_path, uid))
    assert document["metadata"]["annotations"] == {"tintype.dev/identity": owner}
    assert manifest(tmp_path)["identity"] == owner
    assert resolve(ModelVersion.parse(document)) == version(tmp_path, uid)


def test_a_second_run_of_the_same_version_finds_it_published(tmp_path: Path) -> None:
    publish(tmp_path, "run-1")
    before = tree(tmp_path)
    found = Publisher(STORE, version(tmp_path), "run-2").begin()
    assert found == verify_manifest(f"{tmp_path.as_uri()}/default/bottles-1", STORE)
    assert tree(tmp_path) == before


def test_another_version_is_refused_before_it_writes(tmp_path: Path) -> None:
    publish(tmp_path, "run-1")
    before = tree(tmp_path)
    with pytest.raises(UserError) as error:
        Publisher(STORE, version(tmp_path, "uid-2"), "run-2").begin()
    assert (error.value.exit_code, error.value.reason) == (ExitCode.NOT_FOUND, Reason.OUTPUT_TAKEN)
    assert f"{tmp_path.as_uri()}/default/bottles-1/manifest.json" in error.value.message
    assert "uid-1" in error.value.message
    assert tree(tmp_path) == before


def test_a_manifest_of_something_else_is_left_alone(tmp_path: Path) -> None:
    write_files(tmp_path, {"default/bottles-1/manifest.json": b'{"name": "a web app"}'})
    with pytest.raises(UserError, match="that is not of tintype") as error:
        Publisher(STORE, version(tmp_path), "run-1").begin()
    assert error.value.reason == Reason.OUTPUT_TAKEN


def test_of_two_runs_of_a_version_one_publishes(tmp_path: Path) -> None:
    late = Publisher(STORE, version(tmp_path), "late")
    assert late.begin() is None
    late.add("best.safetensors", b"late weights")
    publish(tmp_path, "early")
    artifacts = late.finish("sha256:abc")
    assert manifest(tmp_path)["run"] == "early"
    assert artifacts == verify_manifest(artifacts.uri, STORE)


def test_of_two_versions_of_a_name_one_publishes(tmp_path: Path) -> None:
    late = Publisher(STORE, version(tmp_path, "uid-2"), "late")
    assert late.begin() is None
    publish(tmp_path, "early")
    with pytest.raises(UserError) as error:
        late.finish("sha256:abc")
    assert error.value.reason == Reason.OUTPUT_TAKEN
    assert manifest(tmp_path)["run"] == "early"


def test_finishing_again_after_a_lost_answer_is_no_conflict(tmp_path: Path) -> None:
    publisher = publish(tmp_path, "run-1")
    assert publisher.finish("sha256:abc") == verify_manifest(publisher.place.uri, STORE)


def test_leftovers_without_a_manifest_do_not_matter(tmp_path: Path) -> None:
    write_files(tmp_path, {"default/bottles-1/runs/run-1/best.safetensors": b"old"})
    publisher = publish(tmp_path, "run-1")
    assert (tmp_path / "default/bottles-1/runs/run-1/best.safetensors").read_bytes() == b"weights"
    verify_manifest(publisher.place.uri, STORE)


def test_an_output_that_cannot_be_written_is_found_at_the_beginning(tmp_path: Path) -> None:
    write_files(tmp_path, {"file": b""})
    with pytest.raises(UserError) as error:
        Publisher(STORE, version(tmp_path / "file"), "run-1").begin()
    assert (error.value.exit_code, error.value.reason) == (ExitCode.ENVIRONMENT, Reason.OUTPUT_NOT_WRITABLE)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"other!!", "best.safetensors has another sha256"),
        (b"other", "best.safetensors has 5 bytes instead of 7"),
        (None, "best.safetensors is missing"),
    ],
)
def test_verifying_names_what_differs(tmp_path: Path, content: bytes | None, words: str) -> None:
    publisher = publish(tmp_path, "run-1")
    path = tmp_path / "default/bottles-1/runs/run-1/best.safetensors"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match="1 files are not as published") as error:
        verify_manifest(publisher.place.uri, STORE)
    assert error.value.exit_code == ExitCode.DATA
    assert words in error.value.message


def test_verifying_what_was_not_published(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"manifest.json does not exist") as error:
        verify_manifest(tmp_path.as_uri(), STORE)
    assert error.value.exit_code == ExitCode.NOT_FOUND


def test_a_manifest_may_not_point_outside(tmp_path: Path) -> None:
    publisher = publish(tmp_path, "run-1")
    path = tmp_path / "default/bottles-1/manifest.json"
    path.write_text(path.read_text().replace("runs/run-1/best", "runs/../best"))
    with pytest.raises(UserError, match="is no manifest of tintype"):
        verify_manifest(publisher.place.uri, STORE)


def test_runs_are_named_by_their_pod() -> None:
    assert run_id({"TINTYPE_POD_UID": "pod-1"}) == "pod-1"
    assert run_id({}) != run_id({})
