"""Evaluation by several processes: each sees its share of the examples once."""

from collections.abc import Callable, Sequence

from tintype_trainer.learners import Learner
from tintype_trainer.learners.predictions import Predictions, joined
from tintype_trainer.pixels.batches import Loader
from tintype_trainer.processes.group import Group


def predict_together(
    group: Group,
    learner: Learner,
    loader: Loader,
    indices: Sequence[int],
    batch_size: int,
    check: Callable[[], None],
) -> Predictions | None:
    """Return, in rank 0, what the network says of all examples, in their order; None in the other processes.

    Args:
        group: The processes.
        learner: With the same network in each.
        loader: Makes batches of the examples.
        indices: The examples, at least one.
        batch_size: Examples that a process sees at once.
        check: Called before each batch; what it raises stops all processes, once each has seen its share or stopped.
    """
    first, end = group.bounds(len(indices))
    own: Predictions | None = None

    def predict() -> None:
        nonlocal own
        if end > first:
            own = learner.predict(loader.evaluation(indices[first:end], batch_size), check)

    group.in_step(predict)
    shares = [share for share in group.gather(own) if share is not None]
    return joined(shares) if group.leads else None
