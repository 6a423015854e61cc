"""Studio JSON lines: what is read of them, and what is said of a line that is wrong."""

import json
import tracemalloc
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest

from support.pictures import HEADER, image_line, json_lines
from tintype_api.constants import ExitCode
from tintype_api.errors import UserError
from tintype_api.spec.view import View, ViewType
from tintype_trainer.datasets.annotations import AnnotatedImage, Annotation
from tintype_trainer.datasets.dataset import Split
from tintype_trainer.datasets.studio import open_studio

URI = "s3://data/bottles.jsonl"
VIEW = View(name="material", type=ViewType.CLASSIFICATION)


def read(content: bytes, view: View = VIEW, concepts: tuple[str, ...] = ("glass", "metal")) -> list[AnnotatedImage]:
    return list(open_studio(content.split(b"\n"), view, concepts, URI).images)


def named(**concepts: bool) -> dict[str, Any]:
    return {"concepts": [{"name": name, "bool": value} for name, value in concepts.items()]}


def test_annotations_of_images_and_of_regions() -> None:
    box = [0, 0.25, 0.5, 1]
    line = {
        "data": {"file": "a.png"},
        "annotations": [named(glass=True, red=False), named(), named(metal=True) | {"bbox": box, "colour": 3}],
        "metadata": {"line": 4},
        "more": [],
    }
    (image,) = read(json_lines(HEADER, line))
    assert image.annotations == [
        Annotation({"glass": True, "red": False}),
        Annotation({}),
        Annotation({"metal": True}, box),
    ]
    assert image.metadata == {"line": 4}


def test_a_region_may_say_other_than_another() -> None:
    box = {"bbox": [0, 0, 1, 1]}
    line = {"data": {"file": "a.png"}, "annotations": [named(glass=True) | box, named(glass=False) | box]}
    (image,) = read(json_lines(HEADER, line))
    assert [annotation.holds["glass"] for annotation in image.annotations] == [True, False]


@pytest.mark.parametrize(
    ("splits", "split"),
    [
        (None, Split.TRAIN),
        ([], Split.TRAIN),
        (["train"], Split.TRAIN),
        (["val"], Split.VALIDATION),
        (["validation"], Split.VALIDATION),
        (["test"], Split.TEST),
    ],
)
def test_splits(splits: list[str] | None, split: Split) -> None:
    line = {"data": {"file": "a.png"}} | ({} if splits is None else {"splits": splits})
    (image,) = read(json_lines(HEADER, line))
    assert image.split is split


def test_files_urls_and_line_numbers() -> None:
    content = json_lines(HEADER) + b"\n" + json_lines(image_line("x/ü.png"), {"data": {"url": "s3://other/y.png"}})
    assert [(image.where, image.name, image.uri) for image in read(content)] == [
        ("line 3", "x/ü.png", "s3://data/x/ü.png"),
        ("line 4", "s3://other/y.png", "s3://other/y.png"),
    ]


def test_a_byte_order_mark_and_windows_ends_are_taken() -> None:
    content = b"\xef\xbb\xbf" + json_lines(HEADER, image_line("a.png", ["glass"])).replace(b"\n", b"\r\n")
    assert [image.annotations for image in read(content)] == [[Annotation({"glass": True})]]


