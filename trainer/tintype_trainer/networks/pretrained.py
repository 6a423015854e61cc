"""The catalogue's pretrained weights: whether their licence is allowed, and where they are found.

They are looked for in the mirror of the operator's settings, then in the image, then where the library has them.
"""

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import httpx

from tintype_api.architecture import Architecture, Channels, PretrainedWeights
from tintype_api.constants import ENV_WEIGHTS_LICENCES, ENV_WEIGHTS_MIRROR
from tintype_api.errors import UserError, data_error, invalid_spec, not_found
from tintype_trainer.storage import Store, join

ENV_WEIGHTS_FOLDER: Final = "TINTYPE_WEIGHTS_FOLDER"
"""Set by an image that brings weights along: the folder that holds them."""
ALLOWED_LICENCES: Final = ("apache-2.0", "mit", "bsd", "bsd-2-clause", "bsd-3-clause")
SUFFIXES: Final = (".safetensors", ".pth")
_TIMEOUT: Final = httpx.Timeout(30.0, connect=5.0)
_HUB_URL: Final = "https://huggingface.co/{}/resolve/main/model.safetensors"


@dataclass(frozen=True, slots=True)
class Found:
    """A file of weights on this machine.

    Attributes:
        path: The file, safetensors or torch's own.
        source: Where it came from.
    """

    path: Path
    source: str


def known_weights(architecture: Architecture, source: str) -> PretrainedWeights:
    """Return the weights that a source means for an architecture, with what timm knows of `timm/<name>`.

    Raises:
        UserError: exit 64 where there are none.
    """
    weights = architecture.weights.get(source)
    if weights is None:
        there = ", ".join(architecture.weights) or "none"
        raise invalid_spec(
            f"training.initialWeights.source: {architecture.name} has no weights of {source} (it has {there}); choose "
            "Random, a uri or a modelVersion"
        )
    return weights if weights.url else _of_timm(architecture, weights)


def check_licence(weights: PretrainedWeights, environment: Mapping[str, str] = os.environ) -> None:
    """Check that the weights' licence is one of those allowed.

    Raises:
        UserError: exit 64 naming the licence.
    """
    more = [name.strip().lower() for name in environment.get(ENV_WEIGHTS_LICENCES, "").split(",")]
    if weights.licence not in (*ALLOWED_LICENCES, *more):
        raise invalid_spec(
            f"training.initialWeights.source: the weights {weights.tag} are under {weights.licence or 'no licence'}, "
            "which is not allowed here; choose another architecture or Random, or have the operator's settings allow it"
        )


def find_weights(
    weights: PretrainedWeights, store: Store, folder: Path, environment: Mapping[str, str] = os.environ
) -> Found:
    """Return the weights' file, from the first place that has it.

    Args:
        weights: What is looked for.
        store: Storage, for a mirror of s3:// or file://.
        folder: Where the file goes.
        environment: Names the mirror and the image's folder.

    Raises:
        UserError: exit 66 naming every place that was tried; 65 where a file is not what its name says.
    """
    tried: list[str] = []
    for place, uri in _places(weights, environment):
        path = folder / uri.rsplit("/", 1)[-1]
        try:
            _fetch(uri, path, store)
        except (UserError, httpx.HTTPError, httpx.InvalidURL) as error:
            tried.append(f"{place} ({uri}: {_why(error)})")
            continue
        _check_digest(weights, path, uri)
        return Found(path, uri)
    raise not_found(
        f"training.initialWeights.source: the weights {weights.tag} cannot be reached in {' nor in '.join(tried)}; put "
        f"{weights.file}.safetensors into a mirror that the operator's settings name, or choose a uri or Random"
    )


def _of_timm(architecture: Architecture, weights: PretrainedWeights) -> PretrainedWeights:
    from timm.models import get_pretrained_cfg  # noqa: PLC0415  # takes seconds to import

    known = get_pretrained_cfg(architecture.function, allow_unregistered=True)
    assert known is not None, "the catalogue says that timm has weights"
    tag = f"{known.architecture}.{known.tag}" if known.tag else str(known.architecture)
    url = _HUB_URL.format(known.hf_hub_id) if known.hf_hub_id else str(known.url)
    return replace(
        weights,
        tag=tag,
        url=url,
        file=tag,
        licence=(known.license or "").lower(),
        mean=_three(known.mean),
        std=_three(known.std),
        interpolation=known.interpolation,
    )


def _three(numbers: Sequence[float]) -> Channels:
    red, green, blue = numbers
    return red, green, blue


def _places(weights: PretrainedWeights, environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    mirror, image = environment.get(ENV_WEIGHTS_MIRROR), environment.get(ENV_WEIGHTS_FOLDER)
    for name in (weights.file + suffix for suffix in SUFFIXES):
        if mirror:
            yield "the mirror", join(mirror, name) if "://" in mirror else f"file://{mirror}/{name}"
    for name in (weights.file + suffix for suffix in SUFFIXES):
        if image:
            yield "the image", Path(image, name).absolute().as_uri()
    yield "the library's own place", weights.url


def _fetch(uri: str, path: Path, store: Store) -> None:
    if not uri.startswith(("http://", "https://")):
        store.download(uri, path)
        return
    with httpx.stream("GET", uri, timeout=_TIMEOUT, follow_redirects=True) as answer:
        answer.raise_for_status()
        with path.open("wb") as file:
            for chunk in answer.iter_bytes():
                file.write(chunk)


def _why(error: Exception) -> str:
    if isinstance(error, UserError):
        return error.message.partition(";")[0]
    if isinstance(error, httpx.HTTPStatusError):
        return f"answers {error.response.status_code}"
    return type(error).__name__


def _check_digest(weights: PretrainedWeights, path: Path, uri: str) -> None:
    if path.suffix == SUFFIXES[0] or not weights.sha256:
        return
    with path.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    if not digest.startswith(weights.sha256):
        raise data_error(
            f"training.initialWeights.source: {uri} has the sha256 {digest[:16]}..., not {weights.sha256}... as its "
            "name says; put the right file there"
        )
