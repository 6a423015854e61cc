"""The training loop: steps, validation at each epoch's end, the best weights, and when to end."""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from torch import Tensor, nn

from tintype_api.constants import Reason
from tintype_api.errors import UserError, invalid_spec
from tintype_api.quantity import duration_s
from tintype_api.spec import ModelVersionSpec
from tintype_api.status import HistoryEntry
from tintype_trainer.learners import Learner
from tintype_trainer.loop.backbone import Backbone
from tintype_trainer.loop.best import LAST_ITERATION, Metric, Selection, Watch, metric_of
from tintype_trainer.loop.ema import Ema
from tintype_trainer.loop.optimizers import build_optimizer, set_learning_rate
from tintype_trainer.loop.plan import Plan
from tintype_trainer.loop.schedules import factor
from tintype_trainer.loop.stepping import Stepper
from tintype_trainer.metrics.measures import Measures
from tintype_trainer.networks import backbone_parameters
from tintype_trainer.pixels.batches import Batch, Loader
from tintype_trainer.stopping import StopRequest


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


class Ending(StrEnum):
    """Why a training ended."""

    COMPLETED = "Completed"
    STOPPED_EARLY = "StoppedEarly"
    MAX_DURATION = str(Reason.MAX_DURATION_REACHED)
    STOPPED = str(Reason.STOPPED)


class Observer(Protocol):
    """Who is told how the training goes."""

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


@dataclass(slots=True)
class _State:
    """All that the loop itself remembers from one step to the next."""

    selection: Selection
    started: float
    epoch_started: float
    epochs: list[Epoch] = field(default_factory=list)
    weights: Mapping[str, Tensor] = field(default_factory=dict)
    loss_sum: float = 0.0
    examples: int = 0


