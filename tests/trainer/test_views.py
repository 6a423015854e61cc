"""Trees of views in the header, the path down to the spec's view, and conditions."""

from collections.abc import Mapping
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.pictures import json_lines
from tintype_api.constants import ExitCode
from tintype_api.errors import UserError
from tintype_api.spec.view import View, ViewType
from tintype_trainer.datasets.studio import open_studio
from tintype_trainer.datasets.views import Conditions, ViewPath, meets, path_of_spec, same_conditions

URI = "s3://data/modules.jsonl"
DEFECTIVE = [[{"concept": "defective", "holds": True}]]


def entry(name: str, type_: str, concepts: str, **more: object) -> dict[str, Any]:
    return {"name": name, "type": type_, "concepts": concepts.split()} | more


NESTED = {
    "views": [
        entry("scene", "Tagging", "roof field"),
        entry(
            "cells",
            "Detection",
            "functional defective",
            children=[
                entry(
                    "kind",
                    "Classification",
                    "mono poly",
                    conditions=DEFECTIVE,
                    children=[entry("marks", "Tagging", "crack dust", conditions=[[{"concept": "poly"}]])],
                )
            ],
        ),
    ]
}
FLAT = {
    "views": [
        entry("marks", "Tagging", "crack dust", parent="kind", conditions=[[{"concept": "poly", "holds": True}]]),
        entry("kind", "Classification", "mono poly", parent="cells", conditions=DEFECTIVE),
        entry("scene", "Tagging", "roof field", conditions=[]),
        entry("cells", "Detection", "functional defective", parent=None, conditions=None),
    ]
}


def view(name: str, type_: str, **more: object) -> View:
    return View.model_validate({"name": name, "type": type_} | more)


def path(header: Mapping[str, Any], of: View) -> ViewPath:
    concepts = {"marks": ["crack"], "kind": ["mono"], "cells": ["defective"], "scene": ["roof"]}[of.name]
    return open_studio(json_lines(header).split(b"\n"), of, concepts, URI).path


@pytest.mark.parametrize("header", [NESTED, FLAT])
def test_nested_and_flat_headers_say_the_same(header: Mapping[str, Any]) -> None:
    found = path(header, view("marks", "Tagging"))
    assert [(level.name, level.type, level.conditions) for level in found.levels] == [
        ("cells", ViewType.DETECTION, ()),
        ("kind", ViewType.CLASSIFICATION, ((("defective", True),),)),
        ("marks", ViewType.TAGGING, ((("poly", True),),)),
    ]
    assert found.view.concepts == {"crack", "dust"}
    assert [level.name for level in found.of_images] == ["cells"]
    assert [level.name for level in found.of_regions] == ["kind", "marks"]


def test_a_view_of_images_has_no_regions() -> None:
    for found in (path(NESTED, view("cells", "Detection")), path(NESTED, view("scene", "Tagging"))):
        assert found.of_images == found.levels
        assert found.of_regions == ()


CELLS = {"name": "cells", "type": "Detection"}


@pytest.mark.parametrize(
    "written",
    [
        {},
        {"parent": CELLS},
        {"conditions": DEFECTIVE},
        {"parent": CELLS, "conditions": [[{"concept": "defective"}], [{"concept": "defective", "holds": True}]]},
    ],
)
def test_what_the_spec_writes_out_may_agree_with_the_header(written: dict[str, Any]) -> None:
    assert path(NESTED, view("kind", "Classification", **written)) == path(NESTED, view("kind", "Classification"))


@pytest.mark.parametrize(
    ("of", "words"),
    [
        (view("kind", "Tagging"), f"view.type: Tagging, but {URI} says Classification; make them agree"),
        (
            view("kind", "Classification", parent={"name": "scene", "type": "Tagging"}),
            f'view.parent: "scene", but {URI} says "cells"; correct or remove it',
        ),
        (
            view("kind", "Classification", parent={"name": "cells", "type": "Tagging"}),
            f"view.parent.type: Tagging, but {URI} says Detection; make them agree",
        ),
        (
            view("scene", "Tagging", parent=CELLS),
            f'view.parent: "cells", but {URI} says that it has none; correct or remove it',
        ),
        (
            view("kind", "Classification", conditions=[[{"concept": "defective", "holds": False}]]),
            f'view.conditions: not those of {URI}, which are [[{{"concept": "defective", "holds": true}}]]; correct or',
        ),
        (
            view("cells", "Detection", conditions=DEFECTIVE),
            f"view.conditions: not those of {URI}, which are none; correct or remove them",
        ),
    ],
)
def test_a_spec_that_differs_from_the_header(of: View, words: str) -> None:
    with pytest.raises(UserError) as error:
        path(NESTED, of)
    assert error.value.exit_code == ExitCode.SPEC
    assert error.value.message.startswith(words)


