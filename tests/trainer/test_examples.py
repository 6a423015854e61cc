"""From a data set to the examples of a version: Studio lines and folders, and what is wrong with them."""

from pathlib import Path
from typing import Any

import pytest

from support.modelversions import modelversion
from support.pictures import HEADER, image_line, json_lines, write_files
from tintype_api.constants import ExitCode
from tintype_api.errors import UserError
from tintype_api.modelversion import ModelVersion
from tintype_api.spec.view import ViewType
from tintype_trainer.datasets.dataset import Example, Selection, Split
from tintype_trainer.datasets.examples import read_examples
from tintype_trainer.storage import Store

MODEL = {"spec.concepts": ["glass", "metal"]}


def select(uri: str, changes: dict[str, Any] | None = None) -> Selection:
    document = modelversion({"spec.dataset.uri": uri} | MODEL | (changes or {}))
    return read_examples(ModelVersion.parse(document), Store.from_settings(environment={}))


def refused(uri: str, changes: dict[str, Any] | None = None) -> UserError:
    with pytest.raises(UserError) as error:
        select(uri, changes)
    assert "\n" not in error.value.message
    return error.value


def studio(folder: Path, *lines: object) -> str:
    write_files(folder, {"bottles.jsonl": json_lines(HEADER, *lines)})
    return (folder / "bottles.jsonl").as_uri()


GOOD = (image_line("z.png", ["glass"]), image_line("m.png", ["metal"], split="train"))


def test_studio_lines(tmp_path: Path) -> None:
    uri = studio(
        tmp_path,
        *GOOD,
        image_line("sub/v 1.png", ["metal"], split="val"),
        image_line("t.png", ["glass"], split="test"),
        image_line("paper.png", ["paper"]),
        image_line("both.png", ["plastic", "glass"]),
        image_line("colour.png", ["red"]),
        image_line("bare.png", None),
        {"data": {"url": "s3://other/u.png"}, "annotations": [{"concepts": [{"name": "glass", "bool": True}]}]},
    )
    folder = tmp_path.as_uri()
    assert select(uri) == Selection(
        view=ViewType.CLASSIFICATION,
        concepts=("glass", "metal"),
        examples=(
            Example("m.png", f"{folder}/m.png", Split.TRAIN, ("metal",), group="m.png"),
            Example("s3://other/u.png", "s3://other/u.png", Split.TRAIN, ("glass",), group="s3://other/u.png"),
            Example("sub/v 1.png", f"{folder}/sub/v%201.png", Split.VALIDATION, ("metal",), group="sub/v 1.png"),
            Example("t.png", f"{folder}/t.png", Split.TEST, ("glass",), group="t.png"),
            Example("z.png", f"{folder}/z.png", Split.TRAIN, ("glass",), group="z.png"),
        ),
        not_in_model=2,
        not_annotated=2,
    )


def test_the_order_of_lines_changes_nothing(tmp_path: Path) -> None:
    lines = [image_line(f"{number}.png", ["glass" if number % 3 else "metal"]) for number in range(30)]
    split = {"spec.dataset.validation": {"fraction": 0.3}}
    assert select(studio(tmp_path, *lines), split) == select(studio(tmp_path, *reversed(lines)), split)


def test_errors_of_the_data_are_counted_and_named(tmp_path: Path) -> None:
    error = refused(
        studio(
            tmp_path,
            *GOOD,
            image_line("none.png", []),
            image_line("two.png", ["metal", "glass"]),
            GOOD[0],
            *(image_line(f"more{number}.png", []) for number in range(7)),
        )
    )
    assert error.exit_code == ExitCode.DATA
    assert "10 images are wrong for the view 'material', which takes each once with one concept; correct" in str(error)
    assert "line 4: none.png is annotated and has no concept; " in str(error)
    assert "line 5: two.png has two concepts, glass and metal; " in str(error)
    assert "line 6: z.png stands in line 2 already; " in str(error)
    assert str(error).endswith("and 5 more")


@pytest.mark.parametrize(
    ("lines", "changes", "words"),
    [
        ([GOOD[0]], {}, "has no training example of 'metal'; add images or remove the concept"),
        ([GOOD[0], image_line("m.png", ["metal"], split="val")], {}, "has no training example of 'metal'"),
        ([], {}, "has no training example of 'glass', 'metal'"),
    ],
)
def test_a_concept_without_training_example(
    tmp_path: Path, lines: list[object], changes: dict[str, Any], words: str
) -> None:
    error = refused(studio(tmp_path, *lines), changes)
    assert error.exit_code == ExitCode.DATA
    assert str(error).startswith("concepts: ")
    assert words in str(error)


