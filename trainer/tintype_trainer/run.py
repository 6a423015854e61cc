"""A run: prepare, train, evaluate, publish."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tintype_api.constants import REPORT_FILE, ExitCode, Reason, Stage
from tintype_api.errors import UserError, data_error, peer_lost
from tintype_api.modelversion import ModelVersion, architecture_of, shared_batch_size
from tintype_api.spec import ModelVersionSpec
from tintype_api.spec.training import AUTO
from tintype_api.status import Artifacts
from tintype_trainer.device import Device, prepare_device
from tintype_trainer.evaluating import BestEvaluated, evaluate_best
from tintype_trainer.evaluation.for_status import status_metrics
from tintype_trainer.export.card import OnnxExported, not_exported
from tintype_trainer.exporting import export_best
from tintype_trainer.gpu_figures import gpu_reader
from tintype_trainer.interruption import Interruption
from tintype_trainer.learners import Learner
from tintype_trainer.learners.making import make_learner
from tintype_trainer.loop.batch_size import largest_batch
from tintype_trainer.loop.best import best_of
from tintype_trainer.loop.plan import Plan, plan, with_batch_size
from tintype_trainer.loop.records import Ending, Epoch, Trained
from tintype_trainer.loop.training import TrainingRun
from tintype_trainer.networks.batch_norm import share_batch_norm
from tintype_trainer.networks.weights import InitialWeightsRecord, save_weights
from tintype_trainer.output.checkpoints import Checkpoints, Ground, Resumed, clear_checkpoints
from tintype_trainer.output.event_file import EVENTS_FILE, event_file
from tintype_trainer.output.manifest import (
    DATASET_FILE,
    EVALUATION_FILE,
    METRICS_FILE,
    MODEL_FILE,
    PREDICTIONS_FILE,
    WEIGHTS_FILE,
)
from tintype_trainer.output.modelcard import model_json
from tintype_trainer.output.publishing import Publisher, run_id
from tintype_trainer.pixels.batches import Loader
from tintype_trainer.preparing import Prepared, open_loader, prepare
from tintype_trainer.processes.group import ALONE, Group
from tintype_trainer.report.of_run import ReportedFiles, report_or_none
from tintype_trainer.reporting.journal import Journal
from tintype_trainer.reporting.progress import TrainingProgress
from tintype_trainer.starting import built_network, initial_network, on_device
from tintype_trainer.stopping import StoppedUntrainedError, StopRequest
from tintype_trainer.storage import Store, temporary_folder


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
        group: The processes that train together.
        local_rank: Number of this one on its node.
    """

    store: Store
    cache: Path
    journal: Journal
    interruption: Interruption
    staging: Callable[[int, int], None]
    count_examples: Callable[[int], None]
    stop: StopRequest = field(default_factory=StopRequest)
    group: Group = ALONE
    local_rank: int = 0


@dataclass(frozen=True, slots=True)
class Work:
    """What is trained and evaluated.

    Attributes:
        asked: The resolved version as it was asked for.
        version: The same with a number for batchSize Auto.
        around: What the run has around it.
        prepared: The examples.
        learner: The network.
        loader: Makes batches of the examples.
    """

    asked: ModelVersion
    version: ModelVersion
    around: Surroundings
    prepared: Prepared
    learner: Learner
    loader: Loader


@dataclass(frozen=True, slots=True)
class Published:
    """What came of a run.

    Attributes:
        artifacts: What is in storage now; None in a process that has left it to rank 0.
        ending: Why its training ended; None where all was published before.
    """

    artifacts: Artifacts | None
    ending: Ending | None


