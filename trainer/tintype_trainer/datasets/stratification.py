"""Draws a part of grouped, labelled examples such that each label has its share of it. Pure.

Iterative stratification (Sechidis, Tsoumakas and Vlahavas 2011) for two parts: the label with the fewest groups left
goes first, and each of its groups falls to a part by how many examples of the label that part still lacks. With two
parts, "to the part that lacks most" and "to the drawn part until it lacks none" give each label the same numbers; the
second, in a fixed order of the groups, keeps old groups where they were when new ones come. No label at all is a label,
too. At the end the size is made right by the groups that disturb the labels least.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_ROUNDS = 256


@dataclass(frozen=True, slots=True)
class Group:
    """Examples that stay together.

    Attributes:
        size: How many they are.
        labels: Pairs of a label's number and how many of the examples have it; every example has one at least.
    """

    size: int
    labels: tuple[tuple[int, int], ...]


def draw(groups: Sequence[Group], wanted: Sequence[float], total: int, kept: Sequence[bool]) -> list[bool]:
    """Return for each group whether it is drawn.

    Args:
        groups: In the order in which equal ones are drawn.
        wanted: How many examples of each label are wanted.
        total: How many examples are wanted.
        kept: Labels of which one group at least must not be drawn.

    Returns:
        As near to `wanted` as groups allow, and as near to `total`: exactly where each group is one example and `kept`
        leaves so many.
    """
    drawing = _Drawing(groups, wanted, total, kept)
    drawing.draw_by_label()
    drawing.make_size_right()
    return drawing.drawn.tolist()


class _Drawing:
    """Groups as rows of a sparse matrix: row i has the labels `_labels[a:b]` with counts `_counts[a:b]`."""

    def __init__(self, groups: Sequence[Group], wanted: Sequence[float], total: int, kept: Sequence[bool]) -> None:
        lengths = np.array([len(group.labels) for group in groups], dtype=np.int64)
        self._starts = np.concatenate(([0], np.cumsum(lengths)))
        self._labels = np.array([label for group in groups for label, _ in group.labels], dtype=np.int64)
        self._counts = np.array([count for group in groups for _, count in group.labels], dtype=np.float64)
        self._sizes = np.array([group.size for group in groups], dtype=np.int64)
        self._lacking = np.array(wanted, dtype=np.float64)
        self._missing = total
        self._undrawn = np.bincount(self._labels, minlength=len(wanted))
        self._smallest = np.array(kept, dtype=np.int64)
        self.drawn = np.zeros(len(groups), dtype=np.bool_)

    def draw_by_label(self) -> None:
        by_label = np.split(
            np.repeat(np.arange(len(self._sizes)), np.diff(self._starts))[np.argsort(self._labels, kind="stable")],
            np.cumsum(np.bincount(self._labels, minlength=len(self._lacking)))[:-1],
        )
        open_groups = np.ones(len(self._sizes), dtype=np.bool_)
        left = self._undrawn.copy()
        while left.any():
            label = int(np.argmin(np.where(left > 0, left, left.max() + 1)))
            for group in by_label[label][open_groups[by_label[label]]].tolist():
                row = slice(self._starts[group], self._starts[group + 1])
                left[self._labels[row]] -= 1
                count = float(self._counts[row][self._labels[row] == label][0])
                if self._lacking[label] >= count / 2 and self._may_draw(group):
                    self._move(group, to_drawn=True)
            open_groups[by_label[label]] = False

    def make_size_right(self) -> None:
        for _ in range(4 * _ROUNDS):
            if self._missing == 0:
                return
            to_drawn = self._missing > 0
            chosen = self._least_disturbing(to_drawn=to_drawn)
            if not chosen:
                return
            for group in chosen:
                if not to_drawn or self._may_draw(group):
                    self._move(group, to_drawn=to_drawn)

    def _least_disturbing(self, *, to_drawn: bool) -> list[int]:
        """Return groups whose move brings the size nearer and raises the squared lack of labels least."""
        change = self._counts * self._counts + self._counts * (2 if not to_drawn else -2) * self._lacking[self._labels]
        cost = np.add.reduceat(change, self._starts[:-1])
        movable = (self.drawn != to_drawn) & (np.abs(abs(self._missing) - self._sizes) < abs(self._missing))
        if to_drawn:
            stays = self._undrawn[self._labels] > self._smallest[self._labels]
            movable &= np.logical_and.reduceat(stays, self._starts[:-1])
        (candidates,) = np.nonzero(movable)
        smallest = int(self._sizes[candidates].min(initial=1))
        at_once = max(1, abs(self._missing) // (_ROUNDS * max(smallest, 1)))
        order = candidates[np.argsort(cost[candidates], kind="stable")[:at_once]]
        return [int(group) for group in order]

    def _may_draw(self, group: int) -> bool:
        labels = self._labels[self._starts[group] : self._starts[group + 1]]
        return bool((self._undrawn[labels] > self._smallest[labels]).all())

    def _move(self, group: int, *, to_drawn: bool) -> None:
        row = slice(self._starts[group], self._starts[group + 1])
        sign = 1 if to_drawn else -1
        self._lacking[self._labels[row]] -= sign * self._counts[row]
        self._undrawn[self._labels[row]] -= sign
        self._missing -= sign * int(self._sizes[group])
        self.drawn[group] = to_drawn
