"""One optimizer step: a batch, whole or in parts, to gradients, to new weights."""

from collections.abc import Callable, Sequence

import torch
from torch import nn, optim
from torch.nn import SyncBatchNorm

from tintype_api.errors import UserError, gpu_out_of_memory, invalid_spec
from tintype_trainer.gpu_memory import is_out_of_gpu_memory, release_memory
from tintype_trainer.learners import Learner
from tintype_trainer.loop.backbone import trains_batch_norm
from tintype_trainer.loop.ema import Ema
from tintype_trainer.pixels.batches import Batch
from tintype_trainer.pixels.cutting import cut
from tintype_trainer.processes.group import ALONE, Group

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

    Where several processes share each batch, their gradients are added up before the weights change, so that all of
    them keep the same weights; what one has no memory for, all cut.

    Args:
        learner: What is trained, in place.
        optimizer: Over its parameters.
        batch_size: Examples of a whole batch, over all processes.
        accumulation: Parts into which each process cuts its share of a whole batch.
        clip_norm: The largest norm of the gradient; None: any.
        ema: Takes in each step's weights; None: nobody.
        note: Told, in a sentence, of parts that had to become smaller.
        group: The processes that share each batch.
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
        group: Group = ALONE,
    ) -> None:
        self._learner = learner
        self._optimizer = optimizer
        self._share = batch_size // group.size
        self._parameters = [parameter for parameter in learner.network.parameters() if parameter.requires_grad]
        self.parts = accumulation
        self._clip_norm = clip_norm
        self._ema = ema
        self._note = note
        self._group = group
        # Within a step the other processes wait for the statistics of this one, and cannot be told to begin anew.
        self._waited_for = group.size > 1 and any(
            isinstance(module, SyncBatchNorm) for module in learner.network.modules()
        )

    @property
    def examples_at_once(self) -> int:
        """The examples of the largest part of this process's share of a whole batch."""
        return _largest(self._share, self._parts_of(self._share))

    def step(self, batch: Batch, examples: int) -> float:
        """Take one step and return the mean loss of the whole batch's examples before it.

        Args:
            batch: This process's share of the batch.
            examples: Of the whole batch.

        Raises:
            UserError: exit 64 where BatchNorm would see a single example; exit 1 where the device has too little memory
                even for the smallest part, or for the update of the weights, of which some may be new then.
        """
        smallest_share = examples // self._group.size
        loss = self._gradients(batch, examples, self._parts_of(smallest_share))
        while loss is None:
            self._halve(smallest_share)
            loss = self._gradients(batch, examples, self._parts_of(smallest_share))
        self._update()
        return loss

    def _gradients(self, batch: Batch, examples: int, parts: int) -> float | None:
        """Compute the whole batch's gradients, clipped, and its loss; None where a process had too little memory."""
        self._optimizer.zero_grad(set_to_none=True)
        own = self._unless_full(batch, parts, lambda: add_gradients(self._learner, cut(batch, parts), examples))
        loss = self._add_up(own)
        if loss is None or self._clip_norm is None:
            return loss
        norm = self._unless_full(batch, parts, self._clip)
        (full,) = self._group.any(norm is None)
        return None if full else loss

    def _clip(self) -> float:
        assert self._clip_norm is not None, "it is asked for"
        return float(nn.utils.clip_grad_norm_(self._learner.network.parameters(), self._clip_norm))

    def _unless_full(self, batch: Batch, parts: int, compute: Callable[[], float]) -> float | None:
        """Return what is computed; None where the device had too little memory for it."""
        try:
            return compute()
        except RuntimeError as error:
            if not is_out_of_gpu_memory(error):
                raise
            if self._waited_for:
                raise too_large_together(_largest(len(batch), parts)) from error
            return None

    def _add_up(self, own: float | None) -> float | None:
        """Add up loss and gradients of all processes; None where one of them has none."""
        if self._group.size == 1:
            return own
        has_gradient = [parameter.grad is not None for parameter in self._parameters]
        loss, without, *having = self._group.sum([own or 0.0, own is None, *has_gradient])
        if without:
            return None
        learning = [parameter for parameter, count in zip(self._parameters, having, strict=True) if count]
        for parameter in learning:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        self._group.add([parameter.grad for parameter in learning if parameter.grad is not None])
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
        return max(1, min(-(-examples * self.parts // self._share), examples // smallest))


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


def too_large_together(examples: int) -> UserError:
    """Return what a user is told where processes that share BatchNorm's statistics have no memory for a part."""
    return gpu_out_of_memory(
        f"training.accumulation: a GPU has no memory to train this network on {examples} examples at once, and several "
        "GPUs that share BatchNorm's statistics cannot begin a batch anew; double it, or lower training.batchSize"
    )


def _largest(examples: int, parts: int) -> int:
    return -(-examples // parts)
