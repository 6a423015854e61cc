"""Turns the steps and epochs of a training into status: progress, metrics, best, history."""

import time
from collections.abc import Callable
from typing import Final

from tintype_api.status import HistoryEntry, Metrics, Progress, SplitMetrics
from tintype_trainer.best import best_of, thinned
from tintype_trainer.journal import Journal
from tintype_trainer.plan import Plan
from tintype_trainer.training import Step

STEP_INTERVAL_S: Final = 0.5
"""Steps change the status at most this often; epochs always do."""


class TrainingProgress:
    """An `Observer` that writes to the journal.

    Args:
        journal: Where to.
        plan: The length of the training.
        validation_examples: Size of the validation set.
        count_examples: Told of each step's examples.
        clock: Seconds that only grow.
    """

    def __init__(
        self,
        journal: Journal,
        plan: Plan,
        validation_examples: int,
        count_examples: Callable[[int], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._journal = journal
        self._plan = plan
        self._validation_examples = validation_examples
        self._count_examples = count_examples
        self._clock = clock
        self._history: list[HistoryEntry] = []
        self._validation: SplitMetrics | None = None
        self._started = self._epoch_started = clock()
        self._epoch_examples = 0
        self._rate: float | None = None
        self._last_told = self._started - STEP_INTERVAL_S

    def step_done(self, step: Step) -> None:
        """Count the step, and show it unless another was shown just now."""
        now = self._clock()
        self._count_examples(step.examples)
        self._epoch_examples += step.examples
        self._rate = self._epoch_examples / max(now - self._epoch_started, 1e-9)
        if now - self._last_told >= STEP_INTERVAL_S:
            self._last_told = now
            self._journal.update(
                progress=self._progress(step.iteration, now),
                metrics=Metrics(learning_rate=step.learning_rate, batch_loss=step.loss, validation=self._validation),
            )

    def epoch_done(self, entry: HistoryEntry, best: HistoryEntry | None) -> None:
        """Show the epoch's metrics."""
        now = self._clock()
        self._history.append(entry)
        if entry.validation_accuracy is not None:
            self._validation = SplitMetrics(
                loss=entry.validation_loss, accuracy=entry.validation_accuracy, examples=self._validation_examples
            )
        self._journal.update(
            urgent=True,
            progress=self._progress(entry.iteration, now),
            metrics=Metrics(
                learning_rate=entry.learning_rate, batch_loss=entry.train_loss, validation=self._validation
            ),
            best=best_of(best) if best else None,
            history=thinned(self._history),
        )
        self._epoch_started, self._epoch_examples = now, 0

    def _progress(self, iteration: int, now: float) -> Progress:
        left = self._plan.iterations - iteration
        return Progress(
            summary=self._summary(iteration),
            epoch=round(self._plan.epoch_at(iteration), 4),
            epochs=round(self._plan.epochs, 4),
            iteration=iteration,
            iterations=self._plan.iterations,
            examples_per_second=round(self._rate, 1) if self._rate else None,
            seconds_left=round((now - self._started) / iteration * left, 1),
        )

    def _summary(self, iteration: int) -> str:
        done = self._plan.epoch_at(iteration)
        if iteration == self._plan.iterations:
            return f"{done:.4g} of {self._plan.epochs:.4g} epochs done"
        return f"epoch {int(done) + 1} of {self._plan.epochs:.4g}"
