"""Which examples annotated images give, for each kind of view."""

import math

import pytest

from tintype_api.spec.view import ViewType
from tintype_trainer.datasets.annotations import AnnotatedImage, Annotation, BrokenBoxError, region_of
from tintype_trainer.datasets.dataset import Box, Example, Region, Split
from tintype_trainer.datasets.selecting import Selector
from tintype_trainer.datasets.views import Conditions, Level, ViewPath

CELLS = Level("cells", ViewType.DETECTION, frozenset(("functional", "defective")))
LEFT, RIGHT = [0, 0, 0.5, 1], [0.5, 0, 1, 1]


def on(bbox: object = None, *, ignore: bool = False, **holds: bool) -> Annotation:
    return Annotation(holds, bbox, ignore)


def selector(*levels: Level, concepts: str) -> Selector:
    return Selector(ViewPath(levels), concepts.split(), lambda image: image.name)


def image(
    *annotations: Annotation, name: str = "a", split: Split = Split.TRAIN, where: str = "line 2"
) -> AnnotatedImage:
    return AnnotatedImage(where, name, f"s3://d/{name}", split, annotations, {})


def counted(found: Selector) -> tuple[int, int, int, int]:
    return found.not_in_model, found.not_annotated, found.conditions_unmet, found.errors.count


def flat(type_: ViewType, concepts: str = "a b c", conditions: Conditions = ()) -> Level:
    return Level("view", type_, frozenset(concepts.split()), conditions)


@pytest.mark.parametrize(
    ("annotations", "concepts", "counts"),
    [
        ([on(a=True)], ("a",), (0, 0, 0, 0)),
        ([on(a=True), on(b=False)], ("a",), (0, 0, 0, 0)),
        ([on(a=True, x=True)], ("a",), (0, 0, 0, 0)),
        ([on(LEFT, a=True), on(RIGHT, a=False)], ("a",), (0, 0, 0, 0)),
        ([on(c=True)], None, (1, 0, 0, 0)),
        ([on(a=True, c=True)], None, (1, 0, 0, 0)),
        ([on(x=True)], None, (0, 1, 0, 0)),
        ([], None, (0, 1, 0, 0)),
        ([on()], None, (0, 0, 0, 1)),
        ([on(a=False)], None, (0, 0, 0, 1)),
        ([on(a=True, b=True)], None, (0, 0, 0, 1)),
    ],
)
def test_classification(
    annotations: list[Annotation], concepts: tuple[str, ...] | None, counts: tuple[int, int, int, int]
) -> None:
    found = selector(flat(ViewType.CLASSIFICATION), concepts="a b")
    found.add(image(*annotations))
    assert [example.concepts for example in found.examples] == ([] if concepts is None else [concepts])
    assert counted(found) == counts


@pytest.mark.parametrize(
    ("annotations", "concepts", "counts"),
    [
        ([on(a=True, b=True)], ("b", "a"), (0, 0, 0, 0)),
        ([on(a=True), on(b=True)], ("b", "a"), (0, 0, 0, 0)),
        ([on(a=True, c=True)], ("a",), (1, 0, 0, 0)),
        ([on(c=True)], (), (1, 0, 0, 0)),
        ([on(a=False)], (), (0, 0, 0, 0)),
        ([on()], (), (0, 0, 0, 0)),
        ([on(x=True)], None, (0, 1, 0, 0)),
        ([], None, (0, 1, 0, 0)),
    ],
)
def test_tagging(
    annotations: list[Annotation], concepts: tuple[str, ...] | None, counts: tuple[int, int, int, int]
) -> None:
    found = selector(flat(ViewType.TAGGING), concepts="b a")
    found.add(image(*annotations))
    assert [example.concepts for example in found.examples] == ([] if concepts is None else [concepts])
    assert counted(found) == counts


def test_detection() -> None:
    found = selector(CELLS, concepts="defective")
    found.add(
        image(
            on(LEFT, defective=True, mono=True),
            on(RIGHT, functional=True),
            on([0.1, 0.2, 0.3, 0.4], defective=True, ignore=True),
            on([0, 0, 1, 1], mono=True),
            on(RIGHT, defective=False),
            split=Split.TEST,
        )
    )
    boxes = (Box("defective", 0, 0, 0.5, 1), Box("defective", 0.1, 0.2, 0.3, 0.4, ignore=True))
    assert found.examples == [Example("a", "s3://d/a", Split.TEST, ("defective",), boxes=boxes, group="a")]
    assert counted(found) == (1, 0, 0, 0)


@pytest.mark.parametrize(
    ("annotations", "boxes", "counts"),
    [
        ([on()], 0, (0, 0, 0, 0)),
        ([on(defective=False)], 0, (0, 0, 0, 0)),
        ([on(LEFT, defective=True, ignore=True)], 1, (0, 0, 0, 0)),
        ([on(x=True)], None, (0, 1, 0, 0)),
        ([on(defective=True)], 0, (0, 0, 0, 1)),
        ([on(LEFT, defective=True, functional=True)], 0, (0, 0, 0, 1)),
        ([on([0, 0, 2, 1], defective=True)], 0, (0, 0, 0, 1)),
    ],
)
def test_detection_without_a_box_to_train_on(
    annotations: list[Annotation], boxes: int | None, counts: tuple[int, int, int, int]
) -> None:
    found = selector(CELLS, concepts="defective functional")
    found.add(image(*annotations))
    assert [len(example.boxes) for example in found.examples] == ([] if boxes is None else [boxes])
    assert all(example.concepts == () for example in found.examples)
    assert counted(found) == counts


