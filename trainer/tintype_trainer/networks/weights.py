"""Files of weights, what belongs to them, and the record of those that a training started from."""

import hashlib
import json
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from tintype_api.architecture import IMAGENET_MEAN, IMAGENET_STD, Architecture
from tintype_api.errors import invalid_spec
from tintype_trainer.storage import cache_error

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
        source: Their URI, Random, or the source and where its file was found.
        sha256: sha256 of the file, hexadecimal; None for random ones.
        metadata: What the file says of itself, and the catalogue of it: tag and licence.
        head: "loaded", "drawn" where its shape was another, or "kept" for the concepts that agree.
        normalisation: The file's, else the catalogue's.
        kept_concepts: Concepts whose part of another version's head was kept.
    """

    source: str
    sha256: str | None
    metadata: Mapping[str, str]
    head: str
    normalisation: Normalisation
    kept_concepts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """A file of weights, read.

    Attributes:
        tensors: By the library's names.
        metadata: What the file says of itself.
        sha256: sha256 of the file, hexadecimal.
    """

    tensors: Mapping[str, Tensor]
    metadata: Mapping[str, str]
    sha256: str


def random_weights(architecture: Architecture) -> InitialWeightsRecord:
    """Return the record of a network whose weights were all drawn."""
    return InitialWeightsRecord(RANDOM, None, {}, "drawn", usual_normalisation(architecture))


def usual_normalisation(architecture: Architecture) -> Normalisation:
    """Return what the architecture's usual weights expect; ImageNet's mean and deviation where it has none."""
    usual = architecture.usual_weights
    return Normalisation(usual.mean, usual.std) if usual else Normalisation(IMAGENET_MEAN, IMAGENET_STD)


def read_weights(path: Path, where: str) -> WeightsFile:
    """Read a safetensors file, or one that torch has saved, of which nothing but tensors is taken.

    Args:
        path: The local file.
        where: The option and the file, for sentences.

    Raises:
        UserError: exit 64 where it is neither.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118  # not a dict
    except SafetensorError as error:
        tensors, metadata = _read_torch(path, where, error), {}
    with path.open("rb") as content:
        return WeightsFile(tensors, dict(sorted(metadata.items())), hashlib.file_digest(content, "sha256").hexdigest())


def normalisation_of(metadata: Mapping[str, str], usual: Normalisation, where: str) -> Normalisation:
    """Return the mean and deviation that a file's metadata states, JSON lists of three numbers, else the usual.

    Raises:
        UserError: exit 64 where they are no such lists.
    """
    return Normalisation(
        mean=_channels(metadata["mean"], "mean", where) if "mean" in metadata else usual.mean,
        std=_channels(metadata["std"], "std", where) if "std" in metadata else usual.std,
    )


def save_weights(state: Mapping[str, Tensor], path: Path, metadata: Mapping[str, str]) -> None:
    """Write a state dict to a safetensors file under the library's own names.

    Raises:
        UserError: exit 78 where the file cannot be written, as on a full disk.
    """
    try:
        save_file({name: tensor.contiguous() for name, tensor in state.items()}, path, metadata=dict(metadata))
    except SafetensorError as error:
        number = re.search(r"os error (\d+)", str(error))
        if number is None:
            raise
        code = int(number[1])
        raise cache_error(path, OSError(code, os.strerror(code))) from error


def _read_torch(path: Path, where: str, error: SafetensorError) -> dict[str, Tensor]:
    try:
        with path.open("rb") as content:
            state = torch.load(content, map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001  # torch raises whatever broken bytes lead it to
        state = None
    if not isinstance(state, dict) or not all(isinstance(tensor, Tensor) for tensor in state.values()):
        raise invalid_spec(f"{where} is no safetensors file ({error}); save the weights in that format") from error
    return state


def _channels(text: str, key: str, where: str) -> tuple[float, ...]:
    try:
        numbers = tuple(float(number) for number in json.loads(text))
    except (ValueError, TypeError):
        numbers = ()
    fits = len(numbers) == 3 and all(math.isfinite(number) for number in numbers)
    if not fits or (key == "std" and min(numbers) <= 0):
        raise invalid_spec(
            f"{where}: its metadata has the {key} '{text}'; "
            f"make it a JSON list of three{' positive' if key == 'std' else ''} numbers"
        )
    return numbers
