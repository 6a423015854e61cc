"""One optimizer step: a batch, whole or in parts, to gradients, to new weights."""

from collections.abc import Callable, Sequence

import torch
from torch import nn, optim

from tintype_api.errors import UserError, gpu_out_of_memory, invalid_spec
from tintype_trainer.gpu_memory import is_out_of_gpu_memory, release_memory
from tintype_trainer.learners import Learner
from tintype_trainer.loop.backbone import trains_batch_norm
from tintype_trainer.loop.ema import Ema
from tintype_trainer.pixels.batches import Batch
from tintype_trainer.pixels.cutting import cut

SMALLEST_FOR_BATCH_NORM = 2
"""BatchNorm cannot take statistics from one value of each channel."""


class Stepper:
    """Takes the steps of one training.

    A batch is cut into parts of about the same size, one after the other, whose gradients add up to the whole
    batch's: the mean over all its examples. Only BatchNorm, which takes its statistics from each part, tells the
    difference; where it trains, no part is smaller than 2 examples.

    When the device has no memory left for a part, twice as many parts are tried for this batch and all that follow,
    until a part cannot be cut any more. Weights, average and schedule know nothing of the failed attempt, whose
    gradients are thrown away; but BatchNorm's running statistics have seen its parts, too, and dropout has drawn for
    them, so that the steps that follow are not those of a training that was cut from the start.

    Args:
        learner: What is trained, in place.
        optimizer: Over its parameters.
        batch_size: Examples of a whole batch.
        accumulation: Parts into which a whole batch is cut.
        clip_norm: The largest norm of the gradient; None: any.
        ema: Takes in each step's weights; None: nobody.
        note: Told, in a sentence, of parts that had to become smaller.
    """

    def __init__(
        self,
        learner: Learner,
        optimizer: optim.Optimizer,
        batch_size: int,
        accumulation: int,
        clip_norm: float | None,
        ema: Ema | None,
        note: Callable[[str], None],
    ) -> None:
        self._learner = learner
        self._optimizer = optimizer
        self._batch_size = batch_size
        self.parts = accumulation
        self._clip_norm = clip_norm
        self._ema = ema
        self._note = note

    @property
    def examples_at_once(self) -> int:
        """The examples of the largest part of a whole batch."""
        return _largest(self._batch_size, self._parts_of(self._batch_size))

    def step(self, batch: Batch) -> float:
        """Take one step and return the mean loss of the batch's examples before it.

        Raises:
            UserError: exit 64 where BatchNorm would see a single example; exit 1 where the device has too little memory
                even for the smallest part, or for the update of the weights, of which some may be new then.
        """
        loss = self._gradients(batch)
        while loss is None:
            self._halve(len(batch))
            loss = self._gradients(batch)
        self._update()
        return loss

    def _gradients(self, batch: Batch) -> float | None:
        """Compute the batch's gradients, clipped, and return its loss; None where there was too little memory."""
        self._optimizer.zero_grad(set_to_none=True)
        try:
            loss = add_gradients(self._learner, cut(batch, self._parts_of(len(batch))), len(batch))
            if self._clip_norm is not None:
                nn.utils.clip_grad_norm_(self._learner.network.parameters(), self._clip_norm)
        except RuntimeError as error:
            if is_out_of_gpu_memory(error):
                return None
            raise
        return loss

    def _update(self) -> None:
        try:
            self._optimizer.step()
            if self._ema is not None:
                self._ema.update()
        except RuntimeError as error:
            if is_out_of_gpu_memory(error):
                raise no_update(self.examples_at_once) from error
            raise

    def _halve(self, examples: int) -> None:
        before = _largest(examples, self._parts_of(examples))
        self.parts *= 2
        after = _largest(examples, self._parts_of(examples))
        self._optimizer.zero_grad(set_to_none=True)
        release_memory()
        if after == before:
            raise too_large(before)
        self._note(
            f"the device has no memory for {before} examples at once: each batch now goes through the network in parts "
            f"of at most {after}"
            + ("; BatchNorm takes its statistics from these parts" if trains_batch_norm(self._learner.network) else "")
        )

    def _parts_of(self, examples: int) -> int:
        """Return the parts of a batch of some examples: of a smaller one as many fewer as it is smaller."""
        smallest = smallest_part(self._learner.network)
        return max(1, min(-(-examples * self.parts // self._batch_size), examples // smallest))


def smallest_part(network: nn.Module) -> int:
    """Return the fewest examples that can go through a network in its current mode, as long as there are so many."""
    return SMALLEST_FOR_BATCH_NORM if trains_batch_norm(network) else 1


def add_gradients(learner: Learner, parts: Sequence[Batch], examples: int) -> float:
    """Add the gradient of the mean loss over all parts to the network's, and return that loss.

    Raises:
        UserError: exit 64 where BatchNorm cannot take statistics from a single example.
    """
    losses = []
    for part in parts:
        try:
            loss = learner.training_loss(part) * (len(part) / examples)
        except ValueError as error:
            if len(part) == 1 and "more than 1 value per channel" in str(error):
                raise invalid_spec(
                    "training.batchSize: BatchNorm cannot train on one value of each channel, which is all that a "
                    "single example has at this size; set it to 2 or more, or make imageResizer larger"
                ) from error
            raise
        torch.autograd.backward(loss)
        losses.append(loss.detach())
    return float(torch.stack(losses).sum())


def no_update(at_once: int) -> UserError:
    """Return what a user is told when the weights could not be updated while so many examples were seen at once."""
    smaller = (
        f"set training.batchSize to {at_once // 2}, choose a smaller training.architecture"
        if at_once > 1
        else "choose a smaller training.architecture"
    )
    return gpu_out_of_memory(
        "the device has no memory left to update the weights of this network with batches of which "
        f"{at_once} example{'s go' if at_once > 1 else ' goes'} through it at once; {smaller}, or ask for a larger GPU"
    )


def too_large(examples: int) -> UserError:
    """Return what a user is told when no smaller part is left to try."""
    return gpu_out_of_memory(
        f"imageResizer: the device has no memory to train this network on {examples} "
        f"example{'s' if examples > 1 else ''} at once; make it smaller, choose a smaller training.architecture, or "
        "ask for a larger GPU"
    )


def _largest(examples: int, parts: int) -> int:
    return -(-examples // parts)
