"""`tintype new`: the next version of an earlier one, from a file or from a cluster."""

import io
import json
from pathlib import Path

import pytest
import yaml

from support.kubectl import Kubectl, kubectl
from support.modelversions import modelversion
from tintype_api.modelversion import ModelVersion
from tintype_trainer.commandline import run_command_line
from tintype_trainer.interruption import Interruption
from tintype_trainer.watching.next_version import next_name, next_version

__all__ = ["kubectl"]

IN_A_CLUSTER = {
    **modelversion({"spec.runPolicy": {"suspend": True, "stop": True, "backoffLimit": 5, "queueName": "team-a"}}),
    "metadata": {
        "name": "bottles-1",
        "namespace": "vision",
        "uid": "0f2c",
        "generation": 3,
        "resourceVersion": "991",
        "creationTimestamp": "2026-11-01T00:00:00Z",
        "managedFields": [{"manager": "kubectl"}],
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"},
        "labels": {"team": "vision", "tintype.dev/model": "ab12", "app.kubernetes.io/managed-by": "helm"},
    },
    "status": {"phase": "Succeeded"},
}


def _tintype(*arguments: str) -> int:
    return run_command_line(arguments, Interruption())


@pytest.mark.parametrize(
    ("name", "taken", "following"),
    [
        ("bottles-1", [], "bottles-2"),
        ("bottles-9", [], "bottles-10"),
        ("bottles", [], "bottles-2"),
        ("bottles", ["bottles", "bottles-2", "bottles-7"], "bottles-8"),
        ("bottles-2", ["bottles-10", "bottles-3", "other-99"], "bottles-11"),
        ("v09", [], "v10"),
        ("v007", [], "v008"),
        ("night-2026-11", [], "night-2026-12"),
        ("a1b", [], "a1b-2"),
    ],
)
def test_the_next_name(name: str, taken: list[str], following: str) -> None:
    assert next_name(name, taken) == following


def test_nothing_of_the_server_stays() -> None:
    made = next_version(IN_A_CLUSTER, "bottles-2")
    assert made == {
        "apiVersion": "tintype.dev/v1alpha1",
        "kind": "ModelVersion",
        "metadata": {"name": "bottles-2", "namespace": "vision", "labels": {"team": "vision"}},
        "spec": {**modelversion()["spec"], "runPolicy": {"backoffLimit": 5, "queueName": "team-a"}},
    }


def test_a_run_policy_that_only_asked_goes() -> None:
    document = modelversion({"spec.runPolicy": {"suspend": True}})
    assert next_version(document, "bottles-2")["spec"] == modelversion()["spec"]


def test_from_a_file_to_validate_and_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "bottles.yaml"
    file.write_text(yaml.safe_dump(modelversion({"spec.view.name": "Flaschen: 'größe' 🍾"})))
    assert _tintype("new", "--from", str(file), "--set", "training.epochs=12") == 0
    said = capsys.readouterr().out
    made = yaml.safe_load(said)
    assert made["metadata"] == {"name": "bottles-2"}
    assert made["spec"]["training"] == {"epochs": 12}
    assert made["spec"]["view"]["name"] == "Flaschen: 'größe' 🍾"
    monkeypatch.setattr("sys.stdin", io.StringIO(said))
    assert _tintype("validate", "-") == 0
    monkeypatch.setattr("sys.stdin", io.StringIO(said))
    assert _tintype("new", "--from", "-") == 0
    assert yaml.safe_load(capsys.readouterr().out.removeprefix("-: ok\n")) == {
        **made,
        "metadata": {"name": "bottles-3"},
    }


def test_from_a_cluster_the_number_is_free(kubectl: Kubectl, capsys: pytest.CaptureFixture[str]) -> None:
    listed = {"items": [{"metadata": {"name": name}} for name in ("bottles-1", "bottles-2", "bottles-3", "cans-9")]}
    kubectl.answers(json.dumps(IN_A_CLUSTER, indent=4), json.dumps(listed))
    assert _tintype("new", "--from", "bottles-1", "-n", "vision", "--context", "kind") == 0
    made = yaml.safe_load(capsys.readouterr().out)
    assert ModelVersion.parse(made).metadata.name == "bottles-4"
    chosen = "--context kind --namespace vision --output=json"
    assert kubectl.called == [
        f"get modelversions.tintype.dev {chosen} -- bottles-1",
        f"get modelversions.tintype.dev {chosen}",
    ]


def test_a_name_of_ones_own(kubectl: Kubectl, capsys: pytest.CaptureFixture[str]) -> None:
    kubectl.answers(json.dumps(IN_A_CLUSTER))
    assert _tintype("new", "--from", "bottles-1", "--name", "winter") == 0
    assert yaml.safe_load(capsys.readouterr().out)["metadata"]["name"] == "winter"


@pytest.mark.parametrize(
    ("arguments", "document", "words"),
    [
        (["--name", "Not A Name"], modelversion(), "metadata.name"),
        ([], modelversion(name="a" * 51), "longer than 52 characters; choose one with --name"),
        ([], {"kind": "ModelVersion"}, "metadata"),
        ([], [1, 2], "holds no mapping"),
        ([], modelversion({"spec.concepts": ["one"]}), "concepts: Classification needs at least two concepts"),
        (["--set", "epochs"], modelversion(), "--set epochs: write it as path=value"),
        ([], modelversion({"spec.runPolicy": "none"}), "runPolicy"),
        ([], modelversion({"metadata.labels": "none"}), ""),
    ],
    ids=["name", "long", "empty", "list", "spec", "change", "policy", "labels"],
)
def test_bad_input_is_one_sentence(
    arguments: list[str], document: object, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "version.json"
    file.write_text(json.dumps(document))
    code = _tintype("new", "--from", str(file), *arguments)
    said = capsys.readouterr()
    assert words in said.err
    assert (code, said.err.count("\n")) == ((64, 1) if words else (0, 0))


def test_a_folder_is_no_version(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _tintype("new", "--from", str(tmp_path)) == 66
    said = capsys.readouterr().err
    assert said.startswith(f"tintype: error: --from: {tmp_path} is no file; name a ModelVersion of the cluster, or")


def test_there_is_no_such_version(kubectl: Kubectl, capsys: pytest.CaptureFixture[str]) -> None:
    kubectl.refuses('Error from server (NotFound): modelversions.tintype.dev "cans" not found')
    assert _tintype("new", "--from", "cans") == 66
    assert "there is no ModelVersion 'cans' in this namespace" in capsys.readouterr().err
