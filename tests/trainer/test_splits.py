"""Random splits: sizes, strata, and what they depend on."""

import math
from collections import Counter
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tintype_api.constants import ExitCode
from tintype_api.errors import UserError
from tintype_api.spec import dataset as spec
from tintype_trainer.datasets.dataset import Example, Split
from tintype_trainer.datasets.splits import apply_splits

CONCEPTS = "abcde"


def examples(*counts: int, split: Split = Split.TRAIN, start: int = 0) -> list[Example]:
    return [
        Example(f"{concept}{number}", f"s3://d/{concept}{number}", split, (concept,), group=f"{concept}{number}")
        for concept, count in zip(CONCEPTS, counts, strict=False)
        for number in range(start, start + count)
    ]


def sizes(split_up: tuple[Example, ...], split: Split) -> Counter[str]:
    return Counter(example.concepts[0] for example in split_up if example.split is split)


@given(
    st.lists(st.integers(15, 80), min_size=2, max_size=5),
    st.floats(0.05, 0.4),
    st.floats(0.05, 0.4),
    st.integers(0, 5),
)
def test_each_concept_has_its_share_within_one(counts: list[int], validation: float, test: float, seed: int) -> None:
    whole = examples(*counts)
    split_up = apply_splits(
        whole, validation=spec.Split(fraction=validation, seed=seed), test=spec.Split(fraction=test, seed=seed)
    )
    assert [example.id for example in split_up] == [example.id for example in whole]
    for name, fraction in ((Split.VALIDATION, validation), (Split.TEST, test)):
        table = sizes(split_up, name)
        assert abs(table.total() - fraction * len(whole)) <= 0.5
        assert all(abs(table[c] - fraction * count) <= 1 for c, count in zip(CONCEPTS, counts, strict=False))
    assert set(sizes(split_up, Split.TRAIN)) == set(CONCEPTS[: len(counts)])


@given(st.lists(st.integers(5, 60), min_size=2, max_size=5), st.integers(0, 3), st.randoms(use_true_random=False))
def test_depends_on_seed_and_ids_alone(counts: list[int], seed: int, random: Random) -> None:
    whole = examples(*counts)
    asked = spec.Split(fraction=0.3, seed=seed)
    shuffled = list(whole)
    random.shuffle(shuffled)
    one, other = (
        {example.id: example.split for example in apply_splits(each, validation=asked, test=None)}
        for each in (whole, shuffled)
    )
    assert one == other


def test_another_seed_is_another_split_and_validation_is_not_test() -> None:
    def drawn(seed: int, name: str) -> set[str]:
        asked = spec.Split(fraction=0.2, seed=seed)
        split_up = apply_splits(examples(100, 100), **({"validation": None, "test": None} | {name: asked}))
        return {example.id for example in split_up if example.split is not Split.TRAIN}

    assert len(drawn(0, "validation")) == 40
    assert len(drawn(0, "validation") & drawn(1, "validation")) < 20
    assert len(drawn(0, "validation") & drawn(0, "test")) < 20


def test_is_the_same_on_every_machine_and_for_ever() -> None:
    split_up = apply_splits(examples(10, 5), validation=spec.Split(count=3, seed=7), test=None)
    assert [example.id for example in split_up if example.split is Split.VALIDATION] == ["a5", "a6", "b0"]


def test_more_examples_move_few_of_the_old() -> None:
    asked = spec.Split(fraction=0.2)
    before = {example.id: example.split for example in apply_splits(examples(200, 200), validation=asked, test=None)}
    after = {example.id: example.split for example in apply_splits(examples(220, 210), validation=asked, test=None)}
    assert sum(before[name] is not after[name] for name in before) < 12


FILE = [
    *examples(20, 20),
    *examples(10, 10, split=Split.VALIDATION, start=100),
    *examples(10, 10, split=Split.TEST, start=200),
]


@pytest.mark.parametrize(
    ("validation", "test", "expected"),
    [
        (None, None, {Split.TRAIN: 40, Split.VALIDATION: 20, Split.TEST: 20}),
        (0.1, None, {Split.TRAIN: 52, Split.VALIDATION: 8, Split.TEST: 20}),
        (None, 0.1, {Split.TRAIN: 52, Split.VALIDATION: 20, Split.TEST: 8}),
        (0.1, 0.2, {Split.TRAIN: 56, Split.VALIDATION: 8, Split.TEST: 16}),
    ],
)
def test_a_split_of_the_spec_replaces_the_files(
    validation: float | None, test: float | None, expected: dict[Split, int]
) -> None:
    asked = [fraction and spec.Split(fraction=fraction) for fraction in (validation, test)]
    split_up = apply_splits(FILE, validation=asked[0] or None, test=asked[1] or None)
    assert Counter(example.split for example in split_up) == expected
    if test is None:
        assert {e.id for e in split_up if e.split is Split.TEST} == {e.id for e in FILE if e.split is Split.TEST}


