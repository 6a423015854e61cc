from pathlib import Path

import pytest

from tintype_api.errors import UserError
from tintype_trainer.documents import read_document, read_documents, with_changes


def _write(folder: Path, text: str) -> str:
    path = folder / "version.yaml"
    path.write_text(text)
    return str(path)


def test_yaml_and_json(tmp_path: Path) -> None:
    assert read_document(_write(tmp_path, "kind: ModelVersion\n")) == {"kind": "ModelVersion"}
    assert read_document(_write(tmp_path, '{"kind": "ModelVersion"}')) == {"kind": "ModelVersion"}
    assert read_documents(_write(tmp_path, "a: 1\n---\n---\nb: 2\n")) == [{"a": 1}, {"b": 2}]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: 1\nb: [1\nc: 2\n", "is no YAML in line 3"),
        ("created: 2026-13-45", r"is no YAML \(a date or number that is none; quotes make it a text\); correct it"),
        ("a: " + "9" * 5_000, "a date or number that is none"),
        ("a: !!float x", "a date or number that is none"),
        ("a: !!timestamp x", "a date or number that is none"),
        ("a: " + "[" * 5_000, r"is no YAML \(too deep\)"),
        ("a: 1\n---\nb: 2\n", "holds 2 documents"),
        ("", "holds 0 documents"),
        ("just words", "holds no mapping"),
    ],
)
def test_files_that_are_wrong(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        read_document(_write(tmp_path, text))
    assert caught.value.exit_code == 64


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(UserError, match=r"/nowhere\.yaml cannot be read \(No such file") as caught:
        read_document("/nowhere.yaml")
    assert caught.value.exit_code == 66


def test_changes() -> None:
    document = {"spec": {"training": {"epochs": 2, "seed": 1}, "concepts": ["a"]}}
    changes = ["training.epochs=3", "compute.gpus=0", "concepts=[a, b]", "output.uri=file:///tmp/x=y"]
    assert with_changes(document, changes) == {
        "spec": {
            "training": {"epochs": 3, "seed": 1},
            "compute": {"gpus": 0},
            "concepts": ["a", "b"],
            "output": {"uri": "file:///tmp/x=y"},
        }
    }
    assert document["spec"]["training"] == {"epochs": 2, "seed": 1}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("training.epochs", "write it as path=value"),
        ("=3", "write it as path=value"),
        ("concepts.x=3", "concepts is no mapping and has no field x"),
        ("concepts=[a", "the value is no YAML"),
        ("view.name=2026-13-45", "the value is no YAML"),
        ("view.name=a\n---\nb", "the value is more than one"),
    ],
)
def test_changes_that_are_wrong(change: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        with_changes({"spec": {"concepts": ["a"]}}, [change])
