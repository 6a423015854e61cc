"""Evaluates a published version on any data set."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from torch import nn

from tintype_api.spec import ModelVersionSpec
from tintype_trainer.datasets.dataset import Selection, Split
from tintype_trainer.datasets.examples import read_for_evaluation
from tintype_trainer.datasets.freezing import freeze
from tintype_trainer.device import Device
from tintype_trainer.evaluation.document import Evaluation
from tintype_trainer.evaluation.making import Evaluated, evaluate_elsewhere
from tintype_trainer.learners.making import make_learner
from tintype_trainer.loop.records import Examples
from tintype_trainer.pixels.staging import stage
from tintype_trainer.preparing import Prepared, open_loader
from tintype_trainer.storage import Store
from tintype_trainer.use.applying import trained_network
from tintype_trainer.use.published import PublishedVersion


@dataclass(frozen=True, slots=True)
class EvaluatedElsewhere:
    """A version on other data.

    Attributes:
        evaluation: What evaluation.json holds.
        selection: The examples, and what was left out of them.
        unreadable: How many pictures could not be read.
    """

    evaluation: Evaluation
    selection: Selection
    unreadable: int


def evaluate_on(
    published: PublishedVersion,
    dataset_uri: str,
    split: Split | None,
    store: Store,
    cache: Path,
    device: Device,
    batch_size: int,
) -> EvaluatedElsewhere:
    """Return what a published version is worth on a data set, at the version's own thresholds.

    Args:
        published: The version.
        dataset_uri: Data set of any format.
        split: Only those examples that the file says are of it; None: all.
        store: Storage.
        cache: Folder for pictures.
        device: Where to compute.
        batch_size: Examples at once.

    Raises:
        UserError: for all that can be wrong with version and data set.
    """
    spec = _on(published.version.spec, dataset_uri)
    selection = read_for_evaluation(spec, store, split)
    staged = stage(selection, store, cache)
    everything = range(len(staged.examples))
    prepared = Prepared(staged, freeze(staged), Examples([], [], everything))
    learner = make_learner(
        spec, _network(published, store, device), device, published.normalisation, [1] * len(spec.concepts)
    )
    with open_loader(spec, prepared, device.threads) as loader:
        predictions = learner.predict(loader.evaluation(everything, batch_size), lambda: None)
    ids = [each.example.id for each in staged.examples]
    evaluated = Evaluated(ids, predictions, learner.measure(predictions))
    evaluation = evaluate_elsewhere(spec.view.type, published.thresholds, evaluated)
    return EvaluatedElsewhere(evaluation, selection, staged.unreadable.count)


def _network(published: PublishedVersion, store: Store, device: Device) -> nn.Module:
    with TemporaryDirectory() as folder:
        return trained_network(published, store, Path(folder), device)


def _on(spec: ModelVersionSpec, uri: str) -> ModelVersionSpec:
    """Return the spec with another data set, of which nothing is split off."""
    dataset = spec.dataset.model_copy(update={"uri": uri, "validation": None, "test": None, "group_by": None})
    return spec.model_copy(update={"dataset": dataset})
