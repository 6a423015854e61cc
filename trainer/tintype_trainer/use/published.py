"""A published version, read from its folder: what it is, how to use it, and its files, verified."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tintype_api.errors import UserError, data_error, not_found
from tintype_api.modelversion import ModelVersion
from tintype_api.spec.view import View
from tintype_trainer.networks.weights import Normalisation
from tintype_trainer.output.manifest import MANIFEST, MODEL_FILE, Manifest, ManifestFile, read_manifest
from tintype_trainer.output.publishing import MODELVERSION_FILE_NAME
from tintype_trainer.storage import Store, join


@dataclass(frozen=True, slots=True)
class PublishedVersion:
    """What is published in a folder.

    Attributes:
        uri: The folder, without a final slash.
        version: The resolved version that was trained.
        view: Its view, with parent and conditions as the data set had them.
        model: Digest of the model that it is a version of.
        thresholds: Of each concept, in the order of the network's outputs.
        normalisation: What its weights expect of the input.
        files: What the manifest names, by name.
    """

    uri: str
    version: ModelVersion
    view: View
    model: str
    thresholds: Mapping[str, float]
    normalisation: Normalisation
    files: Mapping[str, ManifestFile]

    @property
    def name(self) -> str:
        """Name of the version."""
        return self.version.metadata.name


def open_published(uri: str, store: Store) -> PublishedVersion:
    """Return the version that is published in a folder or prefix.

    Raises:
        UserError: exit 66 where nothing is published there, 65 where what is there is not as it was published.
    """
    folder = uri.rstrip("/")
    manifest = _manifest(folder, store)
    files = {file.name: file for file in manifest.files}
    card = json.loads(_verified(folder, files, MODEL_FILE, store))
    document = json.loads(_verified(folder, files, MODELVERSION_FILE_NAME, store))
    return PublishedVersion(
        uri=folder,
        version=ModelVersion.parse(document),
        view=View.model_validate(card["view"]),
        model=card["model"],
        thresholds=_thresholds(folder, card),
        normalisation=Normalisation(tuple(card["input"]["mean"]), tuple(card["input"]["std"])),
        files=files,
    )


def download(published: PublishedVersion, name: str, folder: Path, store: Store) -> Path:
    """Bring a published file to a local folder, and return its path there.

    Raises:
        UserError: exit 66 where the version has no such file, 65 where it is not as it was published.
    """
    file = published.files.get(name)
    if file is None:
        raise not_found(f"{published.uri} has no {name}; it has {', '.join(sorted(published.files))}")
    path = folder / name
    if store.download(join(published.uri, file.path), path) != file.sha256:
        raise _damaged(published.uri, file)
    return path


def _manifest(folder: str, store: Store) -> Manifest:
    content = store.read_or_none(join(folder, MANIFEST))
    if content is None:
        raise not_found(
            f"{folder} is no published version: it has no {MANIFEST}; name the folder of a version, "
            "<output.uri>/<namespace>/<name>, or an alias as <that folder>@<alias>"
        )
    manifest = read_manifest(content)
    if manifest is None:
        raise data_error(f"{join(folder, MANIFEST)} is no manifest of tintype; publish the version again")
    return manifest


def _verified(folder: str, files: Mapping[str, ManifestFile], name: str, store: Store) -> bytes:
    file = files[name]
    content = store.read(join(folder, file.path))
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise _damaged(folder, file)
    return content


def _damaged(folder: str, file: ManifestFile) -> UserError:
    return data_error(f"{join(folder, file.path)} is not as it was published; publish the version again")


def _thresholds(folder: str, card: Mapping[str, Any]) -> Mapping[str, float]:
    thresholds: Mapping[str, float] | None = card["output"].get("thresholds")
    if thresholds is None:
        raise data_error(f"{folder} was published without thresholds, by an older tintype; train the version again")
    return thresholds
