"""Weights: those that a training starts from, and what belongs to them."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from tintype_api.catalogue import Architecture
from tintype_api.errors import invalid_spec
from tintype_trainer.networks import head_layers

NAMED_KEYS: Final = 5
RANDOM: Final = "Random"


@dataclass(frozen=True, slots=True)
class Normalisation:
    """What weights expect of their input.

    Attributes:
        mean: Mean of each RGB channel in [0, 1].
        std: Standard deviation of each RGB channel in [0, 1].
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class InitialWeightsRecord:
    """The weights that a training started from, as model.json states them.

    Attributes:
        source: Their URI, or Random.
        sha256: sha256 of the file, hexadecimal; None for random ones.
        metadata: What the file says of itself, such as its licence.
        head: "loaded", or "drawn" where its shape was another.
        normalisation: The file's, else the catalogue's.
    """

    source: str
    sha256: str | None
    metadata: Mapping[str, str]
    head: str
    normalisation: Normalisation


def random_weights(architecture: Architecture) -> InitialWeightsRecord:
    """Return the record of a network whose weights were all drawn."""
    return InitialWeightsRecord(RANDOM, None, {}, "drawn", Normalisation(architecture.mean, architecture.std))


def load_initial_weights(network: nn.Module, architecture: Architecture, path: Path, uri: str) -> InitialWeightsRecord:
    """Load a safetensors file into the network; a head of another shape keeps its drawn weights.

    The file's metadata may hold `mean` and `std`, JSON lists of three numbers.

    Args:
        network: The network, changed in place.
        architecture: Its entry of the catalogue.
        path: The local file.
        uri: Where it comes from, for sentences and the record.

    Raises:
        UserError: exit 64 where it is no safetensors file, or where its names or shapes are not the architecture's.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118  # not a dict
    except SafetensorError as error:
        raise invalid_spec(
            f"training.initialWeights.uri: {uri} is no safetensors file ({error}); save the weights in that format"
        ) from error
    head_drawn = _load(network, tensors, architecture.name, uri)
    return InitialWeightsRecord(
        source=uri,
        sha256=_sha256(path),
        metadata=dict(sorted(metadata.items())),
        head="drawn" if head_drawn else "loaded",
        normalisation=_normalisation(metadata, architecture, uri),
    )


def save_weights(state: Mapping[str, Tensor], path: Path, metadata: Mapping[str, str]) -> None:
    """Write a state dict to a safetensors file under the library's own names."""
    save_file({name: tensor.contiguous() for name, tensor in state.items()}, path, metadata=dict(metadata))


def _load(network: nn.Module, tensors: dict[str, Tensor], architecture: str, uri: str) -> bool:
    own = network.state_dict()
    prefix = tuple(f"{layer.name}." for layer in head_layers(network))
    misshapen = [key for key in own if key in tensors and own[key].shape != tensors[key].shape]
    head_drawn = any(key.startswith(prefix) for key in misshapen)
    problems = (
        [f"{key} is missing" for key in own if key not in tensors]
        + [f"{key} is not of this architecture" for key in tensors if key not in own]
        + [
            f"{key} has the shape {list(tensors[key].shape)}, not {list(own[key].shape)}"
            for key in misshapen
            if not key.startswith(prefix)
        ]
    )
    if problems:
        more = f" and {len(problems) - NAMED_KEYS} more" if len(problems) > NAMED_KEYS else ""
        raise invalid_spec(
            f"training.initialWeights.uri: {uri} does not fit {architecture}: "
            f"{', '.join(problems[:NAMED_KEYS])}{more}; give weights of the same architecture with its library's names"
        )
    kept = {key: value for key, value in own.items() if head_drawn and key.startswith(prefix)}
    network.load_state_dict({**tensors, **kept})
    return head_drawn


def _normalisation(metadata: Mapping[str, str], architecture: Architecture, uri: str) -> Normalisation:
    return Normalisation(
        mean=_channels(metadata["mean"], "mean", uri) if "mean" in metadata else architecture.mean,
        std=_channels(metadata["std"], "std", uri) if "std" in metadata else architecture.std,
    )


def _channels(text: str, key: str, uri: str) -> tuple[float, ...]:
    try:
        numbers = tuple(float(number) for number in json.loads(text))
    except (ValueError, TypeError):
        numbers = ()
    fits = len(numbers) == 3 and all(math.isfinite(number) for number in numbers)
    if not fits or (key == "std" and min(numbers) <= 0):
        raise invalid_spec(
            f"training.initialWeights.uri: the metadata of {uri} has the {key} '{text}'; "
            f"make it a JSON list of three{' positive' if key == 'std' else ''} numbers"
        )
    return numbers


def _sha256(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