def run_version(version: ModelVersion, around: Surroundings) -> Published:
    """Carry out a resolved version, from its data set to what is published.

    The caller has entered the stage Preparing. A version that is published already is not trained again.

    Raises:
        UserError: for all that a user can cause.
        Interrupted: SIGTERM came while the network was trained; a checkpoint is saved.
        StoppedUntrainedError: the stop was asked for before the first step, and there is no checkpoint.
    """
    spec, group = version.spec, around.group
    device = prepare_device(spec.compute, spec.training.precision, local_rank=around.local_rank)
    around.store.meter.watch_gpu(gpu_reader(device.torch_device))
    publisher = Publisher(around.store, version, run_id())
    published = group.first(_published_before(publisher, around) if group.leads else None)
    if published is not None:
        return published
    prepared = _prepare(version, publisher, around)
    checkpoints = Checkpoints(around.store, publisher.place, prepared.frozen.digest, around.cache, around.journal)
    resumed = _latest(checkpoints, group)
    network, weights = _network(spec, around, device, resumed)
    group.level(network.state_dict().values())
    learner = make_learner(spec, network, device, weights.normalisation, prepared.training_counts(spec.concepts))
    with open_loader(spec, prepared, device.threads) as loader:
        batch_size = resumed.ground.batch_size if resumed else _batch_size(spec, around, prepared, learner, loader)
        share_batch_norm(network, group, device)
        work = Work(version, _with_batch_size(version, batch_size), around, prepared, learner, loader)
        trained = _train(work, checkpoints, Ground(batch_size, weights), resumed)
        learner.network.load_state_dict(trained.weights)
        evaluated = _evaluate(work, trained)
        if evaluated is None:
            return Published(None, trained.ending)
        around.journal.enter(Stage.PUBLISHING)
        onnx = export_best(
            publisher, spec, prepared.examples, learner, loader, weights.normalisation, around.cache, around.journal
        )
        model = model_json(work.version, prepared.frozen, weights, learner, evaluated.evaluation, onnx)
        metrics = metrics_jsonl(trained)
        files = ReportedFiles(publisher.place.uri, model, metrics, evaluated, isinstance(onnx, OnnxExported))
        report = report_or_none(version, files, prepared, loader, device.threads, around.journal, around.interruption)
    if report is not None:
        publisher.add(REPORT_FILE, report)
    _publish(publisher, around.cache, model, metrics, trained, evaluated, weights)
    artifacts = publisher.finish(prepared.frozen.digest, not_exported(onnx))
    around.journal.update(urgent=True, artifacts=artifacts)
    clear_checkpoints(around.store, publisher.place, around.journal)
    return Published(artifacts, trained.ending)


def prepare_version(version: ModelVersion, around: Surroundings) -> None:
    """Prepare the data set of a resolved version, and keep what was chosen for the Pods that train.

    No GPU is needed, and no weights are brought.

    Raises:
        UserError: for all that a user can cause.
    """
    publisher = Publisher(around.store, version, run_id())
    if _published_before(publisher, around) is None:
        prepare(version, around.store, publisher.place, around.cache, around.journal, around.staging)


def _prepare(version: ModelVersion, publisher: Publisher, around: Surroundings) -> Prepared:
    """Prepare the data set in each process, and see to it that all have the same examples."""
    prepared = around.group.one_after_another(
        lambda: prepare(version, around.store, publisher.place, around.cache, around.journal, around.staging)
    )
    if len(set(around.group.gather(prepared.frozen.digest))) > 1:
        raise UserError(
            f"dataset.uri: {version.spec.dataset.uri} changed while the processes of this training read it; keep it as "
            "it is, and apply this ModelVersion anew if it fails",
            exit_code=ExitCode.FAILED,
            reason=Reason.DATA_ERROR,
        )
    examples, processes = len(prepared.examples.train), around.group.size
    if examples < processes:
        raise data_error(
            f"compute: {processes} processes cannot share {examples} training examples; lower compute.gpus or "
            "compute.nodes"
        )
    if around.group.leads:
        publisher.add(DATASET_FILE, prepared.frozen.lines_gz)
    return prepared


def _latest(checkpoints: Checkpoints, group: Group) -> Resumed | None:
    """Return the newest checkpoint, the same in each process."""
    resumed = checkpoints.latest()
    if len(set(group.gather(resumed.snapshot.memory.last.iteration if resumed else None))) > 1:
        raise peer_lost("the processes of this training do not find the same checkpoint; they are started anew")
    return resumed


def _published_before(publisher: Publisher, around: Surroundings) -> Published | None:
    artifacts = publisher.begin()
    if artifacts is None:
        return None
    around.journal.note(f"{publisher.place.uri} is published already; nothing is left to do")
    around.journal.update(urgent=True, stage=Stage.PUBLISHING, artifacts=artifacts)
    # Whoever published may have been ended before it could.
    clear_checkpoints(around.store, publisher.place, around.journal)
    return Published(artifacts, None)


def metrics_jsonl(trained: Trained) -> bytes:
    """Return metrics.jsonl: one line an epoch, with the validation set's metrics of each concept. Pure."""
    return "".join(json.dumps(_epoch_line(epoch)) + "\n" for epoch in trained.epochs).encode()


def _epoch_line(epoch: Epoch) -> dict[str, Any]:
    if epoch.measures is None:
        return epoch.entry.to_wire()
    return epoch.entry.to_wire() | {"concepts": [each.to_wire() for each in status_metrics(epoch.measures).concepts]}


