import math
from itertools import pairwise

import pytest

from tintype_api.spec.training import SelectBy
from tintype_api.spec.view import ViewType
from tintype_api.status import HistoryEntry
from tintype_trainer.loop.best import Metric, Selection, Watch, best_of, indicator_of, metric_of, thinned

NAN = math.nan


def _entry(
    epoch: int, accuracy: float | None = None, loss: float | None = 1.0, map_: float | None = None
) -> HistoryEntry:
    return HistoryEntry(
        epoch=epoch,
        iteration=epoch * 10,
        learning_rate=0.1,
        train_loss=1.0,
        validation_loss=loss,
        validation_accuracy=accuracy,
        validation_map=map_,
        seconds=1.0,
    )


def _select(metric: Metric | None, entries: list[HistoryEntry], min_delta: float = 0.0) -> list[Selection]:
    selection = Selection(Watch(metric) if metric else None)
    selections = []
    for entry in entries:
        selection = selection.after(entry, min_delta)
        selections.append(selection)
    return selections


@pytest.mark.parametrize(
    ("select_by", "view", "metric"),
    [
        (SelectBy.AUTO, ViewType.CLASSIFICATION, Metric.ACCURACY),
        (SelectBy.AUTO, ViewType.TAGGING, Metric.MAP),
        (SelectBy.AUTO, ViewType.DETECTION, Metric.MAP),
        (SelectBy.ACCURACY, ViewType.DETECTION, Metric.ACCURACY),
        (SelectBy.MAP, ViewType.TAGGING, Metric.MAP),
        (SelectBy.LOSS, ViewType.CLASSIFICATION, Metric.LOSS),
    ],
)
def test_the_metric_of_select_by(select_by: SelectBy, view: ViewType, metric: Metric) -> None:
    assert metric_of(select_by, view) is metric


@pytest.mark.parametrize(
    ("accuracies", "best"),
    [
        ([0.5, 0.7, 0.6], 2),
        ([0.5, 0.7, 0.7], 2),
        ([None, 0.2, None], 2),
        ([NAN, 0.2, NAN], 2),
        ([0.0, None], 1),
        ([0.3, math.inf], 1),
    ],
)
def test_the_highest_accuracy_is_the_best_and_the_earlier_of_equals(accuracies: list[float | None], best: int) -> None:
    entries = [_entry(epoch, accuracy) for epoch, accuracy in enumerate(accuracies, 1)]
    selection = _select(Metric.ACCURACY, entries)[-1]
    assert selection.best is entries[best - 1]
    assert selection.selected_by == "accuracy"


def test_the_lowest_loss_is_the_best() -> None:
    entries = [_entry(epoch, 0.1 * epoch, loss) for epoch, loss in enumerate([3.0, 1.0, 1.0, NAN, 2.0], 1)]
    selection = _select(Metric.LOSS, entries)[-1]
    assert selection.best is entries[1]
    assert best_of(selection, ViewType.CLASSIFICATION).to_wire() == {  # type: ignore[union-attr]
        "epoch": 2.0,
        "iteration": 20,
        "selectedBy": "loss",
        "performanceIndicator": 0.2,
        "performanceIndicatorName": "accuracy",
    }


def test_a_metric_that_is_null_in_every_epoch_leaves_the_choice_to_the_loss() -> None:
    entries = [_entry(epoch, 0.9, loss) for epoch, loss in enumerate([3.0, 1.0, 2.0], 1)]
    selection = _select(Metric.MAP, entries)[-1]
    assert selection.best is entries[1]
    assert selection.selected_by == "loss"
    best = best_of(selection, ViewType.TAGGING)
    assert best is not None
    assert (best.performance_indicator, best.performance_indicator_name) == (None, None)


def test_the_metric_chooses_from_its_first_value_on() -> None:
    entries = [_entry(1, loss=0.1), _entry(2, loss=0.9, map_=0.2), _entry(3, loss=0.05), _entry(4, loss=5.0, map_=0.3)]
    selections = _select(Metric.MAP, entries)
    assert [selection.best for selection in selections] == [entries[0], entries[1], entries[1], entries[3]]
    assert [selection.selected_by for selection in selections] == ["loss", "mAP", "mAP", "mAP"]


def test_without_any_number_there_is_no_best() -> None:
    selection = _select(Metric.ACCURACY, [_entry(1, NAN, NAN), _entry(2, None, None)])[-1]
    assert selection.best is None
    assert best_of(selection, ViewType.CLASSIFICATION) is None


def test_without_validation_the_last_iteration_is_the_best_and_has_no_indicator() -> None:
    entries = [_entry(1, loss=None), _entry(2, loss=None)]
    selections = _select(None, entries)
    assert [selection.best for selection in selections] == entries
    assert best_of(selections[-1], ViewType.DETECTION).to_wire() == {  # type: ignore[union-attr]
        "epoch": 2.0,
        "iteration": 20,
        "selectedBy": "LastIteration",
    }


@pytest.mark.parametrize(
    ("accuracies", "min_delta", "waited"),
    [
        ([0.5, 0.6, 0.7], 0.0, [0, 0, 0]),
        ([0.5, 0.5, 0.5], 0.0, [0, 1, 2]),
        ([0.5, 0.55, 0.59, 0.62], 0.1, [0, 1, 2, 0]),  # small gains add up until they are an improvement
        ([0.5, 0.75], 0.25, [0, 0]),
        ([0.5, 0.4, 0.55, 0.7], 0.1, [0, 1, 2, 0]),
        ([0.5, None, 0.7, NAN], 0.0, [0, 1, 0, 1]),
        ([None, None, 0.1], 0.0, [0, 1, 0]),  # the loss is watched until there is a metric
    ],
)
def test_epochs_without_an_improvement(accuracies: list[float | None], min_delta: float, waited: list[int]) -> None:
    entries = [_entry(epoch, accuracy) for epoch, accuracy in enumerate(accuracies, 1)]
    assert [selection.waited for selection in _select(Metric.ACCURACY, entries, min_delta)] == waited


def test_a_gain_too_small_for_patience_is_still_the_best() -> None:
    entries = [_entry(1, 0.5), _entry(2, 0.55)]
    assert _select(Metric.ACCURACY, entries, 0.1)[-1].best is entries[1]


@pytest.mark.parametrize(
    ("view", "name"),
    [(ViewType.CLASSIFICATION, "accuracy"), (ViewType.TAGGING, "mAP"), (ViewType.DETECTION, "mAP")],
)
def test_the_performance_indicator_of_each_view(view: ViewType, name: str) -> None:
    assert indicator_of(view) == name


@pytest.mark.parametrize("epochs", [1, 50, 51, 1000])
def test_history_is_thinned_evenly(epochs: int) -> None:
    kept = [entry.epoch for entry in thinned([_entry(epoch) for epoch in range(epochs)])]
    assert len(kept) == min(epochs, 50)
    assert (kept[0], kept[-1]) == (0, epochs - 1)
    gaps = {after - before for before, after in pairwise(kept)}
    assert not gaps or max(gaps) - min(gaps) <= 1
