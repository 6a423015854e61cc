"""COCO json: what is read of it, as a stream, and what is said of a file that is wrong."""

import json
import math
import random
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tintype_api.constants import ExitCode
from tintype_api.errors import UserError
from tintype_trainer.datasets.annotations import AnnotatedImage, Annotation
from tintype_trainer.datasets.coco import CocoSource, read_coco
from tintype_trainer.datasets.dataset import Split
from tintype_trainer.datasets.json_stream import JsonError, read_object

URI = "s3://data/a/coco.json"


def document(**changes: object) -> dict[str, Any]:
    return {
        "info": {"year": 2026},
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 2, "bbox": [10, 5, 20, 10], "iscrowd": 0, "area": 200},
            {"id": 2, "image_id": "x", "category_id": 1, "bbox": [0, 0, 10, 20], "iscrowd": 1, "segmentation": {}},
            {"id": 3, "image_id": 7, "category_id": 1, "bbox": [0, 0, 40, 20]},
        ],
        "images": [
            {"id": 9, "file_name": "empty.jpg", "width": 10, "height": 10},
            {"id": 7, "file_name": "sub/a b.jpg", "width": 40, "height": 20, "patient": "P1"},
            {"id": "x", "file_name": "s3://other/c.jpg", "width": 10, "height": 20},
        ],
        "categories": [{"id": 1, "name": "cat", "supercategory": "animal"}, {"id": 2, "name": "dog"}],
        "licenses": [],
    } | changes


def read(text: object, source: CocoSource | None = None, size: int = 7) -> list[AnnotatedImage]:
    data = text if isinstance(text, bytes) else json.dumps(text).encode()
    chunks = [data[start : start + size] for start in range(0, len(data), size)]
    return list(read_coco(chunks, source or CocoSource(URI)).images)


def by_name(images: list[AnnotatedImage]) -> dict[str, AnnotatedImage]:
    return {image.name: image for image in images}


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("size", [1, 13, 10_000])
def test_boxes_are_shares(indent: int | None, size: int) -> None:
    images = by_name(read(json.dumps(document(), indent=indent).encode(), size=size))
    assert set(images) == {"empty.jpg", "sub/a b.jpg", "s3://other/c.jpg"}
    assert images["sub/a b.jpg"].uri == "s3://data/a/sub/a b.jpg"
    assert images["s3://other/c.jpg"].uri == "s3://other/c.jpg"
    assert images["sub/a b.jpg"].annotations == [
        Annotation({}),
        Annotation({"dog": True}, (0.25, 0.25, 0.75, 0.75)),
        Annotation({"cat": True}, (0, 0, 1, 1)),
    ]
    assert images["s3://other/c.jpg"].annotations == [
        Annotation({}),
        Annotation({"cat": True}, (0, 0, 1, 1), ignore=True),
    ]
    assert images["empty.jpg"].annotations == [Annotation({})]
    assert {image.split for image in images.values()} == {Split.TRAIN}


def test_without_boxes_categories_are_of_the_image_and_no_size_is_needed() -> None:
    images = [{"id": key, "file_name": f"{key}.jpg"} for key in (7, "x")]
    source = CocoSource(URI, Split.TEST, "test/", with_boxes=False, metadata="patient")
    found = by_name(read(document(images=[*images, {"id": 1, "file_name": "1.jpg", "patient": 5}]), source))
    assert found["test/7.jpg"].annotations == [Annotation({}), Annotation({"dog": True}), Annotation({"cat": True})]
    assert found["test/7.jpg"].split is Split.TEST
    assert found["test/7.jpg"].uri == "s3://data/a/7.jpg"
    assert [found[f"test/{key}.jpg"].metadata for key in (7, 1)] == [{"patient": None}, {"patient": 5}]


