import sys
from pathlib import Path

import pytest

from devcluster import cli, clusters
from devcluster.errors import DevclusterError
from devcluster.plan import Plan


def _run(monkeypatch: pytest.MonkeyPatch, *arguments: str | Path) -> int:
    monkeypatch.setattr(sys, "argv", ["devcluster", *map(str, arguments)])
    return cli.main()


def test_up_prints_nothing_but_export_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = Plan(tmp_path / "my state", tmp_path, 1, False, 0, "access", "secret")
    monkeypatch.setattr(clusters, "up", lambda *_, **__: clusters.Cluster(plan))
    assert _run(monkeypatch, "up", "--no-node") == 0
    lines = capsys.readouterr().out.splitlines()
    assert f"export KUBECONFIG='{tmp_path}/my state/admin.kubeconfig'" in lines
    assert "export AWS_ACCESS_KEY_ID=access" in lines
    assert [line for line in lines if not line.startswith("export ")] == []


def test_a_refusal_is_one_sentence_and_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise DevclusterError("The kernel refused.")

    monkeypatch.setattr(clusters, "up", refuse)
    assert _run(monkeypatch, "up") == 1
    assert capsys.readouterr().err == "devcluster: The kernel refused.\n"


def test_an_addon_needs_a_node(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    state = tmp_path / "state"
    assert _run(monkeypatch, "up", "--no-node", "--with", "kueue", "--state", state) == 1
    assert "kueue runs on a node: start the cluster with one" in capsys.readouterr().err
    assert not state.exists()


def test_an_unknown_addon_is_refused_with_those_that_are_known(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        _run(monkeypatch, "up", "--with", "istio")
    assert (
        "invalid choice: 'istio' (choose from 'coredns', 'kueue', 'jobset', 'kubeflow-trainer')"
        in capsys.readouterr().err
    )


@pytest.mark.parametrize("command", ["down", "status"])
def test_where_no_cluster_is_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert _run(monkeypatch, command, "--state", tmp_path) == 1
    output = capsys.readouterr()
    assert f"There is no cluster in {tmp_path}." in output.out + output.err


def test_a_folder_with_other_files_is_not_taken_as_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "thesis.tex").touch()
    assert _run(monkeypatch, "up", "--no-node", "--state", tmp_path) == 1
    assert "holds other files" in capsys.readouterr().err
    assert (tmp_path / "thesis.tex").exists()


def test_an_unknown_program_is_refused_with_those_that_are_known(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        _run(monkeypatch, "build", "kubeletd")
    assert "kubeletd is none of etcd, kube-apiserver" in capsys.readouterr().err
