"""Data sets of every format through `read_examples`: which it is, second files, groups, negatives."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from support.modelversions import modelversion
from support.pictures import HEADER, image_line, json_lines, write_files
from tintype_api.constants import ExitCode
from tintype_api.errors import UserError
from tintype_api.modelversion import ModelVersion
from tintype_trainer.datasets.dataset import Box, Region, Selection, Split
from tintype_trainer.datasets.examples import read_examples
from tintype_trainer.datasets.negatives import draw_negatives
from tintype_trainer.storage import ObjectInfo, Store

DETECTION = {"spec.view": {"name": "animals", "type": "Detection"}, "spec.concepts": ["cat", "dog"]}
TAGGING = {"spec.view": {"name": "animals", "type": "Tagging"}, "spec.concepts": ["cat", "dog"]}


def grouped_by(**how: str) -> dict[str, Any]:
    """Return the changes that draw a validation set, with groups on one side."""
    return {"spec.dataset.groupBy": how, "spec.dataset.validation": {"fraction": 0.3}}


def select(uri: str, changes: dict[str, Any]) -> Selection:
    document = modelversion({"spec.dataset.uri": uri} | changes)
    return read_examples(ModelVersion.parse(document), Store.from_settings(environment={}))


def refused(uri: str, changes: dict[str, Any]) -> UserError:
    with pytest.raises(UserError) as error:
        select(uri, changes)
    assert "\n" not in error.value.message
    return error.value


def coco(*images: tuple[str, list[tuple[str, list[float]]]]) -> bytes:
    names = ["cat", "dog", "cow"]
    annotations = [
        {"image_id": number, "category_id": names.index(concept), "bbox": bbox}
        for number, (_, boxes) in enumerate(images)
        for concept, bbox in boxes
    ]
    return json.dumps(
        {
            "images": [
                {"id": number, "file_name": name, "width": 40, "height": 20, "day": name[0]}
                for number, (name, _) in enumerate(images)
            ],
            "annotations": annotations,
            "categories": [{"id": number, "name": name} for number, name in enumerate(names)],
        },
        indent=1,
    ).encode()


BOX: list[float] = [0, 0, 20, 10]
SMALL: list[float] = [30, 10, 10, 10]
ANIMALS = coco(
    ("a.jpg", [("cat", BOX), ("dog", SMALL)]), ("b.jpg", [("dog", BOX)]), ("c.jpg", [("cow", BOX)]), ("d.jpg", [])
)


@pytest.fixture
def animals(tmp_path: Path) -> str:
    write_files(tmp_path, {"animals.json": ANIMALS})
    return (tmp_path / "animals.json").as_uri()


def test_coco_as_detection(animals: str) -> None:
    found = select(animals, DETECTION)
    assert [(each.id, each.concepts, each.boxes) for each in found.examples] == [
        ("a.jpg", ("cat", "dog"), (Box("cat", 0, 0, 0.5, 0.5), Box("dog", 0.75, 0.5, 1, 1))),
        ("b.jpg", ("dog",), (Box("dog", 0, 0, 0.5, 0.5),)),
    ]
    assert (found.without_boxes, found.not_in_model, found.not_annotated) == (2, 1, 0)


def test_coco_as_tagging(animals: str) -> None:
    found = select(animals, TAGGING)
    assert [(each.id, each.concepts) for each in found.examples] == [
        ("a.jpg", ("cat", "dog")),
        ("b.jpg", ("dog",)),
        ("c.jpg", ()),
        ("d.jpg", ()),
    ]
    assert (found.without_boxes, found.not_in_model) == (0, 1)


def test_coco_as_regions(animals: str) -> None:
    view = {"name": "kind", "type": "Classification", "parent": {"name": "animals", "type": "Detection"}}
    conditions = [[{"concept": "cat"}], [{"concept": "dog"}]]
    found = select(animals, {"spec.view": view | {"conditions": conditions}, "spec.concepts": ["dog", "cat"]})
    assert [(each.id, each.concepts, each.region, each.group) for each in found.examples] == [
        ("a.jpg#0", ("cat",), Region(0, 0, 0.5, 0.5), "a.jpg"),
        ("a.jpg#1", ("dog",), Region(0.75, 0.5, 1, 1), "a.jpg"),
        ("b.jpg#0", ("dog",), Region(0, 0, 0.5, 0.5), "b.jpg"),
    ]
    assert (found.conditions_unmet, found.not_in_model) == (1, 0)


def test_coco_with_files_for_its_splits(tmp_path: Path) -> None:
    other = coco(("a.jpg", [("cat", BOX)]), ("e.jpg", []))
    write_files(tmp_path, {"train/x.json": ANIMALS, "valid/x.json": other, "train/test.json": coco(("t.jpg", []))})
    uris = [(tmp_path / name).as_uri() for name in ("train/x.json", "valid/x.json", "train/test.json")]
    splits = {"spec.dataset.validation": {"uri": uris[1]}, "spec.dataset.test": {"uri": uris[2]}}
    found = select(uris[0], DETECTION | splits)
    assert [(each.id, each.split) for each in found.examples] == [
        ("a.jpg", Split.TRAIN),
        ("b.jpg", Split.TRAIN),
        ("t.jpg", Split.TEST),
        ("validation/a.jpg", Split.VALIDATION),
        ("validation/e.jpg", Split.VALIDATION),
    ]
    assert found.examples[3].uri == f"{tmp_path.as_uri()}/valid/a.jpg"
    assert found.without_boxes == 2


def test_a_picture_in_both_files_is_an_error(tmp_path: Path) -> None:
    write_files(tmp_path, {"x.json": ANIMALS, "y.json": coco(("b.jpg", []))})
    changes = DETECTION | {"spec.dataset.validation": {"uri": (tmp_path / "y.json").as_uri()}}
    error = refused((tmp_path / "x.json").as_uri(), changes)
    assert error.exit_code == ExitCode.DATA
    assert "image 0: b.jpg stands in image 1 already" in error.message


@pytest.mark.parametrize("name", ["bottles.jsonl", "bottles.json"])
def test_a_second_file_is_for_coco_alone(tmp_path: Path, name: str) -> None:
    write_files(tmp_path, {name: json_lines(HEADER, image_line("a.png", ["glass"]))})
    uri = (tmp_path / name).as_uri()
    error = refused(uri, {"spec.concepts": ["glass", "metal"], "spec.dataset.test": {"uri": "s3://data/y.json"}})
    assert error.exit_code == ExitCode.SPEC
    assert error.message.startswith(f"dataset.test.uri: only COCO json has its splits in files of their own, and {uri}")


def test_a_category_that_is_not_there(animals: str) -> None:
    error = refused(animals, DETECTION | {"spec.concepts": ["cat", "horse"]})
    assert error.exit_code == ExitCode.DATA
    assert error.message == f"concepts: {animals} has no category 'horse'; it has cat; cow; dog"


def test_a_broken_box_of_coco_is_named(tmp_path: Path) -> None:
    write_files(tmp_path, {"x.json": coco(("a.jpg", [("cat", BOX), ("dog", [30, 0, 20, 10]), ("dog", [0, 0, 0, 5])]))})
    error = refused((tmp_path / "x.json").as_uri(), DETECTION)
    assert error.exit_code == ExitCode.DATA
    assert "2 annotations are wrong for the view 'animals', which takes each once with boxes" in error.message
    assert "image 0: a box of a.jpg: its bbox [0.75, 0, 1.25, 0.5] reaches beyond the picture" in error.message
    assert "image 0: a box of a.jpg: its bbox [0, 0, 0, 0.25] is empty" in error.message


def test_a_file_that_is_too_deep_to_tell_its_format_is_named(tmp_path: Path) -> None:
    write_files(tmp_path, {"x.json": b'{"info": ' + b"[" * 100_000})
    error = refused((tmp_path / "x.json").as_uri(), DETECTION)
    assert error.exit_code == ExitCode.DATA
    assert error.message.endswith("x.json is not JSON (too deep)")


def test_of_a_data_set_without_annotations_it_is_not_the_split_that_is_refused(tmp_path: Path) -> None:
    write_files(tmp_path, {"x.jsonl": json_lines(HEADER, {"data": {"file": "a.png"}, "annotations": []})})
    changes = {"spec.concepts": ["glass", "metal"], "spec.dataset.validation": {"fraction": 0.2}}
    error = refused((tmp_path / "x.jsonl").as_uri(), changes)
    assert error.exit_code == ExitCode.DATA
    assert "x.jsonl has no training example of 'glass', 'metal'; add images or remove the concept" in error.message


FOLDERS = {"cat/1.png": b"", "dog/1.png": b"", "_none/1.png": b"", "cow/1.png": b"", "top.png": b""}


def test_folders_as_tagging(tmp_path: Path) -> None:
    write_files(tmp_path, FOLDERS)
    found = select(tmp_path.as_uri() + "/", TAGGING)
    assert [(each.id, each.concepts) for each in found.examples] == [
        ("_none/1.png", ()),
        ("cat/1.png", ("cat",)),
        ("cow/1.png", ()),
        ("dog/1.png", ("dog",)),
    ]
    assert (found.not_in_model, found.not_annotated) == (1, 1)


def test_in_classification_none_is_a_folder_like_others(tmp_path: Path) -> None:
    write_files(tmp_path, FOLDERS)
    found = select(tmp_path.as_uri() + "/", {"spec.concepts": ["cat", "dog"]})
    assert [each.id for each in found.examples] == ["cat/1.png", "dog/1.png"]
    assert (found.not_in_model, found.not_annotated) == (2, 1)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (DETECTION, "has one folder per concept and so no boxes, which the view 'animals' needs"),
        (
            {
                "spec.concepts": ["cat", "dog"],
                "spec.view": {"name": "x", "type": "Tagging", "parent": {"name": "y", "type": "Detection"}},
            },
            "has one folder per concept and so no boxes, which the view 'x' needs",
        ),
        (TAGGING | grouped_by(metadata="a"), "dataset.groupBy.metadata: folders have no metadata"),
        (TAGGING | {"spec.dataset.test": {"uri": "s3://data/y.json"}}, "dataset.test.uri: only COCO json has its"),
    ],
)
def test_what_folders_cannot_say(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    write_files(tmp_path, FOLDERS)
    error = refused(tmp_path.as_uri() + "/", changes)
    assert error.exit_code == ExitCode.SPEC
    assert words in error.message


def test_a_random_validation_set_of_detection_keeps_images_without_boxes(tmp_path: Path) -> None:
    images = [(f"{number:03}.jpg", [("cat", BOX)] if number < 60 else []) for number in range(100)]
    write_files(tmp_path, {"x.json": coco(*images, ("dog.jpg", [("dog", BOX)]), ("dog2.jpg", [("dog", BOX)]))})
    found = select((tmp_path / "x.json").as_uri(), DETECTION | {"spec.dataset.validation": {"fraction": 0.25}})
    table = Counter((each.split, bool(each.boxes)) for each in found.examples)
    assert table == {(Split.TRAIN, True): 46, (Split.VALIDATION, True): 16, (Split.VALIDATION, False): 10}
    assert found.without_boxes == 30


def grouped(folder: Path) -> str:
    lines = [
        image_line(f"{letter}{number}/x.png", [("glass", "metal")[number % 2]]) | {"metadata": {"day": number // 4}}
        for letter in "pq"
        for number in range(20)
    ]
    del lines[0]["metadata"]
    write_files(folder, {"x.jsonl": json_lines(HEADER, *lines)})
    return (folder / "x.jsonl").as_uri()


@pytest.mark.parametrize(
    ("group_by", "groups"),
    [
        (None, 40),
        ({"metadata": "day"}, 6),
        ({"path": "^[pq](.)"}, 10),
        ({"path": "^[pq](?:.)"}, 20),
        ({"path": "1./"}, 30),
    ],
)
def test_groups_stay_on_one_side(tmp_path: Path, group_by: dict[str, str] | None, groups: int) -> None:
    changes = {"spec.concepts": ["glass", "metal"], "spec.dataset.validation": {"fraction": 0.3}}
    found = select(grouped(tmp_path), changes | (grouped_by(**group_by) if group_by else {}))
    sides = {(each.group, each.split) for each in found.examples}
    assert len(sides) == len({each.group for each in found.examples}) == groups
    assert 8 <= sum(each.split is Split.VALIDATION for each in found.examples) <= 16


@pytest.mark.parametrize(
    ("group_by", "exit_code", "words"),
    [
        ({"path": "("}, ExitCode.SPEC, "dataset.groupBy.path: is no regular expression (missing ), unterminated"),
        ({"path": "z"}, ExitCode.DATA, "dataset.groupBy.path: no image of "),
        ({"metadata": "night"}, ExitCode.DATA, "dataset.groupBy.metadata: no image of "),
    ],
)
def test_groups_that_cannot_be_had(tmp_path: Path, group_by: dict[str, str], exit_code: ExitCode, words: str) -> None:
    error = refused(grouped(tmp_path), {"spec.concepts": ["glass", "metal"]} | grouped_by(**group_by))
    assert error.exit_code == exit_code
    assert error.message.startswith(words)


def test_metadata_that_is_no_text_of_unicode_groups_as_it_is_written(tmp_path: Path) -> None:
    days = ["\ud800", "\ud801", "\ud802", "\ud803"]
    lines = [
        image_line(f"{number}.png", [("glass", "metal")[number % 2]]) | {"metadata": {"day": days[number // 5]}}
        for number in range(20)
    ]
    write_files(tmp_path, {"x.jsonl": json_lines(HEADER, *lines)})
    found = select((tmp_path / "x.jsonl").as_uri(), {"spec.concepts": ["glass", "metal"]} | grouped_by(metadata="day"))
    assert {each.group for each in found.examples} == {rf"\ud80{number}" for number in range(4)}


def test_metadata_by_which_nothing_can_be_grouped(tmp_path: Path) -> None:
    line = image_line("a.png", ["glass"]) | {"metadata": {"day": [1]}}
    write_files(tmp_path, {"x.jsonl": json_lines(HEADER, line)})
    changes = {"spec.concepts": ["glass", "metal"]} | grouped_by(metadata="day")
    error = refused((tmp_path / "x.jsonl").as_uri(), changes)
    assert error.exit_code == ExitCode.DATA
    assert "line 2: the metadata 'day' of a.png is no text or number" in error.message


@pytest.mark.parametrize(
    ("training", "words"),
    [
        ({"earlyStopping": {"patience": 1}}, "training.earlyStopping: there is no validation set whose metric"),
        ({"selectBy": "mAP"}, "training.selectBy: mAP, but there is no validation set to measure it on"),
        ({"selectBy": "Loss"}, "training.selectBy: Loss, but there is no validation set to measure it on"),
    ],
)
def test_what_needs_a_validation_set(animals: str, training: dict[str, Any], words: str) -> None:
    changes = TAGGING | {f"spec.training.{name}": value for name, value in training.items()}
    error = refused(animals, changes)
    assert error.exit_code == ExitCode.SPEC
    assert error.message.startswith(words)
    validation = {"spec.dataset.validation": {"count": 1}}
    assert len([each for each in select(animals, changes | validation).examples if each.split is Split.VALIDATION]) == 1


def test_negatives_join_training_alone(tmp_path: Path, animals: str, caplog: pytest.LogCaptureFixture) -> None:
    write_files(tmp_path, {f"street/{number}.png": b"" for number in range(9)} | {"street/x.txt": b""})
    negatives = {"uri": f"{tmp_path.as_uri()}/street/", "count": 4}
    found = select(animals, TAGGING | {"spec.datasetOptions.negatives": negatives})
    drawn = [each for each in found.examples if each.negative]
    assert found.examples[-4:] == tuple(drawn)
    assert len({each.id for each in drawn}) == 4
    assert all(each.split is Split.TRAIN and not each.concepts and each.id.startswith("negative:") for each in drawn)
    with caplog.at_level("INFO"):
        more = select(animals, TAGGING | {"spec.datasetOptions.negatives": negatives | {"count": 100}})
    assert sum(each.negative for each in more.examples) == 9
    assert "has 9 negatives, fewer than count: 100; all are used" in caplog.text


def test_negatives_that_are_not_there(tmp_path: Path, animals: str) -> None:
    write_files(tmp_path, {"street/x.txt": b""})
    negatives = {"spec.datasetOptions.negatives": {"uri": f"{tmp_path.as_uri()}/street/"}}
    error = refused(animals, TAGGING | negatives)
    assert error.exit_code == ExitCode.NOT_FOUND
    assert error.message.startswith("datasetOptions.negatives.uri: ")


def test_which_negatives_are_drawn_depends_on_seed_and_names_alone() -> None:
    listing = [ObjectInfo(f"s3://n/{number}.jpg", 1) for number in range(100)]

    def drawn(objects: list[ObjectInfo], seed: int, taken: frozenset[str] = frozenset()) -> list[str]:
        return [each.id for each in draw_negatives(objects, "s3://n/", 10, seed, taken).examples]

    assert drawn(listing, 1) == drawn(listing[::-1], 1) == sorted(drawn(listing, 1))
    assert len(set(drawn(listing, 1)) & set(drawn(listing, 2))) < 5
    in_dataset = frozenset(name.replace("negative:", "s3://n/") for name in drawn(listing, 1))
    assert not set(drawn(listing, 1, in_dataset)) & set(drawn(listing, 1))
    assert draw_negatives(listing, "s3://n/", 10, 1, in_dataset).in_dataset == 10
