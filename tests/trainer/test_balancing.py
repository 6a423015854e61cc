"""Balancing: against a plain reading of its definition, and what it promises."""

import math
import random
import time
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tintype_trainer.datasets.balancing import balance

LABELS = st.lists(st.lists(st.sampled_from("abcd"), min_size=1, max_size=4), min_size=1, max_size=9)


def entropy(labels: Sequence[Sequence[str]]) -> float:
    counts = Counter(label for own in labels for label in own)
    return -sum(count / counts.total() * math.log(count / counts.total()) for count in counts.values())


def expanded(labels: Sequence[Sequence[str]], repeats: Sequence[int]) -> list[Sequence[str]]:
    return [own for own, times in zip(labels, repeats, strict=True) for _ in range(1 + times)]


def plain(labels: Sequence[Sequence[str]], ratio: float) -> list[int]:
    """Do what the definition says, step by step."""
    repeats = [0] * len(labels)
    while len(labels) + sum(repeats) + 1 <= ratio * len(labels) + 1e-9:
        now = expanded(labels, repeats)
        counts = Counter(label for own in now for label in own)
        for times in sorted(set(repeats)):
            members = [index for index in range(len(labels)) if repeats[index] == times]
            rarity = {
                index: sum(-math.log(counts[label] / counts.total()) for label in labels[index]) / len(labels[index])
                for index in members
            }
            raising = [index for index in members if entropy([*now, labels[index]]) - entropy(now) > 1e-11]
            if raising:
                best = max(rarity[index] for index in raising)
                repeats[next(index for index in raising if rarity[index] > best - 1e-9)] += 1
                break
        else:
            return repeats
    return repeats


@given(LABELS, st.sampled_from([1.0, 1.5, 2.0, 3.3, 10.0]))
def test_it_is_what_the_definition_says(labels: list[list[str]], ratio: float) -> None:
    found, expected = balance(labels, ratio), plain(labels, ratio)
    # Ties between sums of logarithms in another order may fall otherwise; the kinds that are repeated are the same.
    assert Counter(map(tuple, map(sorted, expanded(labels, found)))) == Counter(
        map(tuple, map(sorted, expanded(labels, expected)))
    )


@given(LABELS, st.floats(1, 6))
def test_never_longer_than_told_nor_less_even(labels: list[list[str]], ratio: float) -> None:
    repeats = balance(labels, ratio)
    assert min(repeats) >= 0
    assert len(labels) + sum(repeats) <= ratio * len(labels) + 1e-6
    assert entropy(expanded(labels, repeats)) >= entropy(labels) - 1e-12


@given(LABELS, st.randoms(use_true_random=False))
def test_equal_examples_are_repeated_in_turn_the_first_first(labels: list[list[str]], rng: random.Random) -> None:
    repeats = balance(labels, 4)
    by_kind: dict[tuple[str, ...], list[int]] = {}
    for own, times in zip(labels, repeats, strict=True):
        by_kind.setdefault(tuple(sorted(own)), []).append(times)
    for times in by_kind.values():
        assert max(times) - min(times) <= 1
        assert times == sorted(times, reverse=True)


@pytest.mark.parametrize(
    ("labels", "ratio", "expected"),
    [
        ([["a"], ["b"]], 2, [0, 0]),
        ([["a"]] * 3 + [["b"]], 2, [0, 0, 0, 2]),
        ([["a"]] * 5 + [["b"]], 100, [0] * 5 + [4]),
        ([["a"]] * 4 + [["b"]] * 2, 2, [0] * 4 + [1, 1]),
        ([["a"]] * 10 + [["b"]], 1.5, [0] * 10 + [5]),
        ([["a"]] * 10 + [["b"]], 1, [0] * 11),
        ([["a"]] * 3, 5, [0, 0, 0]),
        ([["a", "a", "b"], ["b", "a"], ["a"]], 2, [0, 3, 0]),
        ([], 2, []),
    ],
)
def test_by_hand(labels: list[list[str]], ratio: float, expected: list[int]) -> None:
    assert balance(labels, ratio) == expected


def test_a_hundred_thousand_examples_take_seconds() -> None:
    rng = random.Random(0)
    shares = [1 / (1 + label) for label in range(80)]
    labels = [tuple(rng.choices(range(80), shares, k=rng.randint(1, 3))) for _ in range(100_000)]
    start = time.process_time()
    repeats = balance(labels, 2)
    assert sum(repeats) > 10_000
    assert time.process_time() - start < 30
