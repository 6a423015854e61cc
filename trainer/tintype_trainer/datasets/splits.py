"""Which examples are set aside for validation and test. Pure.

A split that the spec asks for replaces the file's split of that name: what the file marks so is training first, and
the split is drawn from all training examples, test before validation. A split that the spec does not name stays as
the file says. So `dataset.validation: {fraction: 0.2}` on a file with val and test marks draws from its train and
val images and leaves its test images alone.

Each concept has its share, by iterative stratification; in Detection an image has the concepts of its boxes. Examples
of one group fall to one side, so that the size is as near to what was asked for as the groups allow. The last training
group of a concept is never drawn.

Which groups are drawn depends on seed, split and the groups' names and concepts alone, by the order of a hash: neither
on the order of the data set nor on the machine, and new examples move few of the old ones.
"""

import hashlib
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from tintype_api.errors import UserError, invalid_spec
from tintype_api.spec import dataset as spec
from tintype_trainer.datasets.dataset import Example, Split
from tintype_trainer.datasets.stratification import Group, draw

WITHOUT_CONCEPT = ""
"""Stands for the label of examples that no concept holds of; no concept has this name."""


def apply_splits(
    examples: Sequence[Example], *, validation: spec.Split | None, test: spec.Split | None
) -> tuple[Example, ...]:
    """Return the examples with the splits that the spec asks for, in the same order.

    Args:
        examples: The examples with the splits of the file, or of the second files that the spec names.
        validation: `dataset.validation`; None: as the file says.
        test: `dataset.test`, likewise.

    Raises:
        UserError: exit 64 where a split would be empty or would leave nothing to train on.
    """
    asked = {Split.TEST: _drawn(test), Split.VALIDATION: _drawn(validation)}
    dissolved = tuple(
        replace(example, split=Split.TRAIN) if asked.get(example.split) else example for example in examples
    )
    for name, settings in asked.items():
        if settings is not None:
            dissolved = _draw(dissolved, name, settings)
    return dissolved


def _drawn(settings: spec.Split | None) -> spec.Split | None:
    return settings if settings is not None and settings.is_drawn else None


def _draw(examples: tuple[Example, ...], name: Split, settings: spec.Split) -> tuple[Example, ...]:
    pool: dict[str, list[Example]] = {}
    for example in examples:
        if example.split is Split.TRAIN:
            pool.setdefault(example.group or example.id, []).append(example)
    total = _total(len(examples), name, settings)
    counts = Counter(label for example in examples for label in _labels(example))
    numbers = {label: number for number, label in enumerate(sorted(counts))}
    names = sorted(pool, key=lambda group: _rank(group, name, settings.seed))
    drawn = draw(
        [_group(pool[group], numbers) for group in names],
        [total * counts[label] / len(examples) for label in numbers],
        total,
        [label != WITHOUT_CONCEPT for label in numbers],
    )
    chosen = {group for group, is_drawn in zip(names, drawn, strict=True) if is_drawn}
    _check(sum(len(pool[group]) for group in chosen), total, pool, chosen, _said(name, settings, len(examples)))
    return tuple(
        replace(example, split=name)
        if example.split is Split.TRAIN and (example.group or example.id) in chosen
        else example
        for example in examples
    )


def _labels(example: Example) -> tuple[str, ...]:
    return example.concepts or (WITHOUT_CONCEPT,)


def _group(members: Sequence[Example], numbers: dict[str, int]) -> Group:
    counts = Counter(numbers[label] for member in members for label in _labels(member))
    return Group(len(members), tuple(sorted(counts.items())))


def _check(found: int, total: int, pool: dict[str, list[Example]], chosen: set[str], said: str) -> None:
    in_groups = any(len(members) > 1 for members in pool.values())
    if len(chosen) == len(pool) or not found or (found < total and not in_groups):
        raise _too_few(said, groups=len(pool) if in_groups else None)


def _too_few(said: str, *, groups: int | None) -> UserError:
    if groups is None:
        return invalid_spec(f"{said} leaves too few for training; make it less")
    return invalid_spec(
        f"{said}, in {groups} groups that stay together, cannot be set aside; change it or dataset.groupBy"
    )


def _total(examples: int, name: Split, settings: spec.Split) -> int:
    if settings.count is not None:
        return settings.count
    assert settings.fraction is not None, "a split that is drawn has a fraction or a count"
    total = math.floor(settings.fraction * examples + 0.5)
    if total == 0:
        raise invalid_spec(f"{_said(name, settings, examples)} is not one; make it more")
    return total


def _rank(group: str, name: Split, seed: int) -> bytes:
    return hashlib.sha256(f"{name}\0{seed}\0{group}".encode()).digest()


def _said(name: Split, settings: spec.Split, examples: int) -> str:
    shown = f"count {settings.count}" if settings.count is not None else f"fraction {settings.fraction}"
    return f"dataset.{name}: {shown} of {examples} examples"