class TrainingRun:
    """One training by a plan.

    Args:
        learner: What is trained, in place.
        loader: Makes the batches.
        examples: Which examples train and which validate.
        plan: The length.
        spec: The resolved options; batchSize Auto has its number by now.
        observer: Who is told.
        check: Called at every boundary at which the training can stop; may raise to stop it.
        stop: Whether the training is to end at its next step.
        clock: Seconds that only grow.
    """

    def __init__(
        self,
        learner: Learner,
        loader: Loader,
        examples: Examples,
        plan: Plan,
        spec: ModelVersionSpec,
        observer: Observer,
        check: Callable[[], None],
        *,
        stop: StopRequest | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        training = spec.training
        assert training.optimizer.type is not None, "resolve fills in the optimizer"
        assert training.optimizer.learning_rate is not None, "with_batch_size fills in what resolve has left"
        self._learner = learner
        self._loader = loader
        self._examples = examples
        self._plan = plan
        self._spec = spec
        self._training = training
        self._observer = observer
        self._check = check
        self._stop = stop or StopRequest()
        self._clock = clock
        self._kind = training.optimizer.type
        self._peak_rate = training.optimizer.learning_rate
        backbone = list(backbone_parameters(learner.network))
        self._backbone = Backbone(learner.network, backbone)
        rate_factor = training.backbone.learning_rate_factor
        self._held_steps = plan.steps_in(training.backbone.freeze_epochs) if rate_factor else plan.iterations
        self._optimizer = build_optimizer(learner.network, training.optimizer, backbone, rate_factor)
        self._ema = Ema(learner.network, training.ema.decay) if training.ema else None
        self._stepper = Stepper(
            learner,
            self._optimizer,
            plan.batch_size,
            training.accumulation,
            training.gradient_clip_norm,
            self._ema,
            observer.note,
        )

    def run(self) -> Trained:
        """Train until the plan, earlyStopping, maxDuration or a stop ends it, and return the best epoch.

        Raises:
            UserError: exit 64 where loss or scores stop being numbers, or where the options cannot be trained.
        """
        metric = metric_of(self._training.select_by, self._spec.view.type)
        now = self._clock()
        state = _State(Selection(Watch(metric) if self._examples.validation else None), now, now)
        ending = None
        for step in self._steps():
            state.loss_sum += step.loss * step.examples
            state.examples += step.examples
            ending = self._over(state, step)
            if ending or self._plan.ends_epoch(step.iteration):
                self._end_epoch(state, step)
                ending = ending or self._without_improvement(state)
            if ending:
                break
        assert ending is not None, "the plan's last step ends the training"
        trained = self._trained(state, ending, metric)
        self._observer.ended(ending)
        return trained

    def _steps(self) -> Iterator[Step]:
        augmentations = self._spec.augmentations
        batches = self._loader.training(self._examples.train, self._plan, self._training.seed, augmentations)
        self._backbone.enter_training()
        for index, batch in enumerate(batches):
            self._check()
            self._hold_or_release(index)
            step = self._step(index, batch)
            if not math.isfinite(step.loss):
                raise self._diverged(f"the training loss is no number at iteration {step.iteration}")
            self._observer.step_done(step)
            yield step

    def _step(self, index: int, batch: Batch) -> Step:
        rate = self._peak_rate * factor(
            self._training.schedule, self._kind, index, self._plan.iterations, self._plan.iterations_per_epoch
        )
        set_learning_rate(self._optimizer, rate)
        loss = self._stepper.step(batch)
        return Step(index + 1, len(batch), rate, loss, self._stepper.examples_at_once)

    def _hold_or_release(self, index: int) -> None:
        if index == 0 and self._held_steps:
            self._backbone.hold()
        elif index == self._held_steps and self._backbone.is_held:
            self._backbone.release()
            self._observer.note(f"the backbone is trained, too, from iteration {index + 1} on")

    def _over(self, state: _State, step: Step) -> Ending | None:
        """Return why the training ends at a step, whatever its metrics are."""
        if step.iteration == self._plan.iterations:
            return Ending.COMPLETED
        if self._stop.asked:
            return Ending.STOPPED
        longest = self._training.max_duration
        if longest is not None and self._clock() - state.started >= duration_s(longest):
            return Ending.MAX_DURATION
        return None

    def _without_improvement(self, state: _State) -> Ending | None:
        stopping = self._training.early_stopping
        return Ending.STOPPED_EARLY if stopping and state.selection.waited >= stopping.patience else None

    def _end_epoch(self, state: _State, step: Step) -> None:
        with self._averaged():
            measures = self._validate()
            entry = self._entry(state, step, measures)
            stopping = self._training.early_stopping
            state.selection = state.selection.after(entry, stopping.min_delta if stopping else 0.0)
            if state.selection.best is entry:
                state.weights = _copy(self._learner.network)
        epoch = Epoch(entry, measures)
        state.epochs.append(epoch)
        self._observer.epoch_done(epoch, state.selection)
        state.loss_sum, state.examples, state.epoch_started = 0.0, 0, self._clock()

    def _averaged(self) -> AbstractContextManager[None]:
        return self._ema.applied() if self._ema else nullcontext()

    def _validate(self) -> Measures | None:
        if not self._examples.validation:
            return None
        batches = self._loader.evaluation(self._examples.validation, self._stepper.examples_at_once)
        try:
            return self._learner.measure(self._learner.predict(batches, self._check))
        finally:
            self._backbone.enter_training()

    def _entry(self, state: _State, step: Step, measures: Measures | None) -> HistoryEntry:
        """Return the epoch's entry; where the validation loss is no number, the other metrics mean nothing either."""
        known = measures if measures and measures.loss is not None else None
        return HistoryEntry(
            epoch=self._plan.epoch_at(step.iteration),
            iteration=step.iteration,
            learning_rate=step.learning_rate,
            train_loss=state.loss_sum / state.examples,
            validation_loss=known.loss if known else None,
            validation_accuracy=known.accuracy if known else None,
            validation_map=known.mean_average_precision if known else None,
            seconds=self._clock() - state.epoch_started,
        )

    def _trained(self, state: _State, ending: Ending, metric: Metric) -> Trained:
        best = state.selection.best
        if best is None:
            raise self._diverged("the network's scores on the validation set are no numbers in any epoch")
        if state.selection.selected_by not in (metric, LAST_ITERATION):
            self._observer.note(f"{metric} has no value in any epoch: the lowest validation loss chose the best one")
        epoch = next(epoch for epoch in state.epochs if epoch.entry is best)
        at_once = self._stepper.examples_at_once
        return Trained(epoch, state.selection, tuple(state.epochs), state.weights, ending, at_once)

    def _diverged(self, what: str) -> UserError:
        return invalid_spec(
            f"training.optimizer.learningRate {self._peak_rate:g} is too high for this training: {what}; lower it"
        )


def _copy(network: nn.Module) -> Mapping[str, Tensor]:
    return {name: tensor.detach().cpu().clone() for name, tensor in network.state_dict().items()}
