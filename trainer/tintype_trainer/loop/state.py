"""What the training loop remembers from one step to the next. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from torch import Tensor

from tintype_trainer.loop.best import Selection
from tintype_trainer.loop.records import Epoch, Memory, Step


@dataclass(slots=True)
class State:
    """All that the loop itself remembers from one step to the next.

    Attributes:
        selection: The best epoch so far.
        started: When the training would have started had it never been interrupted, by the loop's clock.
        epoch_started: Likewise the current epoch.
        epochs: Every epoch that has ended.
        weights: State dict of the best epoch.
        loss_sum: Sum of the losses of the examples since the latest epoch's end.
        examples: Their number.
        last: The latest step.
        is_saved: Whether a checkpoint holds all this.
    """

    selection: Selection
    started: float
    epoch_started: float
    epochs: list[Epoch] = field(default_factory=list)
    weights: Mapping[str, Tensor] = field(default_factory=dict)
    loss_sum: float = 0.0
    examples: int = 0
    last: Step | None = None
    is_saved: bool = True

    @classmethod
    def new(cls, selection: Selection, now: float) -> Self:
        """Return the state before the first step: there is nothing to save yet."""
        return cls(selection, now, now)

    @classmethod
    def resumed(cls, memory: Memory, weights: Mapping[str, Tensor], now: float) -> Self:
        """Return the state that an earlier process has left."""
        return cls(
            selection=memory.selection,
            started=now - memory.seconds,
            epoch_started=now - memory.epoch_seconds,
            epochs=list(memory.epochs),
            weights=weights,
            loss_sum=memory.loss_sum,
            examples=memory.examples,
            last=memory.last,
        )

    @property
    def iteration(self) -> int:
        """Steps done."""
        return self.last.iteration if self.last else 0

    def take(self, step: Step) -> None:
        """Take in a step."""
        self.loss_sum += step.loss * step.examples
        self.examples += step.examples
        self.last = step
        self.is_saved = False

    def end_epoch(self, epoch: Epoch, now: float) -> None:
        """Take in the end of an epoch."""
        self.epochs.append(epoch)
        self.loss_sum, self.examples, self.epoch_started = 0.0, 0, now
        self.is_saved = False

    def memory(self, parts: int, now: float) -> Memory:
        """Return what is to outlive the process."""
        assert self.last is not None, "before the first step there is nothing to remember"
        return Memory(
            last=self.last,
            selection=self.selection,
            epochs=tuple(self.epochs),
            loss_sum=self.loss_sum,
            examples=self.examples,
            seconds=now - self.started,
            epoch_seconds=now - self.epoch_started,
            parts=parts,
        )
