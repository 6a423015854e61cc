"""The page of all models: what is on it, that nothing on it runs, and what of it cannot be read."""

import base64
import hashlib
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from support.handmade import EPOCH, published
from support.modelversions import modelversion
from tintype_trainer.commandline import run_command_line
from tintype_trainer.interruption import Interruption
from tintype_trainer.library.address import relative_address
from tintype_trainer.library.changes import OptionChange, option_changes
from tintype_trainer.library.entries import Model, Version, models_of, natural
from tintype_trainer.library.markup import Markup, tag
from tintype_trainer.library.page import library_page
from tintype_trainer.library.reading import read_library
from tintype_trainer.storage import Store
from tintype_trainer.use.aliases import promote
from tintype_trainer.use.published import open_published

NASTY = (
    """<script>alert('x')</script>""",
    """"><img src=x onerror=alert(1)>""",
    "& ' \" ` ${7*7} {{7*7}}",
    "</style></script><!-- ]]> -->",
    "زجاجة \u202e elttob",
    "🍾 flaske",
    "javascript:alert(1)",
)
NOW = datetime(2026, 11, 29, 15, 0, tzinfo=UTC)


class Elements(HTMLParser):
    """Every element of a page, with its attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self._open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in ("meta", "input", "wbr"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((self._open[-1] if self._open else "", data))

    def all(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.found if tag == name]

    @property
    def text(self) -> str:
        return "".join(data for tag, data in self.texts if tag not in ("script", "style"))


def library(*arguments: object) -> int:
    return run_command_line(["library", *(str(argument) for argument in arguments)], Interruption())


def page_of(folder: Path) -> Elements:
    assert library(folder, "--output", folder / "index.html") == 0
    return Elements((folder / "index.html").read_text())


def test_models_versions_changes_and_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    models = tmp_path / "models"
    published(models, "bottles-1", {"spec.training": {"epochs": 6}}, indicator=0.9123, epochs=[EPOCH] * 2)
    published(
        models,
        "bottles-2",
        {"spec.training": {"epochs": 8}, "spec.augmentations": [{"type": "HorizontalFlip", "probability": 0.5}]},
        indicator=0.9241,
        interval=(0.9, 0.95),
        test=0.8765,
        files={"report.html": b"<p>well"},
    )
    published(models, "cans-1", {"spec.view": {"name": "cans", "type": "Tagging"}}, indicator=None)
    promote(
        open_published((models / "default" / "bottles-2").as_uri(), Store.from_settings()),
        "production",
        Store.from_settings(),
    )
    page = page_of(models)
    assert capsys.readouterr().out.startswith(f"{models}/index.html: 3 versions below file://")
    assert "2 models, 3 versions" in page.text
    assert [text for tag, text in page.texts if text in ("cans", "material")] == ["cans", "material"]
    assert "Classification of glass, metal, plastic" in page.text
    rows = re.split(r"(?=bottles-\d|cans-1)", page.text)
    (second,) = [row for row in rows if row.startswith("bottles-2default")]
    for words in ("best", "production", "published", "0.9241 accuracy", "95 % 0.9000 to 0.9500", "test set 0.8765"):
        assert words in second
    for words in ("training.epochs 6 → 8", "augmentations.HorizontalFlip added", "0123456789ab", "bottles.jsonl"):
        assert words in second
    assert "1 min 01 s" in second
    (first,) = [row for row in rows if row.startswith("bottles-1default")]
    assert "test set" not in first
    assert "first of its model" in first
    assert "2 min 02 s" in first
    assert "1 of 6 epochs" in first
    assert page.all("a") == [{"href": "default/bottles-2/runs/run-bottles-2/report.html"}]


@pytest.mark.parametrize("text", NASTY)
def test_whatever_stands_in_a_name_is_shown_as_it_is_and_runs_nothing(text: str, tmp_path: Path) -> None:
    changes: dict[str, Any] = {"spec.view": {"name": text, "type": "Tagging"}, "spec.concepts": [text, "other"]}
    published(tmp_path, "v-1", {**changes, "spec.dataset.uri": "s3://datasets/a.jsonl"})
    published(tmp_path, "v-2", {**changes, "spec.dataset.uri": f"s3://datasets/{text}"})
    manifest = tmp_path / "default" / "v-2" / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "name": text, "namespace": text}))
    harmless = [name for name, _ in page_of(published(tmp_path / "plain", "v-1").parents[1]).found]
    page = page_of(tmp_path)
    assert {name for name, _ in page.found} <= {*harmless, "ul", "li", "del", "ins", "wbr"}
    assert page.text.count(text) >= 5
    assert len(page.all("script")) == 1
    for _, attributes in page.found:
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
    assert not page.all("a")


def test_its_policy_allows_its_own_style_and_script_alone(tmp_path: Path) -> None:
    published(tmp_path, "v-1")
    page = page_of(tmp_path)
    (policy,) = [each["content"] for each in page.all("meta") if each.get("http-equiv") == "Content-Security-Policy"]
    assert policy is not None
    hashes = {}
    for name in ("style", "script"):
        (content,) = [text for tag, text in page.texts if tag == name]
        hashes[name] = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{hashes['style']}'; script-src 'sha256-{hashes['script']}'; "
        "base-uri 'none'; form-action 'none'"
    )
    raw = (tmp_path / "index.html").read_text()
    assert not re.findall(r"(?:src|href)=.?(?:https?:)?//|@import|url\(|fetch\(|XMLHttp", raw)


def test_tables_and_the_field_are_named_for_readers_of_screens(tmp_path: Path) -> None:
    published(tmp_path, "v-1")
    page = page_of(tmp_path)
    assert all(cell.get("scope") in ("col", "row") for cell in page.all("th"))
    assert {cell["data-label"] for cell in page.all("td")} - {"Fault"} < {
        text for tag, text in page.texts if tag == "th"
    }
    assert page.all("label") == [{"for": "filter"}]
    assert [field["id"] for field in page.all("input")] == ["filter"]
    ids = {attributes["id"] for _, attributes in page.found if "id" in attributes}
    assert {attributes["aria-labelledby"] for _, attributes in page.found if "aria-labelledby" in attributes} <= ids
    assert page.all("html") == [{"lang": "en"}]


def _without_files(folder: Path) -> None:
    for file in folder.rglob("model.json"):
        file.unlink()


def _changed(folder: Path) -> None:
    for file in folder.rglob("model.json"):
        file.write_text("{}")


def _no_manifest_of_ours(folder: Path) -> None:
    (folder / "manifest.json").write_text('{"a": 1}')


def _of_another_kind(folder: Path) -> None:
    _rewritten(folder, "model.json", b"[1]")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (_without_files, "does not exist"),
        (_changed, "is not as it was published"),
        (_no_manifest_of_ours, "is no manifest of tintype"),
        (_of_another_kind, "holds files that are not as tintype writes them"),
    ],
)
def test_one_that_cannot_be_read_says_why_and_hides_no_other(
    damage: Callable[[Path], None], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    published(tmp_path, "good-1")
    damage(published(tmp_path, "bad-1"))
    page = page_of(tmp_path)
    assert "1 cannot be read, the page says why" in capsys.readouterr().out
    assert words in page.text
    assert "2 versions, 1 of them cannot be read" in page.text
    assert "bad-1" in page.text
    assert "good-1" in page.text


def _rewritten(folder: Path, name: str, content: bytes) -> None:
    """Replace a file by another one that the manifest admits."""
    (file,) = folder.rglob(name)
    file.write_bytes(content)
    manifest = json.loads((folder / "manifest.json").read_text())
    for each in manifest["files"]:
        if each["name"] == name:
            each["sha256"] = hashlib.sha256(content).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))


VIEW = {"name": 5, "type": None}


@pytest.mark.parametrize(
    ("name", "document", "readable"),
    [
        ("modelversion.json", {"spec": []}, False),
        ("modelversion.json", {"spec": {"view": VIEW, "concepts": [1, None], "dataset": {"uri": 7}}}, True),
        ("modelversion.json", {"spec": {"view": VIEW, "concepts": 3, "dataset": {"uri": ""}}}, False),
        ("modelversion.json", {"spec": {"view": VIEW, "concepts": [], "dataset": []}}, False),
        ("modelversion.json", {"spec": {"view": VIEW, "concepts": [], "dataset": {"uri": ""}, "training": 4}}, False),
        ("model.json", {"model": 3, "best": {}}, True),
        ("model.json", {"model": "m", "best": {"performanceIndicator": "x", "performanceIndicatorName": 3}}, False),
        ("model.json", {"model": "m", "best": []}, False),
        ("evaluation.json", {"validation": {"accuracyInterval": {"lower": "a"}}}, False),
        ("evaluation.json", {"validation": {"accuracyInterval": {"lower": 0.5}}}, True),
        ("evaluation.json", {"validation": 3}, False),
        ("evaluation.json", {"test": 3}, False),
        ("evaluation.json", {"test": {"accuracy": "x"}}, False),
        ("evaluation.json", {"test": {"accuracy": None}}, True),
        ("metrics.jsonl", {"seconds": float("nan"), "epoch": 1}, False),
        ("metrics.jsonl", {"seconds": "long", "epoch": 1}, False),
        ("metrics.jsonl", 3, False),
    ],
)
def test_files_of_any_shape_are_told_and_never_raise(
    name: str, document: object, readable: bool, tmp_path: Path
) -> None:
    _rewritten(published(tmp_path, "odd-1"), name, json.dumps(document).encode())
    published(tmp_path, "good-1")
    text = page_of(tmp_path).text
    assert ("cannot be read" in text) != readable
    assert "good-1" in text


def test_what_is_not_published_is_there_too(tmp_path: Path) -> None:
    (published(tmp_path, "v-2") / "manifest.json").unlink()
    published(tmp_path, "v-1")
    (model,) = models_of(read_library(tmp_path.as_uri() + "/", Store.from_settings()))
    assert {(version.name, version.published) for version in model.versions} == {("v-1", True), ("v-2", False)}
    assert "not published" in page_of(tmp_path).text


def test_the_folder_of_one_version_is_a_library_of_one(tmp_path: Path) -> None:
    assert "1 model, 1 version" in page_of(published(tmp_path, "v-1")).text


def test_an_empty_folder_has_a_page_that_says_so(tmp_path: Path) -> None:
    assert "There is no version below file://" in page_of(tmp_path).text


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["/nowhere/at/all"], 66, "/nowhere/at/all"),
        ([".", "--output", "/nowhere/index.html"], 78, "--output: /nowhere/index.html cannot be written"),
    ],
)
def test_bad_input_is_one_sentence(
    arguments: list[str],
    code: int,
    words: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert library(*arguments) == code
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1


SPEC = modelversion()["spec"]


@pytest.mark.parametrize(
    ("before", "now", "changes"),
    [
        ({}, {}, []),
        ({"training": {"epochs": 6}}, {"training": {"epochs": 7}}, [("training.epochs", "6", "7")]),
        ({"training": {"epochs": 6}}, {"training": {}}, [("training.epochs", "6", None)]),
        ({}, {"training": {"ema": {"decay": 0.9}}}, [("training.ema.decay", None, "0.9")]),
        (
            {"augmentations": [{"type": "Blur", "probability": 0.5}]},
            {"augmentations": [{"type": "Blur", "probability": 0.1}, {"type": "VerticalFlip"}]},
            [("augmentations.Blur.probability", "0.5", "0.1"), ("augmentations.VerticalFlip", None, "on")],
        ),
        ({"runPolicy": {"stop": True}}, {"output": {"uri": "s3://other"}, "podTemplate": {"a": "b"}}, []),
        (
            {"augmentations": [{"type": "Blur", "probability": 0.5}], "imageResizer": {"width": 32.0}},
            {"training": {"epochs": 6.0}},
            [("training.epochs", None, "6"), ("augmentations.Blur", "on", None), ("imageResizer.width", "32", None)],
        ),
        ({"augmentations": []}, {}, []),
    ],
)
def test_option_changes(before: dict[str, Any], now: dict[str, Any], changes: list[tuple[str, Any, Any]]) -> None:
    assert option_changes({**SPEC, **before}, {**SPEC, **now}) == [OptionChange(*each) for each in changes]


def test_other_examples_of_one_data_set_are_a_change() -> None:
    (change,) = option_changes(SPEC, SPEC, examples_differ=True)
    assert (change.path, change.now) == ("examples", "others in the same data set")
    other = {**SPEC, "dataset": {"uri": "s3://other"}}
    assert [each.path for each in option_changes(SPEC, other, examples_differ=True)] == ["dataset.uri"]


def test_versions_are_in_the_order_in_which_they_were_published() -> None:
    made = [Version(f"v-{number}", "", "", "m", modified=NOW + timedelta(hours=number)) for number in (10, 2, 1)]
    (model,) = models_of(made)
    assert [version.name for version in model.versions] == ["v-1", "v-2", "v-10"]
    assert sorted(["v-10", "v-2", "v", "v-2a"], key=natural) == ["v", "v-2", "v-2a", "v-10"]


@pytest.mark.parametrize(
    ("page", "file", "address"),
    [
        ("file:///a/index.html", "file:///a/b%20c/r.html", "b%20c/r.html"),
        ("file:///a/x/index.html", "file:///a/b/r.html", "../b/r.html"),
        ("file:///index.html", "file:///a/r.html", "a/r.html"),
        ("s3://m/index.html", "s3://m/team/a b/r.html", "./team/a%20b/r.html"),
        ("s3://m/p/index.html", "s3://m/q/r.html", "./../q/r.html"),
        ("s3://m/index.html", "s3://n/r.html", None),
        ("file:///index.html", "s3://m/r.html", None),
    ],
)
def test_addresses(page: str, file: str, address: str | None) -> None:
    assert relative_address(page, file) == address


def test_markup_escapes_all_that_is_not_markup() -> None:
    assert tag("p", "<b>", ["&", None, tag("i", '"')], title='"<', hidden=True) == (
        '<p title="&quot;&lt;" hidden>&lt;b&gt;&amp;<i>&quot;</i></p>'
    )
    assert isinstance(tag("p"), Markup)


def test_half_a_surrogate_pair_is_no_error() -> None:
    page = library_page([Model("m", [Version("\ud800", "", "", "m")])], "\ud800", NOW, lambda _: None)
    assert b"<h1>Models</h1>" in page
