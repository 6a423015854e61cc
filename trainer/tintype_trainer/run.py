"""A run: prepare, train, evaluate, publish."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from tintype_api.constants import Stage
from tintype_api.modelversion import ModelVersion, architecture_of
from tintype_api.spec.training import AUTO, Training
from tintype_api.status import Artifacts
from tintype_trainer.device import Device, prepare_device
from tintype_trainer.evaluating import BestEvaluated, evaluate_best
from tintype_trainer.evaluation.for_status import status_metrics
from tintype_trainer.export.card import not_exported
from tintype_trainer.exporting import export_best
from tintype_trainer.interruption import Interruption
from tintype_trainer.learners import Learner
from tintype_trainer.learners.making import make_learner
from tintype_trainer.loop.batch_size import largest_batch
from tintype_trainer.loop.best import best_of
from tintype_trainer.loop.plan import Plan, plan, with_batch_size
from tintype_trainer.loop.training import Ending, Epoch, Trained, TrainingRun
from tintype_trainer.networks.weights import InitialWeightsRecord, save_weights
from tintype_trainer.output.manifest import MODEL_FILE, WEIGHTS_FILE
from tintype_trainer.output.modelcard import model_json
from tintype_trainer.output.publishing import Publisher, run_id
from tintype_trainer.pixels.batches import Loader
from tintype_trainer.preparing import Prepared, open_loader, prepare
from tintype_trainer.reporting.journal import Journal
from tintype_trainer.reporting.progress import TrainingProgress
from tintype_trainer.starting import initial_network
from tintype_trainer.stopping import StoppedUntrainedError, StopRequest
from tintype_trainer.storage import Store


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a run has around it.

    Attributes:
        store: Storage.
        cache: Folder for pictures and initial weights, kept between runs.
        journal: Who is told what happens.
        interruption: What SIGTERM does.
        staging: Told of pictures done and pictures in all.
        count_examples: Told of the examples of each step.
        stop: Whether the training is to end before its plan does.
    """

    store: Store
    cache: Path
    journal: Journal
    interruption: Interruption
    staging: Callable[[int, int], None]
    count_examples: Callable[[int], None]
    stop: StopRequest = field(default_factory=StopRequest)


@dataclass(frozen=True, slots=True)
class Published:
    """What came of a run.

    Attributes:
        artifacts: What is in storage now.
        ending: Why its training ended; None where all was published before.
    """

    artifacts: Artifacts
    ending: Ending | None


def run_version(version: ModelVersion, around: Surroundings) -> Published:
    """Carry out a resolved version, from its data set to what is published.

    The caller has entered the stage Preparing. A version that is published already is not trained again.

    Raises:
        UserError: for all that a user can cause.
        Interrupted: SIGTERM came while the network was trained.
        StoppedUntrainedError: the stop was asked for before the first step.
    """
    spec = version.spec
    device = prepare_device(spec.compute, spec.training.precision)
    publisher = Publisher(around.store, version, run_id())
    published = publisher.begin()
    if published is not None:
        around.journal.note(f"{publisher.uri} is published already; nothing is left to do")
        around.journal.update(urgent=True, stage=Stage.PUBLISHING, artifacts=published)
        return Published(published, None)
    prepared = prepare(version, around.store, around.cache, around.journal, around.staging)
    publisher.add("dataset.jsonl.gz", prepared.frozen.lines_gz)
    network, weights = initial_network(spec, around.store, around.cache, device)
    learner = make_learner(spec, network, device, weights.normalisation, prepared.training_counts(spec.concepts))
    with open_loader(spec, prepared, device.threads) as loader:
        asked, version = spec.training, _with_batch_size(version, around, prepared, learner, loader)
        trained = _train(version, around, prepared, learner, loader, asked)
        learner.network.load_state_dict(trained.weights)
        evaluated = _evaluate(version, around, prepared, learner, loader, trained)
        around.journal.enter(Stage.PUBLISHING)
        onnx = export_best(
            publisher, spec, prepared.examples, learner, loader, weights.normalisation, around.cache, around.journal
        )
    model = model_json(version, prepared.frozen, weights, learner, evaluated.evaluation, onnx)
    _publish(publisher, around.cache, model, trained, evaluated, weights)
    artifacts = publisher.finish(prepared.frozen.digest, not_exported(onnx))
    around.journal.update(urgent=True, artifacts=artifacts)
    return Published(artifacts, trained.ending)


