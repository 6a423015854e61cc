"""Which epoch is the best, and the thinning of the history. Pure."""

import math
from collections.abc import Sequence
from typing import Final

from tintype_api.constants import HISTORY_LENGTH
from tintype_api.status import Best, HistoryEntry

ACCURACY: Final = "accuracy"
LAST_ITERATION: Final = "LastIteration"
INDICATOR_DECIMALS: Final = 6
"""As many as the table of `kubectl get mv` has room for."""


def is_better(candidate: HistoryEntry, best: HistoryEntry | None) -> bool:
    """Return whether an epoch's accuracy beats the best of the earlier ones.

    Ties go to the earlier epoch; what is absent or not a number never wins.
    """
    accuracy = candidate.validation_accuracy
    if accuracy is None or not math.isfinite(accuracy):
        return False
    return best is None or best.validation_accuracy is None or accuracy > best.validation_accuracy


def best_of(entry: HistoryEntry) -> Best:
    """Return what status shows of the best epoch; without a validation set there is no performance indicator."""
    if entry.validation_accuracy is None:
        return Best(epoch=entry.epoch, iteration=entry.iteration, selected_by=LAST_ITERATION)
    return Best(
        epoch=entry.epoch,
        iteration=entry.iteration,
        selected_by=ACCURACY,
        performance_indicator=round(entry.validation_accuracy, INDICATOR_DECIMALS),
        performance_indicator_name=ACCURACY,
    )


def thinned(history: Sequence[HistoryEntry]) -> tuple[HistoryEntry, ...]:
    """Return at most 50 epochs, evenly spread, with the first and the last."""
    if len(history) <= HISTORY_LENGTH:
        return tuple(history)
    last = len(history) - 1
    return tuple(history[round(place * last / (HISTORY_LENGTH - 1))] for place in range(HISTORY_LENGTH))
