"""The frozen list of examples: what its lines hold and what its digests depend on."""

import gzip
import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from tintype_api.spec.dataset import Balance, DatasetOptions
from tintype_api.spec.view import ViewType
from tintype_api.status import ConceptCounts, Duplicates, SplitCounts, Unreadable
from tintype_trainer.datasets.arrangement import arrange
from tintype_trainer.datasets.dataset import Box, Example, Region, Selection, Split, Staged, StagedExample
from tintype_trainer.datasets.duplicates import duplicates
from tintype_trainer.datasets.freezing import freeze


def example(name: str, concept: str, split: Split, folder: str = "s3://data") -> StagedExample:
    return stand_in(Example(name, f"{folder}/{name}", split, (concept,)))


def stand_in(example: Example, pixels: str = "") -> StagedExample:
    name = example.id
    return StagedExample(example, Path("/c", name), name.zfill(64), 24, 16, pixels or name)


def staged(examples: list[StagedExample], view: ViewType = ViewType.CLASSIFICATION) -> Staged:
    selection = Selection(
        view, ("metal", "glass"), tuple(each.example for each in examples), 5, 6, without_boxes=7, conditions_unmet=8
    )
    training = tuple(i for i, each in enumerate(examples) if each.example.split is Split.TRAIN)
    return Staged(selection, tuple(examples), Unreadable(count=1, examples=("x is empty",)), training)


EXAMPLES = [
    example("ü", "glass", Split.TRAIN),
    example("1", "glass", Split.TRAIN),
    example("2", "metal", Split.TRAIN),
    example("3", "glass", Split.VALIDATION),
    example("4", "metal", Split.TEST),
]
LINES = [
    f'{{"concepts":["{concept}"],"id":"{name}","sha256":"{name.zfill(64)}","split":"{split}"}}\n'
    for concept, name, split in [
        ("glass", "1", "train"),
        ("metal", "2", "train"),
        ("glass", "3", "validation"),
        ("metal", "4", "test"),
        ("glass", "ü", "train"),
    ]
]


def sha256(text: str) -> str:
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def test_lines_and_digests() -> None:
    frozen = freeze(staged(EXAMPLES))
    assert gzip.decompress(frozen.lines_gz).decode() == "".join(LINES)
    assert frozen.lines_gz == freeze(staged(EXAMPLES)).lines_gz
    assert frozen.digest == sha256("".join(LINES))
    assert frozen.validation_digest == sha256(LINES[2])


def test_status() -> None:
    frozen = freeze(staged(EXAMPLES))
    status = frozen.status
    assert (status.digest, status.validation_digest) == (frozen.digest, frozen.validation_digest)
    assert (status.train, status.validation, status.test) == (3, 1, 1)
    assert (status.not_in_model, status.not_annotated, status.unreadable.count) == (5, 6, 1)
    assert (status.without_boxes, status.conditions_unmet) == (7, 8)
    assert (status.train_repeated, status.negatives, status.without_concept, status.duplicates) == (None, 0, None, None)
    assert status.concepts == (
        ConceptCounts(name="metal", train=1, validation=0, test=1),
        ConceptCounts(name="glass", train=2, validation=1, test=0),
    )


def test_digests_depend_neither_on_place_nor_on_order() -> None:
    elsewhere = [
        replace(each, path=Path("/d"), example=replace(each.example, uri=f"file:///x/{each.example.id}"))
        for each in reversed(EXAMPLES)
    ]
    assert freeze(staged(elsewhere)).digest == freeze(staged(EXAMPLES)).digest


def test_digests_pin_pixels_concept_and_split() -> None:
    def digests(change: StagedExample) -> tuple[str, str | None]:
        frozen = freeze(staged([*EXAMPLES[:2], change, *EXAMPLES[3:]]))
        return frozen.digest, frozen.validation_digest

    before = digests(EXAMPLES[2])
    changes = [
        replace(EXAMPLES[2], sha256="f" * 64),
        replace(EXAMPLES[2], example=replace(EXAMPLES[2].example, concepts=("glass",))),
        replace(EXAMPLES[2], example=replace(EXAMPLES[2].example, split=Split.TEST)),
    ]
    for change in changes:
        digest, validation_digest = digests(change)
        assert digest != before[0]
        assert validation_digest == before[1]


def test_without_validation_there_is_no_digest_of_it() -> None:
    assert freeze(staged(EXAMPLES[:3])).validation_digest is None


