"""Images that hold none of the concepts, for training only: `datasetOptions.negatives`. Pure but for the listing."""

import hashlib
import heapq
from collections.abc import Iterable, Set
from dataclasses import dataclass
from typing import Final

from tintype_trainer.datasets.dataset import Example, Split
from tintype_trainer.datasets.folders import is_picture
from tintype_trainer.storage import ObjectInfo, relative_path

PREFIX: Final = "negative:"
"""Stands before the path of a negative in its id, so that it cannot be that of an example of the data set."""


@dataclass(frozen=True, slots=True)
class DrawnNegatives:
    """What was drawn.

    Attributes:
        examples: The negatives, in the order of their ids.
        available: The pictures that could be drawn.
        in_dataset: The pictures that could not, since the data set has them as well.
    """

    examples: tuple[Example, ...]
    available: int
    in_dataset: int


def draw_negatives(
    objects: Iterable[ObjectInfo], prefix: str, count: int, seed: int, dataset_uris: Set[str]
) -> DrawnNegatives:
    """Draw from the pictures below a prefix; which are drawn depends on seed and paths alone, by the order of a hash.

    Args:
        objects: The listing of the prefix, in any order.
        prefix: Its URI, with the final slash.
        count: How many are drawn; all where there are fewer.
        seed: Seed of the drawing.
        dataset_uris: The pictures of the data set, which says better than a folder what holds of them.
    """
    available = in_dataset = 0

    def ranked() -> Iterable[tuple[bytes, str, str]]:
        nonlocal available, in_dataset
        for found in objects:
            path = relative_path(prefix, found.uri)
            if not is_picture(path):
                continue
            if found.uri in dataset_uris:
                in_dataset += 1
                continue
            available += 1
            yield hashlib.sha256(f"negatives\0{seed}\0{path}".encode()).digest(), path, found.uri

    drawn = heapq.nsmallest(count, ranked())
    examples = tuple(_negative(path, uri) for path, uri in sorted((path, uri) for _, path, uri in drawn))
    return DrawnNegatives(examples, available, in_dataset)


def _negative(path: str, uri: str) -> Example:
    name = PREFIX + path
    return Example(name, uri, Split.TRAIN, (), group=name, negative=True)
