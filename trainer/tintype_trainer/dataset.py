"""The words of a data set: examples, their splits, what was selected, and what was staged. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tintype_api.status import Unreadable


class Split(StrEnum):
    """The set that an example belongs to."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Example:
    """One annotated image.

    Attributes:
        id: Its name within the data set, the same on every machine: `data.file` or `data.url` of a Studio line,
            or `<concept>/<path>` below a prefix.
        uri: Where its bytes are, s3:// or file://.
        concept: The concept that holds of it.
        split: The set that it belongs to.
    """

    id: str
    uri: str
    concept: str
    split: Split


@dataclass(frozen=True, slots=True)
class Selection:
    """The examples that a version is about, in the order of the data set, and what was left out.

    Attributes:
        concepts: The spec's concepts, in its order.
        examples: The examples; every concept has at least one for training.
        not_in_model: Annotated examples left out since their concept is not in the spec.
        not_annotated: Images without an annotation for the view.
    """

    concepts: tuple[str, ...]
    examples: tuple[Example, ...]
    not_in_model: int
    not_annotated: int


@dataclass(frozen=True, slots=True)
class StagedExample:
    """An example whose picture is on this machine and was decoded once.

    Attributes:
        example: The example.
        path: The picture's local file.
        sha256: sha256 of the file, hexadecimal.
        width: Width in pixels as stored, before any EXIF rotation.
        height: Height in pixels, likewise.
    """

    example: Example
    path: Path
    sha256: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Staged:
    """A selection after staging.

    Attributes:
        selection: The selection as it was before.
        examples: The readable examples, in the selection's order.
        unreadable: How many were left out since they are missing or no pictures, and the first five.
    """

    selection: Selection
    examples: tuple[StagedExample, ...]
    unreadable: Unreadable

    def of(self, split: Split) -> tuple[StagedExample, ...]:
        """Return the examples of one split, in order."""
        return tuple(staged for staged in self.examples if staged.example.split is split)


def counts(examples: Sequence[Example], concepts: Sequence[str]) -> Mapping[str, Mapping[Split, int]]:
    """Return the number of examples of each concept in each split; zero where there is none."""
    table = {concept: dict.fromkeys(Split, 0) for concept in concepts}
    for example in examples:
        table[example.concept][example.split] += 1
    return table