def changed(**fields: object) -> dict[str, Any]:
    return image_line("a.png", ["glass"]) | fields


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"\xff\xd8\xff\xe0 JFIF", "line 2 is not JSON (no UTF-8)"),
        (b"{'data': 1}", "line 2 is not JSON (Expecting property name"),
        (b"[" * 100_000, "line 2 is not JSON (too deep)"),
        (b'{"a": ' + b"1" * 5000 + b"}", "line 2 is not JSON (a number of thousands of digits)"),
        (b"3", "line 2 is no JSON object"),
        ({}, 'line 2 must have "data" with exactly one of "file" and "url"'),
        (changed(data={"file": "a", "url": "s3://b/a"}), 'line 2 must have "data" with exactly one of'),
        (changed(data={"file": 3}), 'line 2 must have a string "file" in "data"'),
        (changed(data={"file": ""}), 'line 2 must have a string "file" in "data"'),
        (changed(data={"file": "/etc/passwd"}), 'line 2 has the file "/etc/passwd"; it must be a plain path below'),
        (changed(data={"file": "a/../../b"}), 'line 2 has the file "a/../../b"; it must be a plain path below'),
        (changed(data={"file": "a\0b"}), 'line 2 has characters in "file" that cannot be shown'),
        (changed(data={"file": "\ud800"}), 'line 2 has characters in "file" that cannot be shown'),
        (changed(data={"url": "https://x/y"}), 'line 2 has the url "https://x/y"; it must begin with s3://'),
        (changed(splits="train"), 'line 2 must have a list as "splits"'),
        (changed(splits=[["train"]]), 'line 2 must have a list of strings as "splits"'),
        (changed(splits=["dev"]), 'line 2 has "splits" ["dev"]; give at most one of train, val, validation, test'),
        (changed(splits=["train", "val"]), 'line 2 has "splits" ["train", "val"]; give at most one'),
        (changed(annotations={}), 'line 2 must have a list as "annotations"'),
        (changed(annotations=[3]), 'line 2 must have a list of objects as "annotations"'),
        (changed(annotations=[{"concepts": ["glass"]}]), 'line 2 must have a list of objects as "concepts"'),
        (changed(annotations=[{"concepts": [{"bool": True}]}]), 'line 2 must have a string "name" in "concepts"'),
        (changed(annotations=[named(wood=True)]), 'line 2 names the concept "wood", which no view of the header has'),
        (changed(annotations=[{"concepts": [{"name": "glass"}]}]), 'line 2 must say "bool": true or false of the'),
        (changed(annotations=[named(glass=True), named(glass=False)]), "line 2 says both true and false of"),
        (
            changed(
                annotations=[
                    {"bbox": [0, 0, 1, 1], "concepts": [*named(red=True)["concepts"], *named(red=False)["concepts"]]}
                ]
            ),
            "line 2 says both true and false of",
        ),
        (changed(metadata=[3]), 'line 2 must have an object as "metadata"'),
        (changed(data={"url": "file:///etc/a.png"}), "line 2 has a file:// URL, which only a data set on this machine"),
    ],
)
def test_a_wrong_line_is_named(line: object, words: str) -> None:
    content = json_lines(HEADER) + (line if isinstance(line, bytes) else json.dumps(line).encode())
    with pytest.raises(UserError) as error:
        read(content)
    assert error.value.exit_code == ExitCode.DATA
    assert error.value.message.startswith(f"{URI}: {words}")


def header(**fields: object) -> dict[str, Any]:
    return deepcopy(HEADER) | fields


@pytest.mark.parametrize(
    ("first", "view", "exit_code", "words"),
    [
        ({}, "material", ExitCode.DATA, 'line 1 is no header: it has no "views"'),
        ({"images": [], "annotations": []}, "material", ExitCode.DATA, "line 1 is COCO json, whose files end in .json"),
        (image_line("a.png"), "material", ExitCode.DATA, 'line 1 is no header: it has no "views"'),
        (header(splits=["dev"]), "material", ExitCode.DATA, 'line 1 has the split "dev"; splits are train, val,'),
        (header(views=[{"type": "x"}]), "material", ExitCode.DATA, 'line 1 must have a string "name" in "views"'),
        (HEADER, "shape", ExitCode.DATA, 'no view "shape"; it has "material", "colour"'),
        (HEADER, "colour", ExitCode.SPEC, f"view.type: Classification, but {URI} says Tagging; make them agree"),
        (
            header(views=[{"name": "material", "type": "Classification", "concepts": ["glass", "paper"]}]),
            "material",
            ExitCode.DATA,
            'has no concept "metal"; it has "glass", "paper"',
        ),
    ],
)
def test_a_wrong_header(first: dict[str, Any], view: str, exit_code: ExitCode, words: str) -> None:
    with pytest.raises(UserError) as error:
        read(json_lines(first), View(name=view, type=ViewType.CLASSIFICATION))
    assert error.value.exit_code == exit_code
    assert words in error.value.message
    assert URI in error.value.message


def test_an_empty_file() -> None:
    with pytest.raises(UserError, match="is empty; its first line must be the header"):
        read(b"\n\n")


def test_lines_are_read_as_they_come_and_not_kept() -> None:
    def lines() -> Iterator[bytes]:
        yield json_lines(HEADER)
        for number in range(4_000):
            yield json_lines(image_line(f"{number}.png", ["glass"]))

    images = open_studio(lines(), VIEW, ("glass",), URI).images
    tracemalloc.start()
    assert sum(1 for _ in images) == 4_000
    assert tracemalloc.get_traced_memory()[1] < 300_000
    tracemalloc.stop()
