"""The training loop: steps, validation at each epoch's end, the best weights."""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, optim

from tintype_api.errors import UserError, invalid_spec
from tintype_api.spec.augmentations import Augmentation
from tintype_api.spec.training import Training
from tintype_api.status import HistoryEntry
from tintype_trainer.batches import Batch, Loader
from tintype_trainer.best import is_better
from tintype_trainer.classifier import Classifier
from tintype_trainer.optimizers import build_optimizer, set_learning_rate
from tintype_trainer.plan import Plan
from tintype_trainer.schedules import factor


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
        learning_rate: The rate that it used.
        loss: Mean cross-entropy of its batch, before it.
    """

    iteration: int
    examples: int
    learning_rate: float
    loss: float


class Observer(Protocol):
    """Who is told how the training goes."""

    def step_done(self, step: Step) -> None:
        """Take note of a step."""
        ...

    def epoch_done(self, entry: HistoryEntry, best: HistoryEntry | None) -> None:
        """Take note of an epoch's metrics and of the best epoch so far, if there is one."""
        ...


@dataclass(frozen=True, slots=True)
class Trained:
    """A training, done.

    Attributes:
        best: The epoch whose weights were kept: the best by validation accuracy; the last one without validation set.
        history: Every epoch.
        weights: State dict of the best, on the CPU.
    """

    best: HistoryEntry
    history: tuple[HistoryEntry, ...]
    weights: Mapping[str, Tensor]


class TrainingRun:
    """One training of a classifier by a plan.

    Args:
        classifier: What is trained, in place.
        loader: Makes the batches.
        examples: Which examples train and which validate.
        training: The resolved options.
        augmentations: Of training examples.
        observer: Who is told.
        check: Called at every boundary at which the training can stop; may raise to stop it.
    """

    def __init__(
        self,
        classifier: Classifier,
        loader: Loader,
        examples: Examples,
        plan: Plan,
        training: Training,
        augmentations: Sequence[Augmentation],
        observer: Observer,
        check: Callable[[], None],
    ) -> None:
        assert training.optimizer.type is not None, "resolve fills in the optimizer"
        assert training.optimizer.learning_rate is not None, "resolve fills in the learning rate"
        self._classifier = classifier
        self._loader = loader
        self._examples = examples
        self._plan = plan
        self._training = training
        self._augmentations = augmentations
        self._observer = observer
        self._check = check
        self._kind = training.optimizer.type
        self._peak_rate = training.optimizer.learning_rate

    def run(self) -> Trained:
        """Train to the end of the plan and return the best epoch.

        Raises:
            UserError: exit 64 where loss or scores stop being numbers, or where the options cannot be trained.
        """
        optimizer = build_optimizer(self._classifier.network, self._training.optimizer)
        history: list[HistoryEntry] = []
        best: HistoryEntry | None = None
        weights: Mapping[str, Tensor] = {}
        for entry in self._epochs(optimizer):
            history.append(entry)
            if not self._examples.validation or is_better(entry, best):
                best, weights = entry, _copy(self._classifier)
            self._observer.epoch_done(entry, best)
        if best is None:
            raise self._diverged("the network's scores on the validation set are no numbers in any epoch")
        return Trained(best, tuple(history), weights)

    def _epochs(self, optimizer: optim.Optimizer) -> Iterator[HistoryEntry]:
        self._classifier.network.train()
        loss_sum, examples, started = 0.0, 0, time.monotonic()
        for step in self._steps(optimizer):
            loss_sum += step.loss * step.examples
            examples += step.examples
            if self._plan.ends_epoch(step.iteration):
                yield self._entry(step, loss_sum / examples, started)
                loss_sum, examples, started = 0.0, 0, time.monotonic()

    def _steps(self, optimizer: optim.Optimizer) -> Iterator[Step]:
        batches = self._loader.training(self._examples.train, self._plan, self._training.seed, self._augmentations)
        for index, batch in enumerate(batches):
            self._check()
            rate = self._peak_rate * factor(
                self._training.schedule, self._kind, index, self._plan.iterations, self._plan.iterations_per_epoch
            )
            set_learning_rate(optimizer, rate)
            step = Step(index + 1, len(batch), rate, self._step(optimizer, batch))
            if not math.isfinite(step.loss):
                raise self._diverged(f"the training loss is no number at iteration {step.iteration}")
            self._observer.step_done(step)
            yield step

    def _step(self, optimizer: optim.Optimizer, batch: Batch) -> float:
        optimizer.zero_grad(set_to_none=True)
        try:
            losses_B, _ = self._classifier.losses(batch)
        except ValueError as error:
            if len(batch) == 1 and "more than 1 value per channel" in str(error):
                raise invalid_spec(
                    "training.batchSize: BatchNorm cannot train on one value of each channel, which is all that a "
                    "single example has at this size; set it to 2 or more, or make imageResizer larger"
                ) from error
            raise
        loss = losses_B.mean()
        torch.autograd.backward(loss)
        optimizer.step()
        return loss.item()

    def _entry(self, step: Step, train_loss: float, started: float) -> HistoryEntry:
        loss, accuracy = self._validate()
        return HistoryEntry(
            epoch=self._plan.epoch_at(step.iteration),
            iteration=step.iteration,
            learning_rate=step.learning_rate,
            train_loss=train_loss,
            validation_loss=loss,
            validation_accuracy=accuracy,
            seconds=time.monotonic() - started,
        )

    def _validate(self) -> tuple[float | None, float | None]:
        """Return loss and accuracy; None for both without a validation set, or where scores are no numbers."""
        if not self._examples.validation:
            return None, None
        batches = self._loader.evaluation(self._examples.validation, self._plan.batch_size)
        scores = self._classifier.evaluate(batches, self._check)
        loss = float(scores.losses_N.mean())
        if not math.isfinite(loss):
            return None, None
        accuracy = float((scores.scores_NK.argmax(axis=1) == scores.labels_N).mean())
        return loss, accuracy

    def _diverged(self, what: str) -> UserError:
        return invalid_spec(
            f"training.optimizer.learningRate {self._peak_rate:g} is too high for this training: {what}; lower it"
        )


def _copy(classifier: Classifier) -> Mapping[str, Tensor]:
    return {name: tensor.detach().cpu().clone() for name, tensor in classifier.network.state_dict().items()}
