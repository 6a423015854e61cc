import io
import time

import pytest
from rich.console import Console

from tintype_api.constants import Stage
from tintype_api.status import (
    Best,
    DatasetStatus,
    HistoryEntry,
    Metrics,
    Progress,
    SplitMetrics,
    TrainerStatus,
    Unreadable,
)
from tintype_trainer.reporting.console import PlainConsole, duration, epoch_line, fitting, moment_parts, split_parts
from tintype_trainer.reporting.journal import Journal
from tintype_trainer.reporting.live import LiveConsole

ENTRY = HistoryEntry(
    epoch=1, iteration=20, learning_rate=0.1, train_loss=0.9, validation_loss=0.8, validation_accuracy=0.75, seconds=12
)
DATASET = DatasetStatus(
    digest="sha256:0",
    train=60,
    validation=15,
    test=25,
    not_in_model=3,
    unreadable=Unreadable(count=1, examples=("a.png is empty",)),
)
LINES = """\
preparing ...
data set: 60 train, 15 validation, 25 test; left out: 3 not in this model, 1 unreadable
unreadable: a.png is empty
a sentence
training ...
epoch 1 of 6: train loss 0.9000, validation loss 0.8000, accuracy 0.7500 (best), 40.0 examples/s, 12.0 s
evaluating ...
test: loss 0.5000, accuracy 0.7000 (95 % interval 0.6000 to 0.8000), 25 examples
"""


def _play(journal: Journal, pause_s: float = 0) -> None:
    progress = Progress(
        summary="epoch 1 of 6",
        epoch=0.5,
        epochs=6,
        iteration=10,
        iterations=120,
        examples_per_second=40,
        seconds_left=75,
    )
    test = SplitMetrics(loss=0.5, accuracy=0.7, examples=25, accuracy_interval=(0.6, 0.8))
    journal.enter(Stage.PREPARING)
    journal.update(urgent=True, dataset=DATASET)
    journal.note("a sentence")
    journal.enter(Stage.TRAINING)
    journal.update(progress=progress, metrics=Metrics(batch_loss=0.95))
    time.sleep(pause_s)
    best = Best(epoch=1, iteration=20, selected_by="accuracy")
    journal.update(urgent=True, progress=progress, history=(ENTRY,), best=best)
    journal.enter(Stage.EVALUATING)
    journal.update(urgent=True, metrics=Metrics(test=test))


def test_plain_lines() -> None:
    lines: list[str] = []
    journal = Journal()
    journal.listen(PlainConsole(lines.append))
    _play(journal)
    assert "".join(line + "\n" for line in lines) == LINES


def test_the_live_display_shows_the_same_lines_above_its_bar() -> None:
    output = io.StringIO()
    live = LiveConsole(Console(file=output, force_terminal=True, width=200, highlight=False))
    live.staging(3, 100)
    journal = Journal()
    journal.listen(live)
    _play(journal, pause_s=0.4)  # the bar is drawn ten times a second
    live.close()
    shown = output.getvalue()
    assert all(line in shown for line in LINES.splitlines())
    assert "10 of 120 iterations" in shown
    assert "1:15 left" in shown


PROGRESS = Progress(summary="", epoch=1, epochs=6, iteration=20, iterations=120, examples_per_second=40)
BARE = HistoryEntry(epoch=1, iteration=20, learning_rate=0.1, train_loss=0.9, seconds=12)


@pytest.mark.parametrize(
    ("measured", "best", "line"),
    [
        ({}, 20, "epoch 1 of 6: train loss 0.9000, 40.0 examples/s, 12.0 s"),
        (
            {"validation_loss": 0.8, "validation_accuracy": 0.75, "validation_map": 0.5},
            20,
            "epoch 1 of 6: train loss 0.9000, validation loss 0.8000, accuracy 0.7500, mAP 0.5000 (best), "
            "40.0 examples/s, 12.0 s",
        ),
        (
            {"validation_loss": 0.8, "validation_accuracy": 0.75},
            10,
            "epoch 1 of 6: train loss 0.9000, validation loss 0.8000, accuracy 0.7500, 40.0 examples/s, 12.0 s",
        ),
    ],
    ids=["no validation set", "mAP", "no concept has a positive, another is the best"],
)
def test_the_line_of_an_epoch_has_what_was_measured(measured: dict[str, float], best: int, line: str) -> None:
    status = TrainerStatus(progress=PROGRESS, best=Best(epoch=1, iteration=best, selected_by="mAP"))
    assert epoch_line(BARE.model_copy(update=measured), status) == line


def test_the_line_of_a_split_says_how_many_concepts_have_no_example() -> None:
    metrics = SplitMetrics(loss=0.5, accuracy=0.75, mean_average_precision=0.25, concepts_without_examples=2)
    assert split_parts(metrics) == ["loss 0.5000", "accuracy 0.7500", "mAP 0.2500 (2 concepts have no example)"]


def test_duration() -> None:
    assert [duration(seconds) for seconds in (0, 59.6, 75, 3700)] == ["0:00", "1:00", "1:15", "61:40"]


@pytest.mark.parametrize(
    ("room", "line"),
    [(0, ""), (4, ""), (5, "  aaa"), (9, "  aaa"), (10, "  aaa  bbb"), (99, "  aaa  bbb  c")],
)
def test_what_does_not_fit_is_left_out(room: int, line: str) -> None:
    assert fitting(["aaa", "bbb", "c"], room) == line


def test_the_moment_is_told_with_the_best_so_far() -> None:
    best = Best(epoch=1, iteration=20, selected_by="mAP", performance_indicator=0.5, performance_indicator_name="mAP")
    status = TrainerStatus(progress=PROGRESS, metrics=Metrics(batch_loss=0.25), best=best)
    assert moment_parts(status) == ["loss 0.2500", "best mAP 0.5000", "40.0 examples/s"]
    assert moment_parts(TrainerStatus()) == []


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120])
def test_a_narrow_terminal_keeps_the_bar(width: int) -> None:
    output = io.StringIO()
    live = LiveConsole(Console(file=output, force_terminal=True, width=width, highlight=False))
    journal = Journal()
    journal.listen(live)
    _play(journal, pause_s=0.3)
    live.close()
    shown = output.getvalue()
    assert "10 of 120 iterations" in shown
    assert "\u2026" not in shown
    assert ("loss 0.9500" in shown) == (width >= 60)
