"""The training loop: steps, validation at each epoch's end, the best weights, and when to end."""

import math
import time
from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext

from torch import Tensor

from tintype_api.errors import UserError, checkpoint_not_saved, diverged
from tintype_api.quantity import duration_s
from tintype_api.spec import ModelVersionSpec
from tintype_api.status import HistoryEntry
from tintype_trainer.interruption import Cancelled, Interrupted
from tintype_trainer.learners import Learner
from tintype_trainer.learners.together import predict_together
from tintype_trainer.loop.backbone import Backbone
from tintype_trainer.loop.best import LAST_ITERATION, Metric, Selection, Watch, metric_of
from tintype_trainer.loop.ema import Ema
from tintype_trainer.loop.optimizers import build_optimizer, set_learning_rate
from tintype_trainer.loop.plan import Plan
from tintype_trainer.loop.records import Ending, Epoch, Examples, Observer, Step, Trained
from tintype_trainer.loop.schedules import factor
from tintype_trainer.loop.snapshot import Snapshot, best_weights, capture, copy_of, random_state, restore
from tintype_trainer.loop.state import State
from tintype_trainer.loop.stepping import Stepper
from tintype_trainer.meter import Activity, Counted, Meter
from tintype_trainer.metrics.measures import Measures
from tintype_trainer.networks import backbone_parameters
from tintype_trainer.pixels.batches import Batch, Loader
from tintype_trainer.processes.group import ALONE, Group
from tintype_trainer.stopping import StopRequest


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
        save: Keeps a snapshot, at each epoch's end and where `check` stops the training; UserError where it cannot.
        resumed: Where an earlier run of this training stood; None starts it.
        stop: Whether the training is to end at its next step.
        group: The processes that train together; the observers of all are told the same.
        meter: Counts the time of steps, of waiting for data and of validation.
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
        save: Callable[[Snapshot], None],
        *,
        resumed: Snapshot | None = None,
        stop: StopRequest | None = None,
        group: Group = ALONE,
        meter: Meter | None = None,
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
        self._save = save
        self._resumed = resumed
        self._stop = stop or StopRequest()
        self._group = group
        self._meter = meter or Meter()
        self._clock = clock
        self._kind = training.optimizer.type
        self._peak_rate = training.optimizer.learning_rate
        backbone = list(backbone_parameters(learner.network))
        self._backbone = Backbone(learner.network, backbone)
        rate_factor = training.backbone.learning_rate_factor
        self._held_steps = plan.steps_in(training.backbone.freeze_epochs) if rate_factor else plan.iterations
        self._optimizer = build_optimizer(learner.network, training.optimizer, backbone, rate_factor)
        self._ema = Ema(learner.network, training.ema.decay) if training.ema else None
        self._stepper = self._new_stepper(resumed.memory.parts if resumed else training.accumulation)

    def _new_stepper(self, parts: int) -> Stepper:
        return Stepper(
            self._learner,
            self._optimizer,
            self._plan.batch_size,
            parts,
            self._training.gradient_clip_norm,
            self._ema,
            self._observer.note,
            self._group,
        )

    def run(self) -> Trained:
        """Train until the plan, earlyStopping, maxDuration or a stop ends it, and return the best epoch.

        Raises:
            UserError: exit 64 where loss or scores stop being numbers, or where the options cannot be trained; exit 1
                where the training was interrupted and could not be saved.
            Interrupted, Cancelled: as `check` raised it, once a checkpoint is saved.
        """
        metric = metric_of(self._training.select_by, self._spec.view.type)
        state = self._begin(metric)
        try:
            ending = self._train(state)
        except (Interrupted, Cancelled) as interrupted:
            self._save_interrupted(state, interrupted)
            raise
        trained = self._trained(state, ending, metric)
        self._observer.ended(ending)
        return trained

    def _begin(self, metric: Metric) -> State:
        self._observer.begun(self._resumed.memory if self._resumed else None)
        if self._resumed is None:
            return State.new(Selection(Watch(metric) if self._examples.validation else None), self._clock())
        restore(self._resumed, self._learner.network, self._optimizer, self._ema, self._group.rank)
        return State.resumed(self._resumed.memory, best_weights(self._resumed.tensors), self._clock())

    def _train(self, state: State) -> Ending:
        ending = self._ending(state) if state.last else None
        steps = self._steps(state.iteration)
        while ending is None:
            state.take(next(steps))
            ending = self._ending(state)
        return ending

    def _ending(self, state: State) -> Ending | None:
        """End the epoch where its last step is done; return why the training ends after the latest step, if it does."""
        assert state.last is not None, "a step is done"
        ending = self._over(state, state.last)
        if state.examples and (ending or self._plan.ends_epoch(state.iteration)):
            self._end_epoch(state, state.last)
        return ending or (None if state.examples else self._without_improvement(state))

    def _steps(self, first: int) -> Iterator[Step]:
        augmentations = self._spec.augmentations
        batches = self._loader.training(
            self._examples.train, self._plan, self._training.seed, augmentations, first, self._group
        )
        self._backbone.enter_training()
        for index, batch in enumerate(self._meter.waited_for(batches), first):
            self._group.in_step(self._check)
            self._hold_or_release(index)
            with self._meter.during(Activity.STEP):
                step = self._step(index, batch)
            if not math.isfinite(step.loss):
                self._meter.count(Counted.NAN_LOSSES)
                raise self._diverged(f"the training loss is no number at iteration {step.iteration}")
            self._observer.step_done(step)
            yield step

    def _step(self, index: int, batch: Batch) -> Step:
        rate = self._peak_rate * factor(
            self._training.schedule, self._kind, index, self._plan.iterations, self._plan.iterations_per_epoch
        )
        set_learning_rate(self._optimizer, rate)
        _, first, end = self._plan.batch(index)
        loss = self._stepper.step(batch, end - first)
        return Step(index + 1, end - first, rate, loss, self._stepper.examples_at_once * self._group.size)

    def _hold_or_release(self, index: int) -> None:
        if index < self._held_steps and not self._backbone.is_held:
            self._backbone.hold()
        elif index >= self._held_steps and self._backbone.is_held:
            self._backbone.release()
            self._observer.note(f"the backbone is trained, too, from iteration {index + 1} on")

    def _over(self, state: State, step: Step) -> Ending | None:
        """Return why the training ends at a step, whatever its metrics are."""
        if step.iteration == self._plan.iterations:
            return Ending.COMPLETED
        longest = self._training.max_duration
        too_long = longest is not None and self._clock() - state.started >= duration_s(longest)
        asked, over = self._group.any(self._stop.asked, too_long)
        if asked:
            return Ending.STOPPED
        return Ending.MAX_DURATION if over else None

    def _without_improvement(self, state: State) -> Ending | None:
        stopping = self._training.early_stopping
        return Ending.STOPPED_EARLY if stopping and state.selection.waited >= stopping.patience else None

    def _end_epoch(self, state: State, step: Step) -> None:
        self._group.level(self._learner.network.buffers())
        with self._averaged():
            with self._meter.during(Activity.VALIDATION):
                measures = self._validate()
            if measures is not None and measures.loss is None:
                self._meter.count(Counted.NAN_LOSSES)
            entry = self._entry(state, step, measures)
            stopping = self._training.early_stopping
            state.selection = state.selection.after(entry, stopping.min_delta if stopping else 0.0)
            if state.selection.best is entry:
                state.weights = copy_of(self._learner.network)
        state.end_epoch(Epoch(entry, measures), self._clock())
        self._observer.epoch_done(state.epochs[-1], state.selection)
        try:
            self._keep(state)
        except UserError as error:
            self._observer.note(f"no checkpoint could be saved, the next is tried at the next epoch's end: {error}")

    def _save_interrupted(self, state: State, interrupted: BaseException) -> None:
        if state.is_saved:
            return
        try:
            self._keep(state)
        except UserError as error:
            raise checkpoint_not_saved(
                f"the training was told to end and its checkpoint could not be saved: {error}"
            ) from interrupted
        self._observer.note(
            f"the training was told to end; it is saved after iteration {state.iteration} and goes on there"
        )

    def _keep(self, state: State) -> None:
        random = dict(ChainMap(*self._group.gather(random_state(self._group.rank))))
        fault = self._group.first(self._fault_of_saving(state, random) if self._group.leads else None)
        if fault is not None:
            raise fault
        state.is_saved = True

    def _fault_of_saving(self, state: State, random: Mapping[str, Tensor]) -> UserError | None:
        tensors = capture(self._learner.network, self._optimizer, self._ema, state.weights, random)
        try:
            self._save(Snapshot(state.memory(self._stepper.parts, self._clock()), tensors))
        except UserError as error:
            return error
        return None

    def _averaged(self) -> AbstractContextManager[None]:
        return self._ema.applied() if self._ema else nullcontext()

    def _validate(self) -> Measures | None:
        if not self._examples.validation:
            return None
        at_once = self._stepper.examples_at_once
        try:
            predicted = predict_together(
                self._group, self._learner, self._loader, self._examples.validation, at_once, self._check
            )
        finally:
            self._backbone.enter_training()
        return self._group.first(None if predicted is None else self._learner.measure(predicted))

    def _entry(self, state: State, step: Step, measures: Measures | None) -> HistoryEntry:
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

    def _trained(self, state: State, ending: Ending, metric: Metric) -> Trained:
        best = state.selection.best
        if best is None:
            raise self._diverged("the network's scores on the validation set are no numbers in any epoch")
        # Where there is no validation set, nothing has looked at the network since its last step.
        if not all(bool(tensor.isfinite().all()) for tensor in state.weights.values()):
            raise self._diverged(f"the weights after iteration {best.iteration} are no numbers")
        if state.selection.selected_by not in (metric, LAST_ITERATION):
            self._observer.note(f"{metric} has no value in any epoch: the lowest validation loss chose the best one")
        epoch = next(epoch for epoch in state.epochs if epoch.entry == best)
        at_once = self._stepper.examples_at_once
        return Trained(epoch, state.selection, tuple(state.epochs), state.weights, ending, at_once)

    def _diverged(self, what: str) -> UserError:
        return diverged(
            f"training.optimizer.learningRate {self._peak_rate:g} is too high for this training: {what}; lower it"
        )