def metrics_jsonl(trained: Trained) -> bytes:
    """Return metrics.jsonl: one line an epoch, with the validation set's metrics of each concept. Pure."""
    return "".join(json.dumps(_epoch_line(epoch)) + "\n" for epoch in trained.epochs).encode()


def _epoch_line(epoch: Epoch) -> dict[str, Any]:
    if epoch.measures is None:
        return epoch.entry.to_wire()
    return epoch.entry.to_wire() | {"concepts": [each.to_wire() for each in status_metrics(epoch.measures).concepts]}


def _with_batch_size(
    version: ModelVersion, around: Surroundings, prepared: Prepared, learner: Learner, loader: Loader
) -> ModelVersion:
    """Return the version with the number that batchSize Auto means here, measured."""
    training = version.spec.training
    if training.batch_size != AUTO:
        return version
    largest = min(architecture_of(training).batch_size, len(prepared.examples.train))
    size = largest_batch(
        learner, largest, lambda count: next(loader.evaluation(prepared.examples.train[:count], count))
    )
    around.journal.note(f"training.batchSize Auto: batches of {size}")
    update = {"training": with_batch_size(training, size)}
    return version.model_copy(update={"spec": version.spec.model_copy(update=update)})


def _train(
    version: ModelVersion, around: Surroundings, prepared: Prepared, learner: Learner, loader: Loader, asked: Training
) -> Trained:
    spec = version.spec
    if around.stop.asked:
        raise StoppedUntrainedError
    planned = plan(len(prepared.examples.train), spec.training)
    around.journal.note(describe(version, planned, learner.device))
    around.journal.enter(Stage.TRAINING)
    torch.manual_seed(spec.training.seed)
    progress = TrainingProgress(around.journal, planned, asked, spec.view.type, around.count_examples)
    with around.interruption.deferred():
        check, stop = around.interruption.check, around.stop
        return TrainingRun(learner, loader, prepared.examples, planned, spec, progress, check, stop=stop).run()


def describe(version: ModelVersion, planned: Plan, device: Device) -> str:
    """Return what is about to be trained, in one line. Pure."""
    training = version.spec.training
    return (
        f"{training.architecture}: {planned.epochs:.4g} epochs of {planned.iterations_per_epoch} iterations, batches "
        f"of {planned.batch_size}, {training.optimizer.type} at {training.optimizer.learning_rate:g}, on "
        f"{device.torch_device.type} in {device.precision}, {device.threads} threads"
    )


def _evaluate(
    version: ModelVersion, around: Surroundings, prepared: Prepared, learner: Learner, loader: Loader, trained: Trained
) -> BestEvaluated:
    around.journal.enter(Stage.EVALUATING)
    best = best_of(trained.selection, version.spec.view.type)
    assert best is not None, "a training without a best epoch has failed"
    check, examples_at_once = around.interruption.check, trained.examples_at_once
    return evaluate_best(version.spec, best, prepared, learner, loader, examples_at_once, around.journal, check)


def _publish(
    publisher: Publisher,
    cache: Path,
    model: bytes,
    trained: Trained,
    evaluated: BestEvaluated,
    weights: InitialWeightsRecord,
) -> None:
    publisher.add(MODEL_FILE, model)
    publisher.add("metrics.jsonl", metrics_jsonl(trained))
    publisher.add("evaluation.json", evaluated.evaluation.to_bytes())
    publisher.add("predictions.jsonl.gz", evaluated.predictions_gz)
    _publish_weights(publisher, cache, trained, weights)


def _publish_weights(publisher: Publisher, cache: Path, trained: Trained, weights: InitialWeightsRecord) -> None:
    metadata = {
        "format": "pt",
        "mean": json.dumps(weights.normalisation.mean),
        "std": json.dumps(weights.normalisation.std),
    }
    with TemporaryDirectory(dir=cache) as folder:
        path = Path(folder, WEIGHTS_FILE)
        save_weights(trained.weights, path, metadata)
        publisher.add(WEIGHTS_FILE, path)