def test_detection_under_detection_at_any_level_is_refused() -> None:
    inner = entry("cells", "Detection", "defective")
    header = {"views": [entry("modules", "Detection", "m", children=[entry("x", "Tagging", "t", children=[inner])])]}
    with pytest.raises(UserError, match='view "cells" stands under another, "modules", which is not trained') as error:
        path(header, view("cells", "Detection"))
    assert error.value.exit_code == ExitCode.SPEC


@pytest.mark.parametrize(
    ("views", "words"),
    [
        ([entry("scene", "Tagging", "roof", parent="a")], 'has the view "scene" below "a", which it has not'),
        (
            [entry("scene", "Tagging", "roof", parent="b"), entry("b", "Tagging", "c", parent="scene")],
            'has the view "scene" below itself; correct its parent',
        ),
        ([entry("scene", "Tagging", "roof")] * 2, 'has two views "scene"; rename one'),
        (
            [entry("a", "Tagging", "b", children=[entry("scene", "Tagging", "roof", parent="c")])],
            'has the view "scene" among the children of another than its parent',
        ),
        (
            [entry("a", "Text", "b", children=[entry("scene", "Tagging", "roof")])],
            'has the view "a" of the type "Text"; types are Classification, Tagging, Detection',
        ),
        ([entry("scene", "Tagging", "roof", conditions=DEFECTIVE)], 'has conditions of the view "scene", which stands'),
        (
            [entry("a", "Tagging", "b", children=[entry("scene", "Tagging", "roof", conditions=DEFECTIVE)])],
            'has a condition of the view "scene" on "defective", which is no concept of "a"; correct it',
        ),
        ([entry("scene", "Tagging", "roof", conditions=DEFECTIVE[0])], 'must have lists of conditions in "conditions"'),
        ([entry("scene", "Tagging", "roof", conditions=[[]])], 'must have lists of conditions in "conditions"'),
        ([entry("scene", "Tagging", "roof", conditions=[["a"]])], 'must have objects with "concept" and "holds" in'),
        (
            [entry("scene", "Tagging", "roof", conditions=[[{"concept": "a", "holds": 1}]])],
            'must have true or false as "holds" in "conditions"',
        ),
    ],
)
def test_a_header_that_is_no_tree(views: list[Any], words: str) -> None:
    with pytest.raises(UserError) as error:
        path({"views": views}, view("scene", "Tagging"))
    assert error.value.exit_code == ExitCode.DATA
    assert error.value.message.startswith(f"{URI}: line 1 {words}")


HOLDS = st.dictionaries(st.sampled_from("abc"), st.booleans())
CONDITIONS = st.lists(
    st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), min_size=1, max_size=3).map(tuple), max_size=3
).map(tuple)


@given(HOLDS, CONDITIONS)
def test_conditions_are_or_of_and(holds: dict[str, bool], conditions: Conditions) -> None:
    true = {concept for concept, value in holds.items() if value}
    expected = not conditions
    for every in conditions:
        needed = {concept for concept, wanted in every if wanted}
        forbidden = {concept for concept, wanted in every if not wanted}
        expected |= needed <= true and not forbidden & true
    assert meets(holds, conditions) is expected


@given(HOLDS, CONDITIONS, st.randoms(use_true_random=False))
def test_equal_conditions_in_another_order_choose_the_same(
    holds: dict[str, bool], conditions: Conditions, rng: Random
) -> None:
    other = tuple(tuple(rng.sample(every, len(every))) for every in rng.sample(conditions, len(conditions)))
    assert same_conditions(conditions, other)
    assert meets(holds, conditions) is meets(holds, other)


def test_without_a_header_the_spec_says_all() -> None:
    child = view("kind", "Classification", parent=CELLS, conditions=DEFECTIVE)
    found = path_of_spec(child, frozenset("ab"), URI)
    assert [(level.name, level.type, level.conditions) for level in found.levels] == [
        ("cells", ViewType.DETECTION, ()),
        ("kind", ViewType.CLASSIFICATION, ((("defective", True),),)),
    ]
    with pytest.raises(UserError, match=r"view\.conditions: .* has no header") as error:
        path_of_spec(view("kind", "Classification", conditions=DEFECTIVE), frozenset("ab"), URI)
    assert error.value.exit_code == ExitCode.SPEC
