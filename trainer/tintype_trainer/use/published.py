"""A published version, read from its folder: what it is, how to use it, and its files, verified."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tintype_api.errors import data_error, invalid_spec
from tintype_api.modelversion import ModelVersion
from tintype_api.spec.view import View
from tintype_trainer.networks.weights import Normalisation
from tintype_trainer.output.manifest import MODEL_FILE, ManifestFile
from tintype_trainer.output.publishing import MODELVERSION_FILE_NAME
from tintype_trainer.storage import Store, join
from tintype_trainer.use.files import damaged, manifest_of, named_file, verified


@dataclass(frozen=True, slots=True)
class PublishedVersion:
    """What is published in a folder.

    Attributes:
        uri: The folder, without a final slash.
        version: The resolved version that was trained.
        view: Its view, with parent and conditions as the data set had them.
        model: Digest of the model that it is a version of.
        validation_digest: Of the validation examples; None where it has none.
        indicator: The performance indicator that it was published with; None where it has none.
        thresholds: Of each concept, in the order of the network's outputs.
        normalisation: What its weights expect of the input.
        files: What the manifest names, by name.
    """

    uri: str
    version: ModelVersion
    view: View
    model: str
    validation_digest: str | None
    indicator: float | None
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
        UserError: exit 66 where nothing is published there, 65 where what is there is not as it was published, 64 where
            the URI names no folder.
    """
    folder = uri.rstrip("/")
    if folder.endswith(":"):
        raise invalid_spec(f"{uri} names no folder; give it as s3://bucket/<namespace>/<name> or file:///path")
    manifest = manifest_of(folder, store)
    files = {file.name: file for file in manifest.files}
    card = json.loads(verified(folder, files, MODEL_FILE, store))
    document = json.loads(verified(folder, files, MODELVERSION_FILE_NAME, store))
    return PublishedVersion(
        uri=folder,
        version=ModelVersion.parse(document),
        view=View.model_validate(card["view"]),
        model=card["model"],
        validation_digest=card["dataset"].get("validationDigest"),
        indicator=card["best"].get("performanceIndicator"),
        thresholds=_thresholds(folder, card),
        normalisation=Normalisation(tuple(card["input"]["mean"]), tuple(card["input"]["std"])),
        files=files,
    )


def download(published: PublishedVersion, name: str, folder: Path, store: Store) -> Path:
    """Bring a published file to a local folder, and return its path there.

    Raises:
        UserError: exit 66 where the version has no such file, 65 where it is not as it was published.
    """
    file = named_file(published.uri, published.files, name)
    path = folder / name
    if store.download(join(published.uri, file.path), path) != file.sha256:
        raise damaged(published.uri, file)
    return path


def _thresholds(folder: str, card: Mapping[str, Any]) -> Mapping[str, float]:
    thresholds: Mapping[str, float] | None = card["output"].get("thresholds")
    if thresholds is None:
        raise data_error(f"{folder} was published without thresholds, by an older tintype; train the version again")
    return thresholds
