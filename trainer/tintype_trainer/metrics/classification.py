"""Metrics of Classification: the highest score decides, of equal scores the first concept."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tintype_trainer.metrics.measures import (
    ConceptMeasures,
    Measures,
    finite_or_none,
    share_or_none,
)


def measure_classification(
    losses_N: NDArray[np.float64],
    scores_NK: NDArray[np.float64],
    shares_NK: NDArray[np.float32],
    concepts: Sequence[str],
) -> Measures:
    """Return the metrics of at least one example.

    Args:
        losses_N: Validation loss of each.
        scores_NK: Score of each concept.
        shares_NK: 1 for the annotated concept, else 0.
        concepts: Their names.
    """
    decisions_N, labels_N = scores_NK.argmax(axis=1), shares_NK.argmax(axis=1)
    confusion_KK = confusion_matrix(labels_N, decisions_N, len(concepts))
    right, examples = int(confusion_KK.trace()), len(labels_N)
    loss = finite_or_none(float(losses_N.mean()))
    return Measures(
        examples=examples,
        loss=loss,
        accuracy=right / examples if loss is not None else None,
        mean_average_precision=None,
        concepts=tuple(_concept(name, index, confusion_KK) for index, name in enumerate(concepts)),
        confusion=tuple(tuple(int(count) for count in row) for row in confusion_KK),
    )


def confusion_matrix(labels_N: NDArray[np.int64], decisions_N: NDArray[np.int64], concepts: int) -> NDArray[np.int64]:
    """Return the (K, K) counts of annotated (rows) and decided (columns) concepts."""
    matrix = np.zeros((concepts, concepts), dtype=np.int64)
    np.add.at(matrix, (labels_N, decisions_N), 1)
    return matrix


def _concept(name: str, index: int, confusion_KK: NDArray[np.int64]) -> ConceptMeasures:
    right = int(confusion_KK[index, index])
    support, decided = int(confusion_KK[index].sum()), int(confusion_KK[:, index].sum())
    return ConceptMeasures(name, support, None, share_or_none(right, decided), share_or_none(right, support))
