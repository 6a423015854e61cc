"""Turns the steps and epochs of a training into status: progress, metrics, best, history."""

import time
from collections.abc import Callable
from typing import Final

from tintype_api.quantity import duration_s
from tintype_api.spec.training import Training
from tintype_api.spec.view import ViewType
from tintype_api.status import HistoryEntry, Metrics, Progress, SplitMetrics
from tintype_trainer.evaluation.for_status import status_metrics
from tintype_trainer.loop.best import Selection, best_of, thinned
from tintype_trainer.loop.plan import Plan
from tintype_trainer.loop.records import Ending, Epoch, Memory, Step
from tintype_trainer.reporting.journal import Journal

STEP_INTERVAL_S: Final = 0.5
"""Steps change the status at most this often; epochs always do."""
_HOW: Final = {
    Ending.STOPPED_EARLY: "early",
    Ending.MAX_DURATION: "by maxDuration",
    Ending.STOPPED: "by runPolicy.stop",
}


class TrainingProgress:
    """An `Observer` that writes to the journal.

    Args:
        journal: Where to.
        plan: The length of the training.
        training: The options as the user wrote them: the status says what batchSize Auto became.
        view_type: What chooses the performance indicator.
        count_examples: Told of each step's examples.
        clock: Seconds that only grow.
    """

    def __init__(
        self,
        journal: Journal,
        plan: Plan,
        training: Training,
        view_type: ViewType,
        count_examples: Callable[[int], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._journal = journal
        self._plan = plan
        self._batch_size = training.batch_size
        self._longest = training.max_duration
        self._view_type = view_type
        self._count_examples = count_examples
        self._clock = clock
        self._history: list[HistoryEntry] = []
        self._validation: SplitMetrics | None = None
        self._started = self._epoch_started = clock()
        self._epoch_examples = 0
        self._rate: float | None = None
        self._examples_at_once: int | None = None
        self._iteration = 0
        self._last_told = self._started - STEP_INTERVAL_S

    def begun(self, memory: Memory | None) -> None:
        """Show what was trained before as if this process had done it; else nothing, whatever another had shown."""
        if memory is None:
            self._journal.update(urgent=True, progress=None, metrics=None, best=None, history=())
            return
        now = self._clock()
        self._started = now - memory.seconds
        self._iteration, self._examples_at_once = memory.last.iteration, memory.last.examples_at_once
        for epoch in memory.epochs:
            self._remember(epoch)
        self._show(now, memory.last.learning_rate, memory.last.loss, memory.selection)

    def step_done(self, step: Step) -> None:
        """Count the step, and show it unless another was shown just now."""
        now = self._clock()
        self._count_examples(step.examples)
        self._iteration = step.iteration
        self._examples_at_once = step.examples_at_once
        self._epoch_examples += step.examples
        self._rate = self._epoch_examples / max(now - self._epoch_started, 1e-9)
        if now - self._last_told >= STEP_INTERVAL_S:
            self._last_told = now
            self._journal.update(
                progress=self._progress(now),
                metrics=Metrics(learning_rate=step.learning_rate, batch_loss=step.loss, validation=self._validation),
            )

    def epoch_done(self, epoch: Epoch, selection: Selection) -> None:
        """Show the epoch's metrics."""
        now, entry = self._clock(), epoch.entry
        self._remember(epoch)
        self._show(now, entry.learning_rate, entry.train_loss, selection)
        self._epoch_started, self._epoch_examples = now, 0

    def _remember(self, epoch: Epoch) -> None:
        self._history.append(epoch.entry)
        if epoch.measures is not None and epoch.measures.loss is not None:
            self._validation = status_metrics(epoch.measures)

    def _show(self, now: float, learning_rate: float, loss: float, selection: Selection) -> None:
        self._journal.update(
            urgent=True,
            progress=self._progress(now),
            metrics=Metrics(learning_rate=learning_rate, batch_loss=loss, validation=self._validation),
            best=best_of(selection, self._view_type),
            history=thinned(self._history),
        )

    def ended(self, ending: Ending) -> None:
        """Show where and why the training ended, unless it is the plan's end."""
        if ending is Ending.COMPLETED:
            return
        how = _HOW[ending]
        where = f"epoch {self._plan.epoch_at(self._iteration):.4g} of {self._plan.epochs:.4g}"
        # The column of a table has no room for why; the note and the condition Complete say it.
        summary = f"ended at {self._plan.epoch_at(self._iteration):.4g} of {self._plan.epochs:.4g}"
        progress = self._progress(self._clock())
        self._journal.update(
            urgent=True, progress=progress.model_copy(update={"summary": summary, "seconds_left": 0.0})
        )
        self.note(f"stopped {how} at {where}")

    def note(self, sentence: str) -> None:
        """Pass the sentence on."""
        self._journal.note(sentence)

    def _progress(self, now: float) -> Progress:
        return Progress(
            summary=self._summary(),
            epoch=round(self._plan.epoch_at(self._iteration), 4),
            epochs=round(self._plan.epochs, 4),
            iteration=self._iteration,
            iterations=self._plan.iterations,
            examples_per_second=round(self._rate, 1) if self._rate else None,
            seconds_left=round(self._seconds_left(now), 1),
            effective_batch_size=None if self._examples_at_once == self._batch_size else self._examples_at_once,
        )

    def _seconds_left(self, now: float) -> float:
        """Return the seconds of the steps that are left at the pace so far, or those that maxDuration leaves."""
        spent = now - self._started
        left = spent / self._iteration * (self._plan.iterations - self._iteration)
        return left if self._longest is None else max(0.0, min(left, duration_s(self._longest) - spent))

    def _summary(self) -> str:
        done = self._plan.epoch_at(self._iteration)
        if self._iteration == self._plan.iterations:
            return f"{done:.4g} of {self._plan.epochs:.4g} epochs"
        return f"epoch {int(done) + 1} of {self._plan.epochs:.4g}"