def test_a_box_that_is_none_is_left_to_be_named() -> None:
    annotations = [
        {"image_id": 9, "category_id": 1, "bbox": bbox}
        for bbox in (None, [1, 2, 3], [1, 2, 3, "4"], [1, 2, 3, 10**400])
    ]
    (image,) = [each for each in read(document(annotations=annotations)) if each.name == "empty.jpg"]
    assert all(math.isnan(share) for annotation in image.annotations[1:] for share in annotation.bbox)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "has \"\" where '{' must stand"),
        (b"[]", "has \"[]\" where '{' must stand"),
        (b"\xff\xd8", "is no UTF-8"),
        (b'{"images": [{"id": 1', "is not JSON ("),
        (b'{"images": [{}', "must have a number or string"),
        (b'{"info": [1, 2', "is not JSON ("),
        (b'{"info": 1 "images": []}', 'has "\\"im" where \',\' must stand'),
        (b'{"info" 1}', "has \"1}\" where ':' must stand"),
        (b"{1: 2}", "has a name that is no string"),
        (b'{"info": ' + b"[" * 100_000, "is not JSON (too deep)"),
        (b'{"images": [{"id": ' + b"1" * 5000 + b"}]}", "has a number of thousands of digits"),
        (b"{}", 'has no "images"; COCO json is one object with images, annotations, categories'),
        (json.dumps(document()).encode() + b" 3", "goes on after its object has ended"),
        (document(images={}), 'must have a list as "images"'),
        (document(images=[3]), 'must have a list of objects as "images"'),
        (document(images=[{"id": 7}]), 'must have a path as "file_name" of image 7'),
        (document(images=[{"id": 1.5, "file_name": "a"}]), 'must have a number or string "id" in each of "images"'),
        (document(images=[{"id": 7, "file_name": "a", "width": 0}]), 'must have the "width" of image 7 in pixels'),
        (document(images=[{"id": 7, "file_name": "a", "width": 5}]), 'must have the "height" of image 7 in pixels'),
        (document(images=document()["images"] * 2), "has two images with the id 9; give each its own"),
        (document(images=document()["images"][:2]), "has an annotation of the image x, which is not there; add or"),
        (document(categories=[{"id": 1, "name": "a"}]), "has an annotation of the category 2, which is not there"),
        (document(categories=[{"id": 1}]), 'must have a string "name" in each of "categories"'),
        (
            document(annotations=[{"image_id": 7}]),
            'must have a number or string "category_id" in each of "annotations"',
        ),
    ],
)
def test_a_wrong_file(text: object, words: str) -> None:
    with pytest.raises(UserError) as error:
        read(text)
    assert error.value.exit_code == ExitCode.DATA
    assert error.value.message.startswith(f"{URI} {words}")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("../a.jpg", "image 7 has the file_name '../a.jpg'; it must be a plain path below the data set's folder"),
        ("/etc/a.jpg", "image 7 has the file_name '/etc/a.jpg'"),
        ("file:///etc/a.jpg", "image 7 has a file:// URI, which only a data set on this machine may have"),
    ],
)
def test_a_wrong_path(name: str, words: str) -> None:
    with pytest.raises(UserError) as error:
        read(document(images=[{"id": 7, "file_name": name, "width": 9, "height": 9}], annotations=[]))
    assert error.value.message.startswith(f"{URI}: {words}")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=3), VALUES, max_size=4), st.lists(VALUES, max_size=5), st.integers(1, 40))
def test_any_object_is_read_in_pieces_as_in_one(others: dict[str, Any], wanted: list[Any], size: int) -> None:
    whole = others | {"wanted": wanted}
    data = json.dumps(whole, ensure_ascii=False, indent=size % 3 or None).encode("utf-8", "surrogatepass")
    taken: list[Any] = []
    names = read_object((data[start : start + size] for start in range(0, len(data), size)), {"wanted": taken.append})
    assert taken == wanted
    assert names == frozenset(whole)


def test_a_value_without_end_stops_before_memory_does() -> None:
    def chunks() -> Iterator[bytes]:
        yield b'{"info": "'
        while True:
            yield b"x" * (8 << 20)

    with pytest.raises(JsonError, match="has a value of more than 64 million characters"):
        read_object(chunks(), {})


def test_annotations_are_kept_as_numbers() -> None:
    count = 5_000
    rng = random.Random(0)

    def chunks() -> Iterator[bytes]:
        yield b'{"categories": [{"id": 1, "name": "cat"}], '
        yield b'"images": [{"id": 1, "file_name": "a", "width": 9, "height": 9}], "annotations": ['
        for number in range(count):
            polygon = [rng.random() for _ in range(40)]
            entry = {"image_id": 1, "category_id": 1, "bbox": [1, 1, 2, 2], "segmentation": [polygon]}
            yield (b", " if number else b"") + json.dumps(entry).encode()
        yield b"]}"

    tracemalloc.start()
    found = read_coco(chunks(), CocoSource(URI))
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 100 * count
    assert peak < 150 * count
    assert [len(image.annotations) for image in found.images] == [count + 1]