def test_a_count_is_exact() -> None:
    split_up = apply_splits(examples(17, 31, 5), validation=spec.Split(count=11), test=None)
    assert sizes(split_up, Split.VALIDATION) == {"a": 4, "b": 6, "c": 1}


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (spec.Split(count=9), "dataset.validation: count 9 of 10 examples leaves too few for training; make it less"),
        (spec.Split(fraction=0.99), "dataset.validation: fraction 0.99 of 10 examples leaves too few for training"),
        (spec.Split(fraction=0.01), "dataset.validation: fraction 0.01 of 10 examples is not one; make it more"),
    ],
)
def test_a_split_that_cannot_be_had(asked: spec.Split, words: str) -> None:
    with pytest.raises(UserError) as error:
        apply_splits(examples(5, 5), validation=asked, test=None)
    assert error.value.exit_code == ExitCode.SPEC
    assert error.value.message.startswith(words)


def test_the_last_training_example_of_a_concept_stays() -> None:
    split_up = apply_splits(examples(20, 1), validation=spec.Split(fraction=0.5), test=None)
    assert sizes(split_up, Split.TRAIN)["b"] == 1


def tagged(rng: Random, count: int, group_size: int = 1) -> list[Example]:
    """Examples that hold any of five concepts, the first often and the last seldom, or none."""
    shares = (0.5, 0.3, 0.2, 0.1, 0.04)
    return [
        Example(
            f"{number:05}",
            f"s3://d/{number}",
            Split.TRAIN,
            tuple(concept for concept, share in zip(CONCEPTS, shares, strict=True) if rng.random() < share),
            group=f"g{number // group_size}",
        )
        for number in range(count)
    ]


def excess(split_up: tuple[Example, ...], concept: str | None, fraction: float) -> float:
    """Return how many validation examples of a concept, or of none, are too many; negative: too few."""
    holding = [example for example in split_up if (concept in example.concepts if concept else not example.concepts)]
    return sum(example.split is Split.VALIDATION for example in holding) - fraction * len(holding)


@settings(max_examples=25)
@given(st.integers(200, 600), st.floats(0.1, 0.5), st.integers(0, 10_000))
def test_many_labels_have_their_shares(count: int, fraction: float, seed: int) -> None:
    whole = tagged(Random(seed), count)
    split_up = apply_splits(whole, validation=spec.Split(fraction=fraction, seed=seed), test=None)
    assert sum(example.split is Split.VALIDATION for example in split_up) == math.floor(fraction * count + 0.5)
    assert all(abs(excess(split_up, concept, fraction)) <= 3 for concept in (*CONCEPTS, None))


def test_many_labels_have_better_shares_than_by_chance() -> None:
    whole = tagged(Random(0), 2_000)
    split_up = apply_splits(whole, validation=spec.Split(fraction=0.2), test=None)
    chosen = set(Random(1).sample(range(2_000), 400))
    by_chance = tuple(
        replace(example, split=Split.VALIDATION if number in chosen else Split.TRAIN)
        for number, example in enumerate(whole)
    )

    def deviation(split: tuple[Example, ...]) -> float:
        return max(abs(excess(split, concept, 0.2)) for concept in CONCEPTS)

    assert deviation(split_up) < 2
    assert deviation(by_chance) > 5


@settings(max_examples=25)
@given(st.integers(60, 300), st.integers(2, 7), st.floats(0.2, 0.5), st.integers(0, 10_000))
def test_groups_fall_to_one_side_and_the_size_is_near(count: int, size: int, fraction: float, seed: int) -> None:
    whole = tagged(Random(seed), count, group_size=size)
    split_up = apply_splits(whole, validation=spec.Split(fraction=fraction, seed=seed), test=spec.Split(fraction=0.2))
    sides = {(example.group, example.split) for example in split_up}
    assert len(sides) == len({example.group for example in split_up})
    for split, wanted in ((Split.VALIDATION, fraction), (Split.TEST, 0.2)):
        drawn = sum(example.split is split for example in split_up)
        assert abs(drawn - wanted * count) <= size / 2 + 1
    assert {concept for example in whole for concept in example.concepts} == {
        concept for example in split_up if example.split is Split.TRAIN for concept in example.concepts
    }


def test_more_tagged_examples_move_few_of_the_old() -> None:
    whole = tagged(Random(3), 1_100)
    asked = spec.Split(fraction=0.2)
    before = {example.id: example.split for example in apply_splits(whole[:1_000], validation=asked, test=None)}
    after = {example.id: example.split for example in apply_splits(whole, validation=asked, test=None)}
    assert sum(before[name] is not after[name] for name in before) < 80


def test_one_group_cannot_be_split() -> None:
    whole = [replace(example, group="g") for example in examples(5, 5)]
    with pytest.raises(UserError, match=r"in 1 groups that stay together, cannot be set aside") as error:
        apply_splits(whole, validation=spec.Split(fraction=0.5), test=None)
    assert error.value.exit_code == ExitCode.SPEC


def test_a_second_file_is_left_as_it_is() -> None:
    second = spec.Split(uri="s3://data/val.json")
    split_up = apply_splits(FILE, validation=second, test=spec.Split(fraction=0.1))
    assert Counter(example.split for example in split_up) == {Split.TRAIN: 52, Split.VALIDATION: 20, Split.TEST: 8}
