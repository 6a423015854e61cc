"""Pairwise combinations: few cases in which any two values of any two factors meet, as far as they may."""

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations, product
from random import Random
from typing import TypeAlias

Row: TypeAlias = dict[str, int]
"""For each factor the place of its value; place 0 is the default."""
Pair: TypeAlias = frozenset[tuple[str, int]]


def pairwise(
    values: Mapping[str, int], may_be: Callable[[Row], bool], anchors: Sequence[str], seed: int = 0
) -> tuple[list[Row], set[Pair]]:
    """Return rows that hold each pair of values at least once, and the pairs that no row can hold.

    Each row starts from a pair that is not covered yet and takes, factor by factor, the value that covers most of what
    is left.

    Args:
        values: How many values each factor has.
        may_be: Whether a row is allowed.
        anchors: Factors on which it depends what is allowed: a pair counts as impossible when no choice of their values
            allows it with the defaults of all others.
        seed: Of the order in which factors are filled.
    """
    random = Random(seed)
    left = {
        _pair((one, i), (other, j))
        for one, other in combinations(values, 2)
        for i, j in product(range(values[one]), range(values[other]))
    }
    rows: list[Row] = []
    impossible: set[Pair] = set()
    for pair in sorted(left, key=sorted):
        if pair not in left:
            continue
        row = _anchored(dict(pair), values, may_be, anchors, random)
        if row is None:
            impossible.add(pair)
            left.discard(pair)
            continue
        _fill(row, {*dict(pair), *anchors}, values, may_be, left, random)
        left -= _pairs(row)
        rows.append(row)
    return rows, impossible


def _anchored(
    given: Row, values: Mapping[str, int], may_be: Callable[[Row], bool], anchors: Sequence[str], random: Random
) -> Row | None:
    choices = list(product(*([given[name]] if name in given else range(values[name]) for name in anchors)))
    for choice in random.sample(choices, len(choices)):
        row = dict.fromkeys(values, 0) | dict(zip(anchors, choice, strict=True)) | given
        if may_be(row):
            return row
    return None


def _fill(
    row: Row, fixed: set[str], values: Mapping[str, int], may_be: Callable[[Row], bool], left: set[Pair], random: Random
) -> None:
    filled = set(fixed)
    for name in random.sample([name for name in values if name not in fixed], len(values) - len(fixed)):

        def gain(place: int, name: str = name) -> int:
            return sum(_pair((name, place), (other, row[other])) in left for other in filled)

        places = random.sample(range(values[name]), values[name])
        for place in sorted(places, key=gain, reverse=True):
            if may_be(row | {name: place}):
                row[name] = place
                break
        filled.add(name)


def _pairs(row: Row) -> set[Pair]:
    return {_pair(one, other) for one, other in combinations(row.items(), 2)}


def _pair(one: tuple[str, int], other: tuple[str, int]) -> Pair:
    return frozenset((one, other))
