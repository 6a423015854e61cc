"""The network that a training starts from, with its initial weights, on its device."""

import json
from pathlib import Path

import torch
from torch import nn

from tintype_api.architecture import Architecture
from tintype_api.errors import data_error, invalid_spec
from tintype_api.modelversion import architecture_of
from tintype_api.spec import ModelVersionSpec
from tintype_api.spec.training import InitialWeights, WeightsSource
from tintype_api.spec.view import ViewType
from tintype_trainer.device import Device
from tintype_trainer.networks import build_classifier
from tintype_trainer.networks.building import build_detector
from tintype_trainer.networks.fitting import fit, fit_concepts
from tintype_trainer.networks.naming import without_eps
from tintype_trainer.networks.pretrained import check_licence, find_weights, known_weights
from tintype_trainer.networks.weights import (
    InitialWeightsRecord,
    Normalisation,
    normalisation_of,
    random_weights,
    read_weights,
    usual_normalisation,
)
from tintype_trainer.output.manifest import MANIFEST, MODEL_FILE, WEIGHTS_FILE, read_manifest
from tintype_trainer.pixels.geometry import canvas_size
from tintype_trainer.preparing import resizer_of
from tintype_trainer.storage import Store, is_folder, join, temporary_folder

BATCH_NORM_EPS = 1e-5
"""Of torchvision's detectors as they are built."""


def initial_network(
    spec: ModelVersionSpec, store: Store, cache: Path, device: Device
) -> tuple[nn.Module, InitialWeightsRecord]:
    """Return the network of a resolved spec, and where its weights come from.

    Args:
        spec: The resolved spec.
        store: Storage.
        cache: Folder for files on their way.
        device: Where the network goes.

    Raises:
        UserError: exit 64 where weights do not fit the architecture or may not be used, 66 where they cannot be had.
    """
    torch.manual_seed(spec.training.seed)
    weights = _weights_of(spec)
    network = built_network(spec)
    pretrained = weights.source is not WeightsSource.RANDOM
    with temporary_folder(cache) as folder:
        record = (
            _load(network, spec, weights, store, Path(folder))
            if pretrained
            else random_weights(architecture_of(spec.training))
        )
    return on_device(network, device), record


def on_device(network: nn.Module, device: Device) -> nn.Module:
    """Return the network on a device, in the memory format that trains it fastest there.

    Channels last trains efficientnet_lite0 at 128 pixels in two thirds of the CPU time; resnet18 takes a fifth more.
    """
    return network.to(device.torch_device).to(memory_format=torch.channels_last)


def built_network(spec: ModelVersionSpec) -> nn.Module:
    """Return the network of a resolved spec with the weights that its library draws."""
    architecture, concepts, size = architecture_of(spec.training), len(spec.concepts), canvas_size(resizer_of(spec))
    if spec.view.type is ViewType.DETECTION:
        pretrained = _weights_of(spec).source is not WeightsSource.RANDOM
        return build_detector(architecture, concepts, size, pretrained=pretrained)
    return build_classifier(architecture, concepts, size)


def _weights_of(spec: ModelVersionSpec) -> InitialWeights:
    assert spec.training.initial_weights is not None, "resolve fills in the initial weights"
    return spec.training.initial_weights


def _load(
    network: nn.Module, spec: ModelVersionSpec, weights: InitialWeights, store: Store, folder: Path
) -> InitialWeightsRecord:
    architecture = architecture_of(spec.training)
    if weights.model_version is not None:
        raise invalid_spec(
            f"training.initialWeights.modelVersion: {weights.model_version} can be found in a cluster only; without "
            "one give the uri of its folder, ending in /"
        )
    if weights.uri is None:
        assert weights.source is not None, "exactly one of source, modelVersion and uri is given"
        return _from_library(network, architecture, weights.source, store, folder)
    if is_folder(weights.uri):
        return _from_version(network, spec, weights.uri, store, folder)
    return _from_file(network, architecture, weights.uri, store, folder)


def _from_library(
    network: nn.Module, architecture: Architecture, source: WeightsSource, store: Store, folder: Path
) -> InitialWeightsRecord:
    known = known_weights(architecture, source)
    check_licence(known)
    found = find_weights(known, store, folder)
    where = f"training.initialWeights.source: {found.source} for {architecture.name}"
    file = read_weights(found.path, where)
    tensors = without_eps(file.tensors, BATCH_NORM_EPS) if known.no_eps else file.tensors
    return InitialWeightsRecord(
        source=f"{source}: {found.source}",
        sha256=file.sha256,
        metadata={**file.metadata, "tag": known.tag, "licence": known.licence},
        head=fit(network, tensors, where, other_concepts=True),
        normalisation=normalisation_of(file.metadata, Normalisation(known.mean, known.std), where),
    )


def _from_file(
    network: nn.Module, architecture: Architecture, uri: str, store: Store, folder: Path
) -> InitialWeightsRecord:
    path = folder / "initial.safetensors"
    store.download(uri, path)
    where = f"training.initialWeights.uri: {uri} for {architecture.name}"
    file = read_weights(path, where)
    head = fit(network, file.tensors, where)
    normalisation = normalisation_of(file.metadata, usual_normalisation(architecture), where)
    return InitialWeightsRecord(uri, file.sha256, file.metadata, head, normalisation)


def _from_version(
    network: nn.Module, spec: ModelVersionSpec, uri: str, store: Store, folder: Path
) -> InitialWeightsRecord:
    manifest = read_manifest(store.read(join(uri, MANIFEST)))
    if manifest is None:
        raise data_error(f"training.initialWeights.uri: {join(uri, MANIFEST)} is no manifest of tintype; correct it")
    paths = {file.name: join(uri, file.path) for file in manifest.files}
    card = json.loads(store.read(paths[MODEL_FILE]))
    architecture = architecture_of(spec.training)
    if card["architecture"]["name"] != architecture.name:
        raise invalid_spec(
            f"training.initialWeights: {uri} is a version of {card['architecture']['name']}, not of "
            f"{architecture.name}; choose its architecture or other weights"
        )
    path = folder / WEIGHTS_FILE
    store.download(paths[WEIGHTS_FILE], path)
    where = f"training.initialWeights: {paths[WEIGHTS_FILE]}"
    file = read_weights(path, where)
    kept = fit_concepts(network, file.tensors, spec.concepts, card["concepts"], where)
    normalisation = normalisation_of(file.metadata, usual_normalisation(architecture), where)
    return InitialWeightsRecord(uri, file.sha256, file.metadata, "kept" if kept else "drawn", normalisation, kept)
