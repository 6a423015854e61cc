"""Which examples are set aside for validation and test. Pure.

A split that the spec asks for replaces the file's split of that name: what the file marks so is training first, and
the split is drawn from all training examples, test before validation. A split that the spec does not name stays as
the file says. So `dataset.validation: {fraction: 0.2}` on a file with val and test marks draws from its train and
val images and leaves its test images alone.

An example has one concept, so the iterative stratification of Sechidis et al. (2011) comes down to a share of each
concept: its quota rounded down or up, such that the whole comes out right (largest remainder). The last training
example of a concept is never drawn.

Which examples are drawn depends on seed, split and example id alone, by the order of a hash: neither on the order of
the data set nor on the machine, and new examples move few of the old ones.
"""

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from tintype_api.errors import invalid_spec
from tintype_api.spec import dataset as spec
from tintype_trainer.dataset import Example, Split


def apply_splits(
    examples: Sequence[Example], *, validation: spec.Split | None, test: spec.Split | None
) -> tuple[Example, ...]:
    """Return the examples with the splits that the spec asks for, in the same order.

    Args:
        examples: The examples with the splits of the file.
        validation: `dataset.validation`; None: as the file says.
        test: `dataset.test`, likewise.

    Raises:
        UserError: exit 64 where a split would be empty or would leave nothing to train on.
    """
    asked = {Split.TEST: test, Split.VALIDATION: validation}
    dissolved = tuple(
        replace(example, split=Split.TRAIN) if asked.get(example.split) else example for example in examples
    )
    for name, settings in asked.items():
        if settings is not None:
            dissolved = _draw(dissolved, name, settings)
    return dissolved


def _draw(examples: tuple[Example, ...], name: Split, settings: spec.Split) -> tuple[Example, ...]:
    pool: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        if example.split is Split.TRAIN:
            pool[example.concepts[0]].append(example)
    sizes = apportion(
        _total(len(examples), name, settings),
        shares=Counter(example.concepts[0] for example in examples),
        limits={concept: len(members) - 1 for concept, members in pool.items()},
    )
    if sizes is None:
        raise invalid_spec(
            f"dataset.{name}: {_shown(settings)} of {len(examples)} examples leaves too few for training; make it less"
        )
    drawn = {
        example.id for concept, size in sizes.items() for example in _first(pool[concept], size, name, settings.seed)
    }
    return tuple(replace(example, split=name) if example.id in drawn else example for example in examples)


def apportion(total: int, *, shares: Mapping[str, int], limits: Mapping[str, int]) -> dict[str, int] | None:
    """Return how many of `total` fall to each name, in proportion to its share, by largest remainder.

    Args:
        total: The number to be apportioned.
        shares: Share of each name, as a count.
        limits: The most that a name can take; a name that is missing takes nothing.

    Returns:
        The number for each name, its quota rounded down or up or else its limit; None where the limits leave a rest.
    """
    whole = sum(shares.values())
    quotas = {name: total * share / whole for name, share in shares.items()}
    sizes = {name: min(math.floor(quota), limits.get(name, 0)) for name, quota in quotas.items()}
    by_remainder = sorted(quotas, key=lambda name: (math.floor(quotas[name]) - quotas[name], name))
    open_to_more = [
        name for name in by_remainder if sizes[name] == math.floor(quotas[name]) and sizes[name] < limits.get(name, 0)
    ]
    rest = total - sum(sizes.values())
    if rest > len(open_to_more):
        return None
    return sizes | {name: sizes[name] + 1 for name in open_to_more[:rest]}


def _total(examples: int, name: Split, settings: spec.Split) -> int:
    if settings.count is not None:
        return settings.count
    assert settings.fraction is not None, "a split has exactly one of fraction and count"
    total = math.floor(settings.fraction * examples + 0.5)
    if total == 0:
        raise invalid_spec(f"dataset.{name}: {_shown(settings)} of {examples} examples is not one; make it more")
    return total


def _first(examples: Sequence[Example], size: int, name: Split, seed: int) -> Sequence[Example]:
    def rank(example: Example) -> bytes:
        return hashlib.sha256(f"{name}\0{seed}\0{example.id}".encode()).digest()

    return sorted(examples, key=rank)[:size]


def _shown(settings: spec.Split) -> str:
    return f"count {settings.count}" if settings.count is not None else f"fraction {settings.fraction}"
