import io
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from support.modelversions import REFUSALS, Refusal, modelversion
from tintype_api.catalogue import CATALOGUE
from tintype_api.crd import manifests
from tintype_trainer.commandline import run_command_line
from tintype_trainer.interruption import Interruption

HELP = """\
usage: tintype [-h] [--version] COMMAND ...

Trains computer-vision model versions, as a Kubernetes resource describes
them.

options:
  -h, --help     show this help message and exit
  --version      show program's version number and exit

commands:
  COMMAND
    run          train a ModelVersion on this machine
    watch        show a ModelVersion of a cluster while it is trained
    new          write the next version with the options of an earlier one
    validate     say whether ModelVersions are valid
    preview      draw training examples as the network sees them
    crd          print the manifests that make a cluster know ModelVersions
    architectures
                 list the networks that can be trained
    import       turn another format into a data set of Studio JSON lines
    predict      apply a published version to pictures
    evaluate     evaluate a published version on a data set
    compare      say which of two published versions is better, and where
    library      write one page of all models and versions of a folder or
                 prefix
    report       write the report of a published version, to look at in a
                 browser
    promote      make an alias, such as production, name a published version
"""


def _tintype(*arguments: str) -> int:
    return run_command_line(arguments, Interruption())


def _write(path: Path, *documents: object) -> str:
    path.write_text(yaml.safe_dump_all(documents))
    return str(path)


def test_help(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit, match="0"):
        _tintype("--help")
    assert capsys.readouterr().out == HELP


def test_help_imports_nothing_heavy() -> None:
    """Half a second is a promise for a machine at rest; what is imported is the same on a busy one."""
    script = """if True:
        import sys
        sys.argv = ["tintype", "--help"]
        from tintype_trainer.cli import main
        try:
            main()
        finally:
            heavy = {"torch", "numpy", "pydantic", "yaml", "httpx", "rich", "PIL", "obstore"} & set(sys.modules)
            print("heavy:", sorted(heavy))
    """
    started = time.process_time(), time.monotonic()
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert "heavy: []" in said
    assert time.monotonic() - started[1] < 20


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        _tintype("--version")
    assert capsys.readouterr().out.startswith("tintype 0.")


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.name)
def test_validate_says_what_is_wrong(refusal: Refusal, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    changes = {path: value for path, value in refusal.changes.items() if path != "metadata.name"}
    document = modelversion(changes)
    if "metadata.name" in refusal.changes:
        document["metadata"]["name"] = refusal.changes["metadata.name"]
    name = _write(tmp_path / "version.yaml", document)
    assert _tintype("validate", name) == 64
    said = capsys.readouterr().out
    assert said.startswith(f"{name}: ")
    assert refusal.offline in said
    assert said.count("\n") == 1


def test_validate_names_each_file_and_each_document(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, wrong = modelversion(), modelversion({"spec.concepts": ["one"]})
    both = _write(tmp_path / "both.yaml", good, wrong)
    missing = str(tmp_path / "missing.yaml")
    assert _tintype("validate", _write(tmp_path / "good.yaml", good), both, missing) == 64
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{tmp_path}/good.yaml: ok"
    assert lines[1] == f"{both}, document 1: ok"
    assert lines[2].startswith(f"{both}, document 2: concepts: Classification needs at least two concepts")
    assert lines[3].startswith(f"{missing}: cannot be read")


def test_validate_of_what_is_right(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(yaml.safe_dump(modelversion())))
    assert _tintype("validate", _write(tmp_path / "good.yaml", modelversion()), "-") == 0
    assert capsys.readouterr().out.splitlines() == [f"{tmp_path}/good.yaml: ok", "-: ok"]


def test_crd(capsys: pytest.CaptureFixture[str]) -> None:
    assert _tintype("crd") == 0
    assert list(yaml.safe_load_all(capsys.readouterr().out)) == manifests()


def test_architectures(capsys: pytest.CaptureFixture[str]) -> None:
    assert _tintype("architectures") == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 120
    names = [line.split()[0] for line in lines if line and line.split()[0] in CATALOGUE]
    assert names == list(CATALOGUE)
    assert [line for line in lines if line in {"Classification and Tagging", "Detection"}] == [lines[0], "Detection"]
    assert lines[1].split() == ["NAME", "SIZE", "PARAMS", "GFLOPS", "WEIGHTS", "PURPOSE"]
    assert lines[2].split()[:5] == ["efficientnet_lite0", "224", "4.7M", "0.39", "ImageNet"]
    assert any(line.startswith("timm/<name>") for line in lines)


def test_no_word_of_a_purpose_is_lost(capsys: pytest.CaptureFixture[str]) -> None:
    assert _tintype("architectures") == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert [entry.name for entry in CATALOGUE.values() if entry.purpose not in shown] == []


@pytest.mark.parametrize("view", ["Classification", "Tagging", "Detection"])
def test_architectures_of_a_view(view: str, capsys: pytest.CaptureFixture[str]) -> None:
    expected = [name for name, entry in CATALOGUE.items() if entry.detector == (view == "Detection")]
    assert _tintype("architectures", "--view", view, "--json") == 0
    entries = json.loads(capsys.readouterr().out)
    assert [entry["name"] for entry in entries] == expected
    assert all(view in entry["views"] for entry in entries)

    assert _tintype("architectures", "--view", view) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines if line.split()[0] in CATALOGUE] == expected
    assert any(line.startswith("timm/") for line in lines) == (view != "Detection")


def test_architectures_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert _tintype("architectures", "--json") == 0
    entries = json.loads(capsys.readouterr().out)
    assert [entry["name"] for entry in entries] == list(CATALOGUE)
    first = entries[0]
    assert (first["learningRates"]["AdamW"], first["batchSize"], first["minimumSize"]) == (0.0005, 32, 32)
    assert first["weights"]["ImageNet"]["licence"] == "apache-2.0"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["compare", "one", "two", "--pictures", "x"], "--pictures: 'x' is not a whole number of at least 0"),
        (["predict", "one", "--batch-size", "0"], "--batch-size: '0' is not a whole number of at least 1"),
        (["preview", "one", "--count", "101"], "--count: '101' is not a whole number from 1 to 100"),
    ],
)
def test_a_wrong_number_is_named(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        _tintype(*arguments)
    assert capsys.readouterr().err.endswith(f"error: argument {words}\n")


def test_a_reader_that_goes_away_gets_no_traceback() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "tintype_trainer.cli", "crd"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    said = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) == 141
    assert said == ""