def _network(
    spec: ModelVersionSpec, around: Surroundings, device: Device, resumed: Resumed | None
) -> tuple[nn.Module, InitialWeightsRecord]:
    """Return the network, and where its first weights came from; those of a checkpoint need not be had again."""
    if resumed is None:
        return initial_network(spec, around.store, around.cache, device)
    return on_device(built_network(spec), device), resumed.ground.initial_weights


def _batch_size(
    spec: ModelVersionSpec, around: Surroundings, prepared: Prepared, learner: Learner, loader: Loader
) -> int:
    """Return the batch size; the number that Auto means here is measured."""
    training = spec.training
    if isinstance(training.batch_size, int):
        return training.batch_size
    group = around.group
    largest = shared_batch_size(min(architecture_of(training).batch_size, len(prepared.examples.train)), group.size)
    share = largest // group.size
    if group.leads:
        share = largest_batch(
            learner, share, lambda count: next(loader.evaluation(prepared.examples.train[:count], count))
        )
    size = group.first(share) * group.size
    around.journal.note(f"training.batchSize Auto: batches of {size}")
    return size


def _with_batch_size(version: ModelVersion, batch_size: int) -> ModelVersion:
    """Return the version with the number that batchSize Auto means here."""
    training = version.spec.training
    if training.batch_size != AUTO:
        return version
    update = {"training": with_batch_size(training, batch_size)}
    return version.model_copy(update={"spec": version.spec.model_copy(update=update)})


def _train(work: Work, checkpoints: Checkpoints, ground: Ground, resumed: Resumed | None) -> Trained:
    around, spec = work.around, work.version.spec
    (asked,) = around.group.any(around.stop.asked)
    if asked and resumed is None:
        raise StoppedUntrainedError
    planned = plan(len(work.prepared.examples.train), spec.training, around.group.size)
    around.journal.note(describe(work.version, planned, work.learner.device))
    around.journal.enter(Stage.TRAINING)
    torch.manual_seed(spec.training.seed + around.group.rank)
    progress = TrainingProgress(
        around.journal, planned, work.asked.spec.training, spec.view.type, around.count_examples
    )
    with around.interruption.deferred():
        return TrainingRun(
            work.learner,
            work.loader,
            work.prepared.examples,
            planned,
            spec,
            progress,
            around.interruption.check,
            lambda snapshot: checkpoints.save(ground, snapshot, planned.epoch_at(snapshot.memory.last.iteration)),
            resumed=resumed.snapshot if resumed else None,
            stop=around.stop,
            group=around.group,
            meter=around.store.meter,
        ).run()


def describe(version: ModelVersion, planned: Plan, device: Device) -> str:
    """Return what is about to be trained, in one line. Pure."""
    training = version.spec.training
    return (
        f"{training.architecture}: {planned.epochs:.4g} epochs of {planned.iterations_per_epoch} iterations, batches "
        f"of {planned.batch_size}, {training.optimizer.type} at {training.optimizer.learning_rate:g}, on "
        f"{device.torch_device.type} in {device.precision}, {device.threads} threads"
        + (f", by {planned.processes} processes" if planned.processes > 1 else "")
    )


def _evaluate(work: Work, trained: Trained) -> BestEvaluated | None:
    around, spec = work.around, work.version.spec
    around.journal.enter(Stage.EVALUATING)
    best = best_of(trained.selection, spec.view.type)
    assert best is not None, "a training without a best epoch has failed"
    return evaluate_best(
        spec,
        best,
        work.prepared,
        work.learner,
        work.loader,
        trained.examples_at_once,
        around.journal,
        around.interruption.check,
        group=around.group,
    )


def _publish(
    publisher: Publisher,
    cache: Path,
    model: bytes,
    metrics: bytes,
    trained: Trained,
    evaluated: BestEvaluated,
    weights: InitialWeightsRecord,
) -> None:
    publisher.add(MODEL_FILE, model)
    publisher.add(METRICS_FILE, metrics)
    publisher.add(EVENTS_FILE, event_file([epoch.entry for epoch in trained.epochs], time.time()))
    publisher.add(EVALUATION_FILE, evaluated.evaluation.to_bytes())
    publisher.add(PREDICTIONS_FILE, evaluated.predictions_gz)
    _publish_weights(publisher, cache, trained, weights)


def _publish_weights(publisher: Publisher, cache: Path, trained: Trained, weights: InitialWeightsRecord) -> None:
    metadata = {
        "format": "pt",
        "mean": json.dumps(weights.normalisation.mean),
        "std": json.dumps(weights.normalisation.std),
    }
    with temporary_folder(cache) as folder:
        path = Path(folder, WEIGHTS_FILE)
        save_weights(trained.weights, path, metadata)
        publisher.add(WEIGHTS_FILE, path)
