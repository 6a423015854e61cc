"""`tintype preview`: which examples a sheet shows, what stands on it, and what goes wrong."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from examples.shapes.draw import draw_dataset, draw_scenes
from examples.shapes.sheets import kinds
from PIL import Image

from tintype_api.modelversion import ModelVersion, resolve
from tintype_api.spec.view import ViewType
from tintype_trainer.commandline import run_command_line
from tintype_trainer.datasets.dataset import Box, Example, Selection, Split
from tintype_trainer.documents import read_document, with_changes
from tintype_trainer.interruption import Interruption
from tintype_trainer.pixels.contact_sheet import COLOURS, GAP, TEXT_HEIGHT, Tile, contact_sheet
from tintype_trainer.preview import preview, sampled, words_of
from tintype_trainer.storage import Download, Store
from tintype_trainer.storage.local import LocalBackend
from tintype_trainer.storage.types import Reading

FLIP = [{"type": "HorizontalFlip", "probability": 1}]


def _version(folder: Path, file: str, view: dict[str, Any], concepts: list[str], **spec: object) -> str:
    document = {
        "apiVersion": "tintype.dev/v1alpha1",
        "kind": "ModelVersion",
        "metadata": {"name": "seen"},
        "spec": {
            "view": view,
            "concepts": concepts,
            "dataset": {"uri": (folder / file).as_uri()},
            "imageResizer": {"type": "Fixed", "width": 96, "height": 64},
            "output": {"uri": folder.as_uri()},
            "compute": {"gpus": 0},
            **spec,
        },
    }
    path = folder / "version.yaml"
    path.write_text(yaml.safe_dump(document))
    return str(path)


def _preview(*arguments: object) -> int:
    return run_command_line(["preview", *map(str, arguments)], Interruption())


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scenes")
    draw_scenes(folder, 20)
    return folder


def _tile(
    sheet: Path, row: int, column: int, size: tuple[int, int] = (192, 128)
) -> np.ndarray[Any, np.dtype[np.uint8]]:
    left = GAP + column * (size[0] + GAP)
    top = TEXT_HEIGHT + GAP + row * (size[1] + TEXT_HEIGHT + GAP)
    with Image.open(sheet) as image:
        return np.asarray(image)[top : top + size[1], left : left + size[0]]


@pytest.mark.parametrize(
    ("view", "concepts"),
    [
        ({"name": "objects", "type": "Detection"}, ["circle", "square", "triangle"]),
        ({"name": "tone", "type": "Classification"}, ["dark", "bright"]),
        ({"name": "contents", "type": "Tagging"}, ["circles", "squares", "triangles"]),
    ],
)
def test_a_sheet_of_each_kind_of_view(
    scenes: Path, tmp_path: Path, view: dict[str, Any], concepts: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    version = _version(scenes, "scenes.jsonl", view, concepts, augmentations=FLIP)
    sheet = tmp_path / "sheet.png"
    assert _preview(version, "--output", sheet, "--count", 3, "--draws", 2) == 0
    assert capsys.readouterr().out == f"{sheet}: 3 training examples in 2 draws, 600 x 472 pixels\n"
    if view["type"] != "Detection":  # names on boxes are not mirrored
        for row in range(3):
            assert np.array_equal(_tile(sheet, row, 0)[:, ::-1], _tile(sheet, row, 1))
            assert np.array_equal(_tile(sheet, row, 1), _tile(sheet, row, 2))


def test_the_seed_draws_the_examples_and_set_changes_the_spec(tmp_path: Path) -> None:
    draw_dataset(tmp_path, 5)
    version = _version(
        tmp_path, "shapes.jsonl", {"name": "shape", "type": "Classification"}, ["circle", "square", "triangle"]
    )
    sheets = []
    for number, seed in enumerate((0, 0, 1)):
        sheet = tmp_path / f"{number}.png"
        assert _preview(version, "--output", sheet, "--set", f"training.seed={seed}") == 0
        sheets.append(sheet.read_bytes())
    assert sheets[0] == sheets[1] != sheets[2]


@pytest.mark.parametrize(
    ("arguments", "exit_code", "words"),
    [
        (["--output", "/nowhere/sheet.png"], 78, "/nowhere/sheet.png cannot be written (No such file or directory)"),
        (["--set", "dataset.uri=file:///nowhere/x.jsonl"], 66, "nowhere/x.jsonl"),
        (["--set", "imageResizer.width=7"], 64, "imageResizer.width"),
    ],
)
def test_what_goes_wrong_is_one_sentence(
    scenes: Path, arguments: list[str], exit_code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    version = _version(scenes, "scenes.jsonl", {"name": "tone", "type": "Classification"}, ["dark", "bright"])
    assert _preview(version, *arguments) == exit_code
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("count", ["0", "101", "many"])
def test_numbers_of_a_sheet_are_bounded(count: str) -> None:
    with pytest.raises(SystemExit, match="2"):
        _preview("x.yaml", "--count", count)


def test_a_sample_has_training_examples_alone_and_their_concepts() -> None:
    examples = tuple(
        Example(str(n), "", Split.VALIDATION if n % 3 else Split.TRAIN, ("ab"[n % 2],), (Box("ab"[n % 2], 0, 0, 1, 1),))
        for n in range(30)
    )
    selection = Selection(ViewType.DETECTION, ("a", "b", "c"), examples, 0, 0)
    chosen = sampled(selection, 4, seed=0)
    assert len(chosen.examples) == 4
    assert all(example.split is Split.TRAIN for example in chosen.examples)
    assert sampled(selection, 9, seed=0).examples[:4] == chosen.examples
    assert sampled(selection, 4, seed=1).examples != chosen.examples
    assert sampled(selection, 99, seed=0).concepts == ("a", "b")
    assert sampled(selection, 1, seed=0).concepts == chosen.examples[0].concepts or len(chosen.concepts) <= 2


def test_words() -> None:
    concepts = ["glass", "metal", "wood"]
    assert words_of([1, 0, 0], concepts) == "glass"
    assert words_of([0, 1, 1], concepts) == "metal, wood"
    assert words_of([0.3, 0.7, 0], concepts) == "glass 0.30, metal 0.70"
    assert words_of([0, 0, 0], concepts) == "none"


def test_boxes_are_drawn_where_they_are_and_large_pictures_are_reduced() -> None:
    picture = np.full((384, 384, 3), 255, dtype=np.uint8)
    boxes_N4 = np.array([[100, 200, 300, 380]], dtype=np.float32)
    sheet = contact_sheet(
        ["x"],
        [[Tile(picture, "words that are far too long for their tile, whichever", boxes_N4, np.array([1]))]],
        ["a", "b"],
    )
    assert sheet.size == (192 + 2 * GAP, 192 + 2 * TEXT_HEIGHT + 2 * GAP)
    tile = np.asarray(sheet)[TEXT_HEIGHT + GAP :][:192, GAP : GAP + 192]
    rows, columns = np.nonzero((tile == COLOURS[1]).all(axis=2))
    # The name of the concept stands on top of the box.
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == pytest.approx((88, 189, 50, 149), abs=2)


class Bucket:
    """A folder as s3://data, which counts the pictures that are sent."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.sent = 0

    def _data(self, uri: str) -> bytes:
        return (self._folder / uri.removeprefix("s3://data/")).read_bytes()

    def read(self, uri: str, _unless_etag: str | None) -> Download | None:
        self.sent += 1
        return Download(self._data(uri), None)

    def open(self, uri: str) -> Reading:
        data = self._data(uri)
        return Reading(len(data), iter([data]))


def test_of_a_bucket_only_the_pictures_of_a_batch_are_fetched(tmp_path: Path) -> None:
    draw_dataset(tmp_path, 20)
    shape = {"name": "shape", "type": "Classification"}
    path = _version(tmp_path, "shapes.jsonl", shape, ["circle", "square", "triangle"])
    version = resolve(ModelVersion.parse(with_changes(read_document(path), ["dataset.uri=s3://data/shapes.jsonl"])))
    bucket = Bucket(tmp_path)
    made = preview(version, Store(bucket, LocalBackend()), tmp_path / "cache", count=3, draws=1)  # type: ignore[arg-type]
    assert made.examples == 3
    assert bucket.sent == 16


def test_the_docs_have_a_small_sheet_of_each_augmentation() -> None:
    sheets = {
        path.stem: path.stat().st_size
        for path in Path(__file__).parents[2].joinpath("docs/images/augmentations").iterdir()
    }
    assert sorted(sheets) == sorted(kinds())
    assert max(sheets.values()) < 40 << 10