BOXES = (Box("glass", 0.0, 0.25, 0.5, 1.0), Box("metal", 0.1, 0.2, 0.3, 0.4, ignore=True))


@pytest.mark.parametrize(
    ("example", "line"),
    [
        (
            Example("a", "s3://d/a", Split.TRAIN, ("glass",), boxes=BOXES),
            '{"boxes":[{"box":[0.0,0.25,0.5,1.0],"concept":"glass"},'
            '{"box":[0.1,0.2,0.3,0.4],"concept":"metal","ignore":true}],'
            '"concepts":["glass"],"id":"a","sha256":"SHA","split":"train"}',
        ),
        (
            Example("a", "s3://d/a", Split.TEST, ("metal", "glass"), region=Region(0.0, 0.5, 1 / 3, 1.0)),
            '{"concepts":["metal","glass"],"id":"a","region":[0.0,0.5,0.3333333333333333,1.0],"sha256":"SHA",'
            '"split":"test"}',
        ),
        (
            Example("a", "s3://d/a", Split.TRAIN, (), negative=True, group="b"),
            '{"concepts":[],"id":"a","negative":true,"sha256":"SHA","split":"train"}',
        ),
    ],
)
def test_lines_of_every_view(example: Example, line: str) -> None:
    lines = gzip.decompress(freeze(staged([stand_in(example)])).lines_gz).decode()
    assert lines == line.replace("SHA", "a".zfill(64)) + "\n"


TAGGED = [
    stand_in(Example("1", "s3://d/1", Split.TRAIN, ("metal", "glass"))),
    stand_in(Example("2", "s3://d/2", Split.TRAIN, ())),
    stand_in(Example("3", "s3://d/3", Split.VALIDATION, ())),
    stand_in(Example("4", "s3://d/4", Split.TRAIN, ("glass",))),
    stand_in(Example("n", "s3://d/n", Split.TRAIN, (), negative=True)),
]


def test_negatives_and_what_is_without_concept_are_counted_apart() -> None:
    status = freeze(staged(TAGGED, ViewType.TAGGING)).status
    assert (status.train, status.negatives, status.train_repeated, status.validation) == (3, 1, 4, 1)
    assert status.without_concept == SplitCounts(train=1, validation=1)
    assert [(each.name, each.train) for each in status.concepts] == [("metal", 1), ("glass", 2)]


def test_in_detection_boxes_are_counted_but_for_ignored_ones() -> None:
    example = Example("a", "s3://d/a", Split.TRAIN, ("glass",), boxes=(*BOXES, BOXES[0]))
    status = freeze(staged([stand_in(example)], ViewType.DETECTION)).status
    assert [(each.name, each.train) for each in status.concepts] == [("metal", 0), ("glass", 2)]


def test_repeats_are_frozen_and_negatives_are_not_repeated() -> None:
    before = staged(TAGGED, ViewType.TAGGING)
    assert arrange(before, DatasetOptions()) == before
    balanced = arrange(before, DatasetOptions(balance=Balance(max_expansion_ratio=1.4)))
    assert balanced.training == (0, 1, 1, 3, 4)
    frozen = freeze(balanced)
    times = {
        line["id"]: line["times"]
        for line in map(json.loads, gzip.decompress(frozen.lines_gz).splitlines())
        if "times" in line
    }
    assert times == {TAGGED[i].example.id: 2 for i in balanced.training if balanced.training.count(i) == 2}
    assert frozen.digest != freeze(before).digest
    assert frozen.validation_digest == freeze(before).validation_digest
    assert frozen.status.train_repeated == 5


def test_equal_pixels_on_both_sides_are_counted() -> None:
    def each(name: str, split: Split, pixels: str) -> StagedExample:
        return stand_in(Example(name, f"s3://d/{name}", split, ("glass",)), pixels)

    found = duplicates(
        staged(
            [
                each("a", Split.TRAIN, "x"),
                each("b", Split.TRAIN, "x"),
                each("c", Split.VALIDATION, "x"),
                each("d", Split.TEST, "x"),
                each("e", Split.TEST, "y"),
                each("f", Split.TRAIN, "y"),
                each("g", Split.TRAIN, "z"),
                each("h", Split.TRAIN, "z"),
            ]
        )
    )
    assert found == Duplicates(count=2, examples=("a (train) and c (validation)", "e (test) and f (train)"))
