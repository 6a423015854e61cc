"""What one epoch trains on: the training examples, repeated by balancing, and then the negatives. Pure."""

from dataclasses import replace

from tintype_api.spec.dataset import DatasetOptions
from tintype_trainer.datasets.balancing import balance
from tintype_trainer.datasets.dataset import Split, Staged, labels

_WITHOUT_CONCEPT = ""
"""One more label, for examples that no concept holds of; no concept has this name."""


def arrange(staged: Staged, options: DatasetOptions) -> Staged:
    """Return the staged examples with what an epoch trains on, as the options say.

    Labels are the concepts of the examples, in Detection those of the boxes.
    """
    if options.balance is None:
        return staged
    examples = staged.examples
    training = [i for i in staged.training if not examples[i].example.negative]
    negatives = [i for i in staged.training if examples[i].example.negative]
    repeats = balance(
        [labels(examples[i].example) or (_WITHOUT_CONCEPT,) for i in training], options.balance.max_expansion_ratio
    )
    repeated = [i for i, more in zip(training, repeats, strict=True) for _ in range(1 + more)]
    return replace(staged, training=(*repeated, *negatives))


def without_repeats(staged: Staged) -> int:
    """Return the number of training examples of the data set, each once and without negatives."""
    return sum(1 for each in staged.examples if each.example.split is Split.TRAIN and not each.example.negative)
