"""How long a training is and which examples make each batch. Pure."""

import math
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tintype_api.modelversion import architecture_of, default_learning_rate
from tintype_api.spec.training import Training
from tintype_trainer.loop.randomness import Stream, generator


@dataclass(frozen=True, slots=True)
class Plan:
    """The length of a training.

    Attributes:
        examples: Training examples of an epoch.
        batch_size: Examples of a batch, but for the last of an epoch.
        epochs: Passes over the examples, maybe with a fraction.
        iterations: Optimizer steps in all.
        processes: How many share each batch.
    """

    examples: int
    batch_size: int
    epochs: float
    iterations: int
    processes: int = 1

    @property
    def iterations_per_epoch(self) -> int:
        """Optimizer steps of one epoch."""
        return batch_count(self.examples, self.batch_size, self.processes)

    def batch(self, iteration: int) -> tuple[int, int, int]:
        """Return the epoch of one step (both from 0), and (first, past the last) of its examples in that epoch."""
        epoch, position = divmod(iteration, self.iterations_per_epoch)
        return epoch, *batch_bounds(self.examples, self.batch_size, position, self.processes)

    def epoch_at(self, iteration: int) -> float:
        """Return the epochs done after `iteration` steps, with the fraction of the current one."""
        return iteration / self.iterations_per_epoch

    def steps_in(self, epochs: float) -> int:
        """Return the steps of a number of epochs, rounded up to whole steps.

        Decimal arithmetic, so that 0.1 epochs of 30 steps are 3.
        """
        return math.ceil(Decimal(str(epochs)) * self.iterations_per_epoch)

    def ends_epoch(self, iteration: int) -> bool:
        """Return whether metrics are due after `iteration` steps: at each epoch's end and after the last step."""
        return iteration == self.iterations or iteration % self.iterations_per_epoch == 0


def plan(examples: int, training: Training, processes: int = 1) -> Plan:
    """Return the plan of a resolved training over a number of examples; batchSize Auto has its number by now.

    Args:
        examples: Training examples of an epoch, at least one for each process.
        training: The options.
        processes: How many share each batch.
    """
    assert isinstance(training.batch_size, int), "with_batch_size fills in Auto"
    per_epoch = batch_count(examples, training.batch_size, processes)
    if training.iterations is not None:
        return Plan(examples, training.batch_size, training.iterations / per_epoch, training.iterations, processes)
    assert training.epochs is not None, "resolve fills in epochs"
    one_step = Plan(examples, training.batch_size, training.epochs, 1, processes)
    return replace(one_step, iterations=one_step.steps_in(training.epochs))


def with_batch_size(training: Training, batch_size: int) -> Training:
    """Return the training with a number in place of batchSize Auto, and the learning rate that goes with it.

    A learning rate that the user gave stays.
    """
    optimizer = training.optimizer
    assert optimizer.type is not None, "resolve fills in the optimizer"
    rate = optimizer.learning_rate or default_learning_rate(architecture_of(training), optimizer.type, batch_size)
    return training.model_copy(
        update={"batch_size": batch_size, "optimizer": optimizer.model_copy(update={"learning_rate": rate})}
    )


def batch_count(examples: int, batch_size: int, processes: int = 1) -> int:
    """Return the batches of an epoch: ceil(examples / batch_size).

    The last batch may be smaller; but one that has not two examples for each process joins the batch before, since
    BatchNorm without spatial extent cannot normalise one value.
    """
    rest = examples % batch_size
    joins = batch_size > 1 and examples > batch_size and 0 < rest < 2 * processes
    return -(-examples // batch_size) - joins


def batch_bounds(examples: int, batch_size: int, position: int, processes: int = 1) -> tuple[int, int]:
    """Return (first, past the last) of the batch at a position of the epoch."""
    is_last = position == batch_count(examples, batch_size, processes) - 1
    return position * batch_size, examples if is_last else (position + 1) * batch_size


def part_bounds(examples: int, parts: int) -> list[tuple[int, int]]:
    """Return (first, past the last) of each part of some examples; their sizes differ by at most one."""
    borders = [place * examples // parts for place in range(parts + 1)]
    return list(pairwise(borders))


def training_batch(plan: Plan, seed: int, iteration: int) -> tuple[int, NDArray[np.int64]]:
    """Return the epoch (from 0) and the indices of the examples of one step (from 0)."""
    epoch, first, end = plan.batch(iteration)
    return epoch, epoch_order(plan.examples, seed, epoch)[first:end]


@lru_cache(maxsize=2)
def epoch_order(examples: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """Return the order of the examples in one epoch (from 0), which depends on seed and epoch alone."""
    order = generator(seed, Stream.ORDER, epoch).permutation(examples)
    order.setflags(write=False)
    return order
