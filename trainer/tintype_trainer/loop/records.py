"""What a training works on, and what it tells of its steps, epochs and end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from torch import Tensor

from tintype_api.constants import Reason
from tintype_api.status import HistoryEntry
from tintype_trainer.loop.best import Selection
from tintype_trainer.metrics.measures import Measures


@dataclass(frozen=True, slots=True)
class Examples:
    """Indices of the examples in the run's pictures, by split."""

    train: Sequence[int]
    validation: Sequence[int]
    test: Sequence[int]


@dataclass(frozen=True, slots=True)
class Step:
    """One optimizer step, done.

    Attributes:
        iteration: Steps done, this one included.
        examples: Examples of its batch.
        learning_rate: The rate that it used; a backbone's may be another.
        loss: Mean loss of its batch, before it.
        examples_at_once: How many examples of a whole batch go through the network together.
    """

    iteration: int
    examples: int
    learning_rate: float
    loss: float
    examples_at_once: int


@dataclass(frozen=True, slots=True)
class Epoch:
    """The end of an epoch, or of the training.

    Attributes:
        entry: What the history keeps of it.
        measures: The whole validation set, measured; None without one.
    """

    entry: HistoryEntry
    measures: Measures | None


@dataclass(frozen=True, slots=True)
class Memory:
    """The plain numbers of a training that goes on in another process.

    Attributes:
        last: The latest step.
        selection: The best epoch so far.
        epochs: Every epoch that has ended.
        loss_sum: Sum of the losses of the examples since then.
        examples: Their number.
        seconds: Time trained, over all processes.
        epoch_seconds: That of the epoch that has not ended.
        parts: Into how many parts a whole batch is cut, as the device's memory has it.
    """

    last: Step
    selection: Selection
    epochs: tuple[Epoch, ...]
    loss_sum: float
    examples: int
    seconds: float
    epoch_seconds: float
    parts: int


class Ending(StrEnum):
    """Why a training ended."""

    COMPLETED = "Completed"
    STOPPED_EARLY = "StoppedEarly"
    MAX_DURATION = str(Reason.MAX_DURATION_REACHED)
    STOPPED = str(Reason.STOPPED)


class Observer(Protocol):
    """Who is told how the training goes."""

    def begun(self, memory: Memory | None) -> None:
        """Take note of the beginning, and of what an earlier process has trained."""
        ...

    def step_done(self, step: Step) -> None:
        """Take note of a step."""
        ...

    def epoch_done(self, epoch: Epoch, selection: Selection) -> None:
        """Take note of an epoch's metrics and of the best epoch so far."""
        ...

    def ended(self, ending: Ending) -> None:
        """Take note of the end, after the last epoch."""
        ...

    def note(self, sentence: str) -> None:
        """Take a sentence for whoever reads the log."""
        ...


@dataclass(frozen=True, slots=True)
class Trained:
    """A training, done.

    Attributes:
        best: The epoch whose weights were kept.
        selection: What chose it.
        epochs: Every epoch.
        weights: State dict of the best, on the CPU; the average where training.ema asks for one.
        ending: Why the training ended.
        examples_at_once: How many examples the device has had memory for; enough for evaluations, too.
    """

    best: Epoch
    selection: Selection
    epochs: tuple[Epoch, ...]
    weights: Mapping[str, Tensor]
    ending: Ending
    examples_at_once: int