KIND = Level("kind", ViewType.CLASSIFICATION, frozenset(("mono", "poly")), ((("defective", True),),))
MARKS = Level("marks", ViewType.TAGGING, frozenset(("crack", "dust")), ((("poly", True),),))


def test_each_region_that_meets_the_conditions_is_an_example() -> None:
    found = selector(CELLS, KIND, concepts="poly mono")
    found.add(
        image(
            on(),
            on(LEFT, defective=True, mono=True),
            on([0, 0, 1, 1], functional=True, poly=True),
            on(RIGHT, defective=True, poly=True),
            on(RIGHT, defective=True),
            on(RIGHT, mono=True),
            on(RIGHT, defective=True, mono=True, ignore=True),
        )
    )
    assert found.examples == [
        Example("a#0", "s3://d/a", Split.TRAIN, ("mono",), region=Region(0, 0, 0.5, 1), group="a"),
        Example("a#2", "s3://d/a", Split.TRAIN, ("poly",), region=Region(0.5, 0, 1, 1), group="a"),
    ]
    assert counted(found) == (0, 1, 1, 0)


def test_conditions_hold_through_every_level_and_crops_are_of_the_picture() -> None:
    found = selector(CELLS, KIND, MARKS, concepts="crack dust")
    found.add(
        image(
            on(LEFT, defective=True, poly=True, crack=True, dust=True),
            on(RIGHT, defective=True, poly=True, dust=False),
            on(RIGHT, defective=True, mono=True, crack=True),
            on(RIGHT, functional=True, poly=True, crack=True),
            on(RIGHT, defective=True, poly=True),
        )
    )
    assert [(example.id, example.concepts, example.region) for example in found.examples] == [
        ("a#0", ("crack", "dust"), Region(0, 0, 0.5, 1)),
        ("a#1", (), Region(0.5, 0, 1, 1)),
    ]
    assert counted(found) == (0, 1, 2, 0)


def test_a_child_of_tagging_selects_images() -> None:
    scene = Level("scene", ViewType.TAGGING, frozenset(("roof", "field")))
    child = flat(ViewType.CLASSIFICATION, "a b", conditions=((("roof", True),), (("field", False), ("roof", False))))
    found = selector(scene, child, concepts="a b")
    for name, annotations in {
        "roof": [on(roof=True), on(a=True)],
        "field": [on(field=True), on(a=True)],
        "neither": [on(field=False, b=True)],
        "unseen": [on(a=True)],
        "unanswered": [on(roof=True)],
    }.items():
        found.add(image(*annotations, name=name, where=name))
    assert [(example.id, example.concepts) for example in found.examples] == [("roof", ("a",)), ("neither", ("b",))]
    assert counted(found) == (0, 2, 1, 0)


def test_detection_under_tagging_has_the_boxes_of_chosen_images() -> None:
    scene = Level("scene", ViewType.TAGGING, frozenset(("roof",)))
    cells = Level("cells", ViewType.DETECTION, frozenset(("cell",)), ((("roof", True),),))
    found = selector(scene, cells, concepts="cell")
    found.add(image(on(roof=True), on(LEFT, cell=True), name="chosen"))
    found.add(image(on(roof=False), on(LEFT, cell=True), name="other"))
    assert [(example.id, len(example.boxes)) for example in found.examples] == [("chosen", 1)]
    assert counted(found) == (0, 0, 1, 0)


def test_errors_are_named_with_their_place() -> None:
    found = selector(CELLS, KIND, concepts="mono poly")
    found.add(image(on([0, 0, 1.5, 1], defective=True, mono=True), on(LEFT, defective=True, mono=True, poly=True)))
    found.add(image(name="b", where="line 3"))
    found.add(image(name="b", where="line 9"))
    assert found.errors.named == [
        "line 2: a#0: its bbox [0, 0, 1.5, 1] reaches beyond the picture, whose sides are 0 and 1",
        "line 2: a#1 has two concepts, mono and poly",
        "line 9: b stands in line 3 already",
    ]


@pytest.mark.parametrize(
    ("bbox", "region"),
    [
        ([0, 0, 1, 1], Region(0, 0, 1, 1)),
        ((0.25, 0.5, 0.75, 0.875), Region(0.25, 0.5, 0.75, 0.875)),
        ([-0.001, 0, 1.001, 1], Region(0, 0, 1, 1)),
    ],
)
def test_boxes(bbox: object, region: Region) -> None:
    assert region_of(bbox) == region


@pytest.mark.parametrize(
    ("bbox", "words"),
    [
        ([0, 0, 1], "is not [left, top, right, bottom], four numbers"),
        ({"x": 0}, "is not [left, top, right, bottom], four numbers"),
        ([0, 0, "1", 1], "is not [left, top, right, bottom], four numbers"),
        ([0, 0, True, 1], "is not [left, top, right, bottom], four numbers"),
        ([0, 0, math.nan, 1], "is not [left, top, right, bottom], four numbers"),
        ([0, 0, 10**400, 1], "is not [left, top, right, bottom], four numbers"),
        ([0, 0, 1.002, 1], "[0, 0, 1.002, 1] reaches beyond the picture"),
        ([0, -0.002, 1, 1], "[0, -0.002, 1, 1] reaches beyond the picture"),
        ([0.5, 0, 0.5, 1], "[0.5, 0, 0.5, 1] is empty; left must be less than right"),
        ([0, 0.7, 1, 0.2], "[0, 0.7, 1, 0.2] is empty"),
        ([-0.001, 0, -0.0005, 1], "[-0.001, 0, -0.0005, 1] is empty"),
    ],
)
def test_broken_boxes(bbox: object, words: str) -> None:
    with pytest.raises(BrokenBoxError) as error:
        region_of(bbox)
    assert str(error.value).startswith(words)
