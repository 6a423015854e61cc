"""Publishes a version: its files below runs/<run id>/, then the manifest that points at them.

`<output.uri>/<namespace>/<name>/runs/<run id>/<file>` are uploaded and read back; `manifest.json` beside `runs/` is
written last and only where there is none, so that a reader never sees half a version, and two runs of one version
never both publish.
"""

import hashlib
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tintype_api.constants import ENV_POD_UID, GROUP, RUNS_FOLDER
from tintype_api.errors import UserError, data_error, output_taken
from tintype_api.modelversion import ModelVersion, identity
from tintype_api.status import Artifacts
from tintype_trainer.output.manifest import MANIFEST, Manifest, ManifestFile, read_manifest
from tintype_trainer.sentences import first_of
from tintype_trainer.storage import MissingObject, Store, join

MODELVERSION_FILE_NAME: Final = "modelversion.json"
ANNOTATION_IDENTITY: Final = f"{GROUP}/identity"
"""In modelversion.json, whom the run belongs to: the uid in a cluster, else a digest of the resolved version."""


@dataclass(frozen=True, slots=True)
class VersionPlace:
    """Where one run of a version keeps what it makes.

    Attributes:
        uri: Folder or prefix of the version.
        identity: uid of the ModelVersion in a cluster, else a digest of the resolved version.
        run: Id of the run.
    """

    uri: str
    identity: str
    run: str


def place_of(version: ModelVersion, run: str) -> VersionPlace:
    """Return the place of a run of a resolved version; its id is as `run_id()` gives it."""
    metadata = version.metadata
    uri = join(version.spec.output.uri, metadata.namespace, metadata.name)
    return VersionPlace(uri, identity(version), run)


class Publisher:
    """Publishes the files of one run of one version.

    Use: `begin` before anything is trained, `add` for each file, `finish` at the end.

    Attributes:
        place: Where to.
    """

    def __init__(self, store: Store, version: ModelVersion, run_id: str) -> None:
        """Take the resolved version and the run's id, as `run_id()` gives it."""
        self.place = place_of(version, run_id)
        self._store = store
        self._version = version
        self._files: dict[str, ManifestFile] = {}

    def begin(self) -> Artifacts | None:
        """Check that this version may be published here and that the output is writable; write modelversion.json.

        Returns:
            What is already published under this identity (nothing is left to do: report it as success), else None.

        Raises:
            UserError: exit 66 OutputTaken where another version has published here, 66 AccessDenied or NotFound,
                78 OutputNotWritable.
        """
        content = self._store.read_or_none(self._manifest_uri)
        if content is not None:
            return self._published_before(content)
        self.add(MODELVERSION_FILE_NAME, _document(self._version, self.place.identity))
        return None

    def add(self, name: str, content: bytes | Path) -> None:
        """Upload one file of the version under its plain name, such as "best.safetensors", and read it back."""
        path = f"{RUNS_FOLDER}/{self.place.run}/{name}"
        uploaded = self._store.upload(join(self.place.uri, path), content)
        self._files[name] = ManifestFile(name=name, path=path, size_bytes=uploaded.size_bytes, sha256=uploaded.sha256)

    def finish(self, dataset_digest: str, not_exported: str | None = None) -> Artifacts:
        """Write the manifest over all added files; from then on the version is published.

        Where another run of the same version has published meanwhile, its artifacts are returned.

        Args:
            dataset_digest: Of the frozen examples.
            not_exported: Why a format that was asked for is not among the files.

        Raises:
            UserError: exit 66 OutputTaken where another version has published here meanwhile.
        """
        manifest = self._manifest(dataset_digest, not_exported)
        self._store.create(self._manifest_uri, manifest.to_bytes())
        # What is read back decides, not the answer: a request that was retried finds its own manifest there.
        content = self._store.read(self._manifest_uri)
        if content == manifest.to_bytes():
            return manifest.artifacts(self.place.uri, hashlib.sha256(content).hexdigest())
        return self._published_before(content)

    @property
    def _manifest_uri(self) -> str:
        return join(self.place.uri, MANIFEST)

    def _manifest(self, dataset_digest: str, not_exported: str | None) -> Manifest:
        return Manifest(
            namespace=self._version.metadata.namespace,
            name=self._version.metadata.name,
            identity=self.place.identity,
            run=self.place.run,
            dataset_digest=dataset_digest,
            files=tuple(self._files[name] for name in sorted(self._files)),
            not_exported=not_exported,
        )

    def _published_before(self, content: bytes) -> Artifacts:
        manifest = read_manifest(content)
        if manifest is None or manifest.identity != self.place.identity:
            raise _taken(self._manifest_uri, manifest)
        return manifest.artifacts(self.place.uri, hashlib.sha256(content).hexdigest())


def verify_manifest(uri: str, store: Store) -> Artifacts:
    """Check every file of a published version (`uri`: its folder) against manifest.json by size and sha256.

    Raises:
        UserError: exit 66 where there is no manifest, 65 naming the files that differ or are missing.
    """
    content = store.read(join(uri, MANIFEST))
    manifest = read_manifest(content)
    if manifest is None:
        raise data_error(f"{join(uri, MANIFEST)} is no manifest of tintype; publish the version again")
    faults = [fault for file in manifest.files if (fault := _fault(uri, file, store))]
    if faults:
        raise data_error(f"{uri}: {len(faults)} files are not as published: {first_of(faults, len(faults))}")
    return manifest.artifacts(uri, hashlib.sha256(content).hexdigest())


def run_id(environment: Mapping[str, str] = os.environ) -> str:
    """Return the id of this run: the Pod's uid in a cluster, else a new random one."""
    return environment.get(ENV_POD_UID) or f"local-{secrets.token_hex(8)}"


def _document(version: ModelVersion, owner: str) -> bytes:
    document = version.to_wire()
    document["metadata"]["annotations"] = {ANNOTATION_IDENTITY: owner}
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()


def _taken(uri: str, manifest: Manifest | None) -> UserError:
    owner = f"of the ModelVersion {manifest.identity}" if manifest else "that is not of tintype"
    return output_taken(f"output.uri: {uri} is a manifest {owner} already; choose another name or output, or remove it")


def _fault(uri: str, file: ManifestFile, store: Store) -> str | None:
    try:
        size_bytes, sha256 = store.digest(join(uri, file.path))
    except MissingObject:
        return f"{file.path} is missing"
    if size_bytes != file.size_bytes:
        return f"{file.path} has {size_bytes} bytes instead of {file.size_bytes}"
    return None if sha256 == file.sha256 else f"{file.path} has another sha256"
