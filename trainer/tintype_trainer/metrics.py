"""Metrics of Classification. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Z_95: Final = 1.959963984540054
"""The normal distribution's quantile of 0.975."""


@dataclass(frozen=True, slots=True)
class ConceptMetrics:
    """One concept, decided by the highest score.

    Attributes:
        concept: Its name.
        support: Examples annotated with it.
        precision: Share of right ones among the examples decided to be it; None where there are none.
        recall: Share of its examples that were decided to be it; None without an example.
    """

    concept: str
    support: int
    precision: float | None
    recall: float | None


@dataclass(frozen=True, slots=True)
class SplitResult:
    """A split, evaluated.

    Attributes:
        examples: Number of examples.
        loss: Mean cross-entropy over the examples.
        accuracy: Share of examples whose highest score is the annotated concept.
        accuracy_interval: 95 % Wilson score interval of the accuracy.
        confusion: Count of each (annotated, decided) pair of concepts; (K, K), rows are the annotated.
        concepts: Each concept, in the spec's order.
    """

    examples: int
    loss: float
    accuracy: float
    accuracy_interval: tuple[float, float]
    confusion: tuple[tuple[int, ...], ...]
    concepts: tuple[ConceptMetrics, ...]


def evaluate_scores(
    losses_N: NDArray[np.float64], scores_NK: NDArray[np.float64], labels_N: NDArray[np.int64], concepts: Sequence[str]
) -> SplitResult:
    """Return the metrics of a split of at least one example; of equal scores the first concept is the decision."""
    decisions_N = scores_NK.argmax(axis=1)
    confusion_KK = confusion_matrix(labels_N, decisions_N, len(concepts))
    right = int(confusion_KK.trace())
    examples = len(labels_N)
    return SplitResult(
        examples=examples,
        loss=float(losses_N.mean()),
        accuracy=right / examples,
        accuracy_interval=wilson_interval(right, examples),
        confusion=tuple(tuple(int(count) for count in row) for row in confusion_KK),
        concepts=tuple(_concept(name, index, confusion_KK) for index, name in enumerate(concepts)),
    )


def confusion_matrix(labels_N: NDArray[np.int64], decisions_N: NDArray[np.int64], concepts: int) -> NDArray[np.int64]:
    """Return the (K, K) counts of annotated (rows) and decided (columns) concepts."""
    matrix = np.zeros((concepts, concepts), dtype=np.int64)
    np.add.at(matrix, (labels_N, decisions_N), 1)
    return matrix


def wilson_interval(right: int, examples: int) -> tuple[float, float]:
    """Return the 95 % score interval of a share (Wilson 1927), which stays within 0 and 1."""
    share = right / examples
    denominator = 1 + Z_95**2 / examples
    centre = (share + Z_95**2 / (2 * examples)) / denominator
    half = Z_95 * math.sqrt(share * (1 - share) / examples + Z_95**2 / (4 * examples**2)) / denominator
    return max(0.0, centre - half), min(1.0, centre + half)


def _concept(name: str, index: int, confusion_KK: NDArray[np.int64]) -> ConceptMetrics:
    right = int(confusion_KK[index, index])
    support, decided = int(confusion_KK[index].sum()), int(confusion_KK[:, index].sum())
    return ConceptMetrics(
        concept=name,
        support=support,
        precision=right / decided if decided else None,
        recall=right / support if support else None,
    )
