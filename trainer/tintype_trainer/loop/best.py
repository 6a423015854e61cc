"""Which epoch is the best, when none will be better, and the thinning of the history. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from tintype_api.constants import HISTORY_LENGTH
from tintype_api.spec.training import SelectBy
from tintype_api.spec.view import ViewType
from tintype_api.status import Best, HistoryEntry

LAST_ITERATION: Final = "LastIteration"
INDICATOR_DECIMALS: Final = 6
"""As many as the table of `kubectl get mv` has room for."""


class Metric(StrEnum):
    """The metrics of the validation set by which epochs compare, by their names in status."""

    ACCURACY = "accuracy"
    MAP = "mAP"
    LOSS = "loss"


def indicator_of(view_type: ViewType) -> Metric:
    """Return the metric that is the performance indicator of a view."""
    return Metric.ACCURACY if view_type is ViewType.CLASSIFICATION else Metric.MAP


def metric_of(select_by: SelectBy, view_type: ViewType) -> Metric:
    """Return the metric that training.selectBy means."""
    if select_by is SelectBy.AUTO:
        return indicator_of(view_type)
    return {SelectBy.ACCURACY: Metric.ACCURACY, SelectBy.MAP: Metric.MAP, SelectBy.LOSS: Metric.LOSS}[select_by]


def value_of(entry: HistoryEntry, metric: Metric) -> float | None:
    """Return an epoch's metric; None where it is absent or not a number."""
    value = {
        Metric.ACCURACY: entry.validation_accuracy,
        Metric.MAP: entry.validation_map,
        Metric.LOSS: entry.validation_loss,
    }[metric]
    return value if value is not None and math.isfinite(value) else None


@dataclass(frozen=True, slots=True)
class Watch:
    """One metric, followed through the epochs.

    Attributes:
        metric: It.
        best: The epoch at which it was best; the earlier one of equals.
        reference: Its value at the latest improvement of at least `min_delta`.
        waited: Epochs since that improvement.
    """

    metric: Metric
    best: HistoryEntry | None = None
    reference: float | None = None
    waited: int = 0

    def after(self, entry: HistoryEntry, min_delta: float) -> "Watch":
        """Return the watch after one more epoch; min_delta is the least that counts as an improvement, absolute.

        An epoch without the metric is never the best and no improvement.
        """
        value = value_of(entry, self.metric)
        if value is None:
            return replace(self, waited=self.waited + 1)
        previous = value_of(self.best, self.metric) if self.best else None
        best = entry if previous is None or self._gain(previous, value) > 0 else self.best
        gain = math.inf if self.reference is None else self._gain(self.reference, value)
        if gain > 0 and gain >= min_delta:
            return Watch(self.metric, best, value, 0)
        return Watch(self.metric, best, self.reference, self.waited + 1)

    def _gain(self, before: float, after: float) -> float:
        return before - after if self.metric is Metric.LOSS else after - before


@dataclass(frozen=True, slots=True)
class Selection:
    """The best epoch so far.

    The metric of training.selectBy selects as soon as it has a value. Until then, and where it is absent in every
    epoch, the lowest validation loss does; without a validation set the latest iteration is the best.

    Attributes:
        by_metric: The metric of training.selectBy; None without a validation set.
        by_loss: The validation loss.
        latest: The latest epoch.
    """

    by_metric: Watch | None
    by_loss: Watch = Watch(Metric.LOSS)
    latest: HistoryEntry | None = None

    def after(self, entry: HistoryEntry, min_delta: float = 0.0) -> "Selection":
        """Return the selection after one more epoch."""
        by_metric = self.by_metric.after(entry, min_delta) if self.by_metric else None
        return Selection(by_metric, self.by_loss.after(entry, min_delta), entry)

    @property
    def best(self) -> HistoryEntry | None:
        """The best epoch; None where no epoch has a validation loss yet."""
        return self._watch.best if self._watch else self.latest

    @property
    def selected_by(self) -> str:
        """What chose it, as status has it."""
        return self._watch.metric if self._watch else LAST_ITERATION

    @property
    def waited(self) -> int:
        """Epochs without an improvement."""
        return self._watch.waited if self._watch else 0

    @property
    def _watch(self) -> Watch | None:
        return self.by_loss if self.by_metric and self.by_metric.best is None else self.by_metric


def best_of(selection: Selection, view_type: ViewType) -> Best | None:
    """Return what status shows of the best epoch.

    The performance indicator is the view's, whatever selected the epoch; there is none where the epoch has no such
    metric, as without a validation set.
    """
    entry = selection.best
    if entry is None:
        return None
    indicator = value_of(entry, indicator_of(view_type))
    return Best(
        epoch=entry.epoch,
        iteration=entry.iteration,
        selected_by=str(selection.selected_by),
        performance_indicator=None if indicator is None else round(indicator, INDICATOR_DECIMALS),
        performance_indicator_name=None if indicator is None else str(indicator_of(view_type)),
    )


def thinned(history: Sequence[HistoryEntry]) -> tuple[HistoryEntry, ...]:
    """Return at most 50 epochs, evenly spread, with the first and the last."""
    if len(history) <= HISTORY_LENGTH:
        return tuple(history)
    last = len(history) - 1
    return tuple(history[round(place * last / (HISTORY_LENGTH - 1))] for place in range(HISTORY_LENGTH))
