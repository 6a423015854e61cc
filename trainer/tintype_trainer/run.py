"""A run: prepare, train, evaluate, publish."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from tintype_api.constants import Stage
from tintype_api.modelversion import ModelVersion, architecture_of
from tintype_api.quantity import size_bytes
from tintype_api.spec.resizer import ImageResizer
from tintype_api.spec.view import ViewType
from tintype_api.status import Artifacts, Best, Metrics
from tintype_trainer.arrangement import arrange
from tintype_trainer.batches import Loader
from tintype_trainer.best import best_of
from tintype_trainer.classifier import Classifier, Scores
from tintype_trainer.dataset import Split, Staged
from tintype_trainer.device import Device, prepare_device
from tintype_trainer.evaluation import evaluation_json, predictions_jsonl_gz, split_result, status_metrics
from tintype_trainer.examples import read_examples
from tintype_trainer.freezing import FrozenDataset, freeze
from tintype_trainer.geometry import canvas_size
from tintype_trainer.interruption import Interruption
from tintype_trainer.journal import Journal
from tintype_trainer.modelcard import model_json
from tintype_trainer.networks import build_classifier
from tintype_trainer.picture_memory import PictureMemory, picture_budget_bytes
from tintype_trainer.plan import Plan, plan
from tintype_trainer.progress import TrainingProgress
from tintype_trainer.publishing import Publisher, run_id
from tintype_trainer.samples import targets_of
from tintype_trainer.sentences import first_of
from tintype_trainer.staging import stage
from tintype_trainer.storage import Store
from tintype_trainer.training import Examples, Trained, TrainingRun
from tintype_trainer.weights import InitialWeightsRecord, load_initial_weights, random_weights, save_weights

WEIGHTS_FILE = "best.safetensors"


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
    """

    store: Store
    cache: Path
    journal: Journal
    interruption: Interruption
    staging: Callable[[int, int], None]
    count_examples: Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the training works on.

    Attributes:
        staged: The examples, on this machine.
        frozen: Their list.
        examples: Their indices, by split.
    """

    staged: Staged
    frozen: FrozenDataset
    examples: Examples


def run_version(version: ModelVersion, around: Surroundings) -> Artifacts:
    """Carry out a resolved version, from its data set to what is published.

    The caller has entered the stage Preparing. A version that is published already is not trained again.

    Raises:
        UserError: for all that a user can cause.
        Interrupted: SIGTERM came while the network was trained.
    """
    device = prepare_device(version.spec.compute)
    publisher = Publisher(around.store, version, run_id())
    published = publisher.begin()
    if published is not None:
        around.journal.note(f"{publisher.uri} is published already; nothing is left to do")
        around.journal.update(urgent=True, stage=Stage.PUBLISHING, artifacts=published)
        return published
    prepared = _prepare(version, around)
    publisher.add("dataset.jsonl.gz", prepared.frozen.lines_gz)
    classifier, weights = _network(version, around, device)
    with _loader(version, prepared, device) as loader:
        trained = _train(version, around, prepared, classifier, loader)
        classifier.network.load_state_dict(trained.weights)
        evaluated = _evaluate(version, around, prepared, classifier, loader)
    around.journal.enter(Stage.PUBLISHING)
    best = best_of(trained.best)
    publisher.add("model.json", model_json(version, prepared.frozen, weights, device, best))
    publisher.add("metrics.jsonl", metrics_jsonl(trained))
    for name, content in _evaluation_files(version, prepared, evaluated, best).items():
        publisher.add(name, content)
    _publish_weights(publisher, around.cache, trained, weights)
    artifacts = publisher.finish(prepared.frozen.digest)
    around.journal.update(urgent=True, artifacts=artifacts)
    return artifacts


def metrics_jsonl(trained: Trained) -> bytes:
    """Return metrics.jsonl: one line an epoch. Pure."""
    return "".join(json.dumps(entry.to_wire()) + "\n" for entry in trained.history).encode()


def _prepare(version: ModelVersion, around: Surroundings) -> Prepared:
    selection = read_examples(version, around.store)
    staged = arrange(
        stage(selection, around.store, around.cache, progress=around.staging), version.spec.dataset_options
    )
    frozen = freeze(staged)
    around.journal.update(urgent=True, dataset=frozen.status)
    if frozen.status.duplicates is not None:
        same = frozen.status.duplicates
        around.journal.note(
            f"{same.count} pictures have equal pixels on both sides of a split, so that what is measured is too good: "
            f"{first_of(same.examples, same.count)}"
        )
    of = {split: [i for i, each in enumerate(staged.examples) if each.example.split is split] for split in Split}
    if not of[Split.VALIDATION]:
        around.journal.note(
            "there is no validation set: the last iteration is published, and the version has no performance "
            "indicator by which to compare it; dataset.validation sets examples aside"
        )
    return Prepared(staged, frozen, Examples(staged.training, of[Split.VALIDATION], of[Split.TEST]))


def _network(version: ModelVersion, around: Surroundings, device: Device) -> tuple[Classifier, InitialWeightsRecord]:
    training = version.spec.training
    architecture = architecture_of(training)
    torch.manual_seed(training.seed)
    network = build_classifier(architecture, len(version.spec.concepts), canvas_size(_resizer(version)))
    uri = training.initial_weights.uri if training.initial_weights else None
    if uri is None:
        weights = random_weights(architecture)
    else:
        with TemporaryDirectory(dir=around.cache) as folder:
            path = Path(folder, "initial.safetensors")
            around.store.download(uri, path)
            weights = load_initial_weights(network, architecture, path, uri)
    # Channels last trains efficientnet_lite0 at 128 pixels in two thirds of the CPU time; resnet18 takes a fifth more.
    network = network.to(device.torch_device).to(memory_format=torch.channels_last)
    return Classifier(network, device, weights.normalisation), weights


def _loader(version: ModelVersion, prepared: Prepared, device: Device) -> Loader:
    spec = version.spec
    examples = prepared.staged.examples
    return Loader(
        PictureMemory([staged.path for staged in examples], picture_budget_bytes(size_bytes(spec.compute.memory))),
        targets_of(
            [staged.example for staged in examples], spec.concepts, detection=spec.view.type is ViewType.DETECTION
        ),
        _resizer(version),
        workers=device.threads,
        crop_margin=spec.dataset_options.crop_margin or 0.0,
    )


def _resizer(version: ModelVersion) -> ImageResizer:
    assert version.spec.image_resizer is not None, "resolve fills in imageResizer"
    return version.spec.image_resizer


def _train(
    version: ModelVersion, around: Surroundings, prepared: Prepared, classifier: Classifier, loader: Loader
) -> Trained:
    planned = plan(len(prepared.examples.train), version.spec.training)
    around.journal.note(describe(version, planned, classifier.device))
    around.journal.enter(Stage.TRAINING)
    torch.manual_seed(version.spec.training.seed)
    progress = TrainingProgress(around.journal, planned, len(prepared.examples.validation), around.count_examples)
    with around.interruption.deferred():
        return TrainingRun(
            classifier,
            loader,
            prepared.examples,
            planned,
            version.spec.training,
            version.spec.augmentations,
            progress,
            around.interruption.check,
        ).run()


def describe(version: ModelVersion, planned: Plan, device: Device) -> str:
    """Return what is about to be trained, in one line. Pure."""
    training = version.spec.training
    return (
        f"{training.architecture}: {planned.epochs:.4g} epochs of {planned.iterations_per_epoch} iterations, batches "
        f"of {planned.batch_size}, {training.optimizer.type} at {training.optimizer.learning_rate:g}, on "
        f"{device.torch_device.type} in {device.precision}, {device.threads} threads"
    )


def _evaluate(
    version: ModelVersion, around: Surroundings, prepared: Prepared, classifier: Classifier, loader: Loader
) -> Mapping[Split, Scores]:
    around.journal.enter(Stage.EVALUATING)
    sets = {Split.VALIDATION: prepared.examples.validation, Split.TEST: prepared.examples.test}
    batch_size = version.spec.training.batch_size
    assert isinstance(batch_size, int), "resolve fills in batchSize"
    scores = {
        split: classifier.evaluate(loader.evaluation(indices, batch_size), around.interruption.check)
        for split, indices in sets.items()
        if indices
    }
    if Split.TEST in scores:
        metrics = around.journal.status.metrics or Metrics()
        test = status_metrics(split_result(scores[Split.TEST], version.spec.concepts))
        around.journal.update(urgent=True, metrics=metrics.model_copy(update={"test": test}))
    return scores


def _evaluation_files(
    version: ModelVersion, prepared: Prepared, evaluated: Mapping[Split, Scores], best: Best
) -> Mapping[str, bytes]:
    concepts = version.spec.concepts
    results = {split: split_result(scores, concepts) for split, scores in evaluated.items()}
    examples = {split: [staged.example for staged in prepared.staged.of(split)] for split in evaluated}
    return {
        "evaluation.json": evaluation_json(best, results, concepts),
        "predictions.jsonl.gz": predictions_jsonl_gz(examples, evaluated, concepts),
    }


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
