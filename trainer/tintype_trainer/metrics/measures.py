"""The numbers of a whole split, whatever the view."""

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ConceptMeasures:
    """One concept over a whole split; None where no example allows a number.

    Attributes:
        name: Its name.
        support: Examples that it holds of; in Detection its boxes, but for ignored ones.
        average_precision: As the view's mAP has it; None in Classification.
        precision: Share of right ones among the decisions for it.
        recall: Share of its examples that were decided for it.
    """

    name: str
    support: int
    average_precision: float | None
    precision: float | None
    recall: float | None


@dataclass(frozen=True, slots=True)
class Measures:
    """A split, measured.

    Attributes:
        examples: Number of examples.
        loss: Mean of the validation loss; None where it is no number.
        accuracy: As the view defines it; None where there is nothing to be right about.
        mean_average_precision: Unweighted mean over the concepts that have one; None where none has.
        concepts: Each concept, in the spec's order.
        exact_match: Share of examples all of whose decisions are right, in Tagging.
        confusion: Count of each (annotated, decided) pair of concepts, rows being the annotated, in Classification.
    """

    examples: int
    loss: float | None
    accuracy: float | None
    mean_average_precision: float | None
    concepts: tuple[ConceptMeasures, ...]
    exact_match: float | None = None
    confusion: tuple[tuple[int, ...], ...] | None = None

    @property
    def concepts_without_examples(self) -> tuple[str, ...]:
        """The concepts of which the split has no example."""
        return tuple(concept.name for concept in self.concepts if not concept.support)


def finite_or_none(number: float) -> float | None:
    """Return the number, or None where it is none."""
    return number if math.isfinite(number) else None


def mean_or_none(numbers: Sequence[float | None]) -> float | None:
    """Return the mean of those that are there; None where none is."""
    there = [number for number in numbers if number is not None]
    return math.fsum(there) / len(there) if there else None


def share_or_none(part: int, whole: int) -> float | None:
    """Return part / whole; None of nothing."""
    return part / whole if whole else None