def test_no_json_lines_names_the_line(tmp_path: Path) -> None:
    write_files(tmp_path, {"a.jsonl": json_lines(HEADER, *GOOD) + b"{\n"})
    error = refused((tmp_path / "a.jsonl").as_uri())
    assert error.exit_code == ExitCode.DATA
    assert "a.jsonl: line 4 is not JSON" in str(error)


def test_a_picture_as_data_set(tmp_path: Path) -> None:
    write_files(tmp_path, {"a.png": b"\x89PNG\r\n\x1a\n\0\0"})
    assert "line 1 is not JSON" in str(refused((tmp_path / "a.png").as_uri()))


FOLDERS = {
    "glass/1.png": b"",
    "glass/deep/2.jpg": b"",
    "metal/1.png": b"",
    "paper/1.png": b"",
    "paper/2.png": b"",
    "top.png": b"",
    "glass/readme.txt": b"",
}


@pytest.mark.parametrize("slash", ["", "/"])
def test_folders(tmp_path: Path, slash: str) -> None:
    write_files(tmp_path, FOLDERS)
    folder = tmp_path.as_uri()
    assert select(folder + slash) == Selection(
        view=ViewType.CLASSIFICATION,
        concepts=("glass", "metal"),
        examples=(
            Example("glass/1.png", f"{folder}/glass/1.png", Split.TRAIN, ("glass",), group="glass/1.png"),
            Example(
                "glass/deep/2.jpg", f"{folder}/glass/deep/2.jpg", Split.TRAIN, ("glass",), group="glass/deep/2.jpg"
            ),
            Example("metal/1.png", f"{folder}/metal/1.png", Split.TRAIN, ("metal",), group="metal/1.png"),
        ),
        not_in_model=2,
        not_annotated=1,
    )


def test_folders_of_other_concepts_are_named(tmp_path: Path) -> None:
    write_files(tmp_path, {"train/glass/1.png": b"", "val/glass/2.png": b""})
    error = refused(tmp_path.as_uri() + "/")
    assert error.exit_code == ExitCode.DATA
    assert "(its folders are train; val) has no training example of 'glass', 'metal'" in str(error)


def test_a_folder_without_pictures(tmp_path: Path) -> None:
    write_files(tmp_path, {"glass/readme.txt": b""})
    error = refused(tmp_path.as_uri() + "/")
    assert error.exit_code == ExitCode.NOT_FOUND
    assert "holds no pictures (.bmp, .jpeg," in str(error)


@pytest.mark.parametrize("name", ["nothing.jsonl", "nothing/"])
def test_a_data_set_that_is_not_there(tmp_path: Path, name: str) -> None:
    error = refused(f"{tmp_path.as_uri()}/{name}")
    assert error.exit_code == ExitCode.NOT_FOUND
    assert str(error) == f"{tmp_path.as_uri()}/{name} does not exist; correct the URI"


class OneFile:
    """Storage with one data set."""

    def __init__(self, *lines: object) -> None:
        self._lines = json_lines(HEADER, *lines).split(b"\n")

    def lines(self, uri: str) -> list[bytes]:
        assert uri == "s3://datasets/bottles.jsonl"
        return self._lines


def test_a_data_set_in_a_bucket_reads_no_file_of_the_machine() -> None:
    line = {"data": {"url": "file:///etc/a.png"}, "annotations": GOOD[0]["annotations"]}
    with pytest.raises(UserError, match="line 4 has a file:// URL") as error:
        read_examples(ModelVersion.parse(modelversion(MODEL)), OneFile(*GOOD, line))  # type: ignore[arg-type]
    assert error.value.exit_code == ExitCode.DATA


def test_files_lie_beside_the_data_set_in_the_bucket() -> None:
    selection = read_examples(ModelVersion.parse(modelversion(MODEL)), OneFile(*GOOD))  # type: ignore[arg-type]
    assert [example.uri for example in selection.examples] == ["s3://datasets/m.png", "s3://datasets/z.png"]
