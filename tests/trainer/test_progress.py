from typing import Any

import pytest

from support.trainings import training_spec
from tintype_api.catalogue import Optimizer
from tintype_api.spec.view import ViewType
from tintype_api.status import HistoryEntry, TrainerStatus
from tintype_trainer.loop.best import Metric, Selection, Watch
from tintype_trainer.loop.plan import plan
from tintype_trainer.loop.records import Ending, Epoch, Step
from tintype_trainer.metrics.measures import ConceptMeasures, Measures
from tintype_trainer.reporting.journal import Journal
from tintype_trainer.reporting.progress import TrainingProgress


class _Told:
    """A listener, a clock and the progress between them: 80 examples in batches of 8, 4 epochs."""

    def __init__(self, view: ViewType = ViewType.CLASSIFICATION, **training: str | int) -> None:
        self.now = 0.0
        self.statuses: list[tuple[TrainerStatus, bool]] = []
        self.notes: list[str] = []
        self.examples = 0
        journal = Journal()
        journal.listen(self)
        spec = training_spec(Optimizer.ADAM, 0.1, {"epochs": 4, **training}, view=view)
        planned = plan(80, training_spec(Optimizer.ADAM, 0.1, {"epochs": 4}).training)
        self.progress = TrainingProgress(journal, planned, spec.training, view, self.count, lambda: self.now)

    def changed(self, status: TrainerStatus, *, urgent: bool) -> None:
        self.statuses.append((status, urgent))

    def note(self, sentence: str) -> None:
        self.notes.append(sentence)

    def count(self, examples: int) -> None:
        self.examples += examples

    def step(self, iteration: int, now: float, *, at_once: int = 8) -> None:
        self.now = now
        self.progress.step_done(Step(iteration, 8, 0.1, 1.5, at_once))

    @property
    def shown(self) -> dict[str, Any]:
        return self.statuses[-1][0].to_wire()


def _epoch(iteration: int, accuracy: float | None, map_: float | None = None, loss: float | None = 0.7) -> Epoch:
    entry = HistoryEntry(
        epoch=iteration / 10,
        iteration=iteration,
        learning_rate=0.1,
        train_loss=1.25,
        validation_loss=loss,
        validation_accuracy=accuracy,
        validation_map=map_,
        seconds=10,
    )
    concepts = (ConceptMeasures("a", 3, map_, 0.5, 0.25), ConceptMeasures("b", 0, None, None, None))
    return Epoch(entry, Measures(40, loss, accuracy, map_, concepts))


def test_steps_are_shown_twice_a_second_and_all_counted() -> None:
    told = _Told()
    for iteration in range(1, 11):
        told.step(iteration, iteration * 0.2)
    assert told.examples == 80
    assert [status.progress.iteration for status, _ in told.statuses if status.progress] == [1, 4, 7, 10]
    assert not any(urgent for _, urgent in told.statuses)
    assert told.shown == {
        "progress": {
            "summary": "epoch 2 of 4",
            "epoch": 1.0,
            "epochs": 4.0,
            "iteration": 10,
            "iterations": 40,
            "examplesPerSecond": 40.0,
            "secondsLeft": 6.0,
        },
        "metrics": {"learningRate": 0.1, "batchLoss": 1.5},
        "concepts": [],
        "history": [],
    }


@pytest.mark.parametrize(
    ("view", "metric", "name"),
    [(ViewType.CLASSIFICATION, Metric.ACCURACY, "accuracy"), (ViewType.TAGGING, Metric.MAP, "mAP")],
)
def test_an_epoch_shows_its_metrics_and_the_best(view: ViewType, metric: Metric, name: str) -> None:
    told = _Told(view)
    told.step(10, 5)
    first = _epoch(10, 0.5, None if view is ViewType.CLASSIFICATION else 0.5)
    told.progress.epoch_done(first, Selection(Watch(metric)).after(first.entry))
    status, urgent = told.statuses[-1]
    assert urgent
    assert told.shown["best"] == {
        "epoch": 1.0,
        "iteration": 10,
        "selectedBy": name,
        "performanceIndicator": 0.5,
        "performanceIndicatorName": name,
    }
    assert told.shown["metrics"]["validation"]["loss"] == 0.7
    assert [concept["name"] for concept in told.shown["metrics"]["validation"]["concepts"]] == ["a", "b"]
    assert status.history == (first.entry,)


def test_an_epoch_without_numbers_leaves_the_last_metrics() -> None:
    told = _Told()
    told.step(10, 5)
    selection = Selection(Watch(Metric.ACCURACY))
    for epoch in (_epoch(10, 0.5), _epoch(20, None, loss=None)):
        selection = selection.after(epoch.entry)
        told.progress.epoch_done(epoch, selection)
    assert told.shown["metrics"]["validation"]["accuracy"] == 0.5
    assert told.shown["best"]["iteration"] == 10


@pytest.mark.parametrize(
    ("ending", "note"),
    [
        (Ending.STOPPED_EARLY, "stopped early at epoch 2 of 4"),
        (Ending.MAX_DURATION, "stopped by maxDuration at epoch 2 of 4"),
        (Ending.STOPPED, "stopped by runPolicy.stop at epoch 2 of 4"),
    ],
)
def test_an_early_end_says_where_and_the_log_says_why(ending: Ending, note: str) -> None:
    told = _Told()
    told.step(20, 5)
    told.progress.ended(ending)
    assert told.shown["progress"]["summary"] == "ended at 2 of 4"
    assert told.shown["progress"]["secondsLeft"] == 0
    assert told.notes == [note]


def test_the_plans_end() -> None:
    told = _Told()
    told.step(40, 5)
    told.progress.ended(Ending.COMPLETED)
    assert told.shown["progress"]["summary"] == "4 of 4 epochs"
    assert told.notes == []


@pytest.mark.parametrize(("longest", "left"), [("1h", 90), ("50s", 40), ("10s", 0)])
def test_no_more_seconds_are_left_than_max_duration_has(longest: str, left: float) -> None:
    told = _Told(maxDuration=longest)
    told.step(4, 10)
    assert told.shown["progress"]["secondsLeft"] == left


@pytest.mark.parametrize(("batch_size", "at_once", "shown"), [(8, 8, None), (8, 4, 4), ("Auto", 8, 8), ("Auto", 4, 4)])
def test_the_effective_batch_size_where_it_is_not_the_specs(
    batch_size: int | str, at_once: int, shown: int | None
) -> None:
    told = _Told(batchSize=batch_size)
    told.step(1, 1, at_once=at_once)
    assert told.shown["progress"].get("effectiveBatchSize") == shown
