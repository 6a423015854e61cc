"""Who makes report.html: `tintype run` when it publishes, and `tintype report` for a version that is published."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from examples.shapes.draw import CONCEPTS, TONES, draw_scenes
from PIL import Image

from support.commandline import Tintype
from support.published import published_file, train
from tintype_trainer.report import of_run

DETECTION = {"name": "objects", "type": "Detection"}
TONE = {"name": "tone", "type": "Classification"}


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reported")
    draw_scenes(folder, 20)
    return folder


@pytest.fixture(scope="module")
def regions(scenes: Path) -> Path:
    """A version of a child view, whose examples are regions."""
    return train(scenes, "tone", TONE, TONES, "mobilenet_v3_small")


@pytest.fixture(scope="module")
def detector(scenes: Path) -> Path:
    return train(scenes, "detector", DETECTION, CONCEPTS, "retinanet_efficientnet_lite0")


def data_of(page: bytes) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page.decode(), re.DOTALL)
    assert found is not None
    document: dict[str, Any] = json.loads(found[1])
    return document


def pictures(page: bytes) -> list[str | None]:
    found: list[str | None] = data_of(page)["evaluated"]["examples"]["pictures"]
    return found


@pytest.mark.parametrize("kind", ["regions", "detector"])
def test_the_report_that_was_published_can_be_written_again(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, tintype: Tintype
) -> None:
    version: Path = request.getfixturevalue(kind)
    output = tmp_path / "again.html"
    code, out, err = tintype("report", version, "--output", output, "--cache", tmp_path / "cache")
    assert (code, err) == (0, "")
    assert out == f"{output}: {version.name}, {output.stat().st_size / 1e6:.1f} MB\n"
    published = published_file(version, "report.html")
    assert output.read_bytes() == published
    assert None not in pictures(published)
    assert data_of(published)["notes"] == []


def test_regions_are_cut_out_and_detections_stand_on_the_whole_picture(regions: Path, detector: Path) -> None:
    sizes = data_of(published_file(regions, "report.html"))["evaluated"]["examples"]["sizes"]
    assert all(width < 60 and height < 60 for width, height in sizes)
    sizes = data_of(published_file(detector, "report.html"))["evaluated"]["examples"]["sizes"]
    assert set(map(tuple, sizes)) == {(96, 72)}


def test_a_picture_that_is_another_by_now_is_left_out(
    scenes: Path, detector: Path, tmp_path: Path, tintype: Tintype
) -> None:
    shown = data_of(published_file(detector, "report.html"))["evaluated"]["examples"]["ids"]
    changed = scenes / shown[0]
    before = changed.read_bytes()
    try:
        Image.new("RGB", (96, 72), "red").save(changed)
        code, _, _ = tintype("report", detector, "--output", tmp_path / "r.html", "--cache", tmp_path)
    finally:
        changed.write_bytes(before)
    assert code == 0
    page = (tmp_path / "r.html").read_bytes()
    assert [place for place, picture in enumerate(pictures(page)) if picture is None] == [0]
    assert data_of(page)["notes"] == [
        f"1 of {len(shown)} examples have no picture here: there is no room for it, or it is gone."
    ]


def test_without_its_data_set_a_version_has_a_report_without_pictures(
    scenes: Path, detector: Path, tmp_path: Path, tintype: Tintype
) -> None:
    moved = shutil.move(scenes / "scenes.jsonl", scenes / "elsewhere.jsonl")
    try:
        code, _, err = tintype("report", detector, "--output", tmp_path / "r.html", "--cache", tmp_path)
    finally:
        shutil.move(moved, scenes / "scenes.jsonl")
    assert code == 0
    assert err.startswith("tintype: warning: the report has no pictures: ")
    assert "scenes.jsonl" in err
    page = (tmp_path / "r.html").read_bytes()
    assert set(pictures(page)) == {None}
    assert data_of(page)["notes"][0].startswith("There are no pictures here, since the data set is not to be had: ")


@pytest.mark.parametrize(
    ("arguments", "exit_code", "words"),
    [
        (["/nowhere"], 66, "is no published version"),
        (["s3://"], 64, "s3:// names no folder"),
        (["VERSION", "--output", "/nowhere/report.html"], 78, "/nowhere/report.html cannot be written"),
    ],
)
def test_what_goes_wrong_is_one_sentence(
    arguments: list[str], exit_code: int, words: str, detector: Path, tintype: Tintype
) -> None:
    code, _, err = tintype("report", *[str(detector) if word == "VERSION" else word for word in arguments])
    assert code == exit_code
    assert words in err
    assert err.count("\n") == 1


def test_a_report_that_cannot_be_made_costs_no_training(
    scenes: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_arguments: object, **_more: object) -> bytes:
        raise ZeroDivisionError("of nothing")

    monkeypatch.setattr(of_run, "make_report", broken)
    version = train(scenes, "unreported", TONE, TONES, "mobilenet_v3_small")
    names = [file["name"] for file in json.loads((version / "manifest.json").read_text())["files"]]
    assert "report.html" not in names
    assert "best.safetensors" in names
    assert (
        "warning: report.html cannot be made (ZeroDivisionError: of nothing); the version is published without it, "
        f"and `tintype report {version.as_uri()}` tries again"
    ) in capsys.readouterr().out
