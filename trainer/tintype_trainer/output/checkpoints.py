"""Checkpoints of a version: files below `checkpoints/`, and `latest.json` there, which points at the newest whole one.

A checkpoint is one safetensors file: the tensors of a `Snapshot` by name, and beside them as `document` the bytes of a
JSON document with everything else. Nothing of it is executed when it is read. It is uploaded under a new name and read
back; then the pointer moves; then the file that the pointer had named goes.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import torch
from pydantic import TypeAdapter, ValidationError
from safetensors.torch import load_file

from tintype_api.constants import API_VERSION
from tintype_api.errors import UserError, storage_unreachable
from tintype_api.model import Model
from tintype_api.status import Checkpoint as CheckpointStatus
from tintype_trainer.loop.records import Memory
from tintype_trainer.loop.snapshot import Snapshot
from tintype_trainer.meter import Activity, Counted
from tintype_trainer.networks.weights import InitialWeightsRecord, save_weights
from tintype_trainer.output.publishing import VersionPlace
from tintype_trainer.reporting.journal import Journal
from tintype_trainer.storage import MissingObject, ObjectInfo, Store, join, temporary_folder

FOLDER: Final = "checkpoints"
LATEST: Final = "latest.json"
DOCUMENT: Final = "document"


class Pointer(Model):
    """What `latest.json` holds."""

    api_version: Literal["tintype.dev/v1alpha1"] = API_VERSION
    kind: Literal["Checkpoint"] = "Checkpoint"
    identity: str
    """uid of the ModelVersion in a cluster, else a digest of the resolved version; a run resumes only from its own."""
    dataset_digest: str
    """Of the frozen examples; with others, the steps would be others."""
    path: str
    """Below the version's folder."""
    size_bytes: int
    sha256: str
    epoch: float
    iteration: int


@dataclass(frozen=True, slots=True)
class Ground:
    """What a training stands on: found out once, by its first run.

    Attributes:
        batch_size: Examples of a batch, also where the spec says Auto.
        initial_weights: Where its first weights came from.
    """

    batch_size: int
    initial_weights: InitialWeightsRecord


@dataclass(frozen=True, slots=True)
class Resumed:
    """A checkpoint, read.

    Attributes:
        ground: What its training stands on.
        snapshot: Where it stood.
    """

    ground: Ground
    snapshot: Snapshot


@dataclass(frozen=True, slots=True)
class _Document:
    ground: Ground
    memory: Memory


_DOCUMENT: Final = TypeAdapter(_Document)


class Checkpoints:
    """The checkpoints of one version, written and read by one run of it.

    Args:
        store: Storage.
        place: The version's folder, whom it belongs to, and this run.
        dataset_digest: Of the frozen examples of this run.
        cache: Folder for files on their way.
        journal: Told of each checkpoint, and of those that are of no use.
    """

    def __init__(self, store: Store, place: VersionPlace, dataset_digest: str, cache: Path, journal: Journal) -> None:
        self._store = store
        self._place = place
        self._dataset_digest = dataset_digest
        self._cache = cache
        self._journal = journal
        self._folder = join(place.uri, FOLDER)
        self._useless: str | None = None

    def latest(self) -> Resumed | None:
        """Return the newest checkpoint of this version; None where there is none that is of use, which is said.

        Raises:
            UserError: where storage cannot be read.
        """
        pointer = self._pointer()
        while pointer is not None and pointer.identity == self._place.identity:
            with temporary_folder(self._cache) as folder:
                path = Path(folder, "checkpoint.safetensors")
                fault = self._bring(pointer, path)
                found = self._read(pointer, path) if fault is None else None
                if found is not None:
                    return found
            # Another Pod of this version, which has not ended yet, may have saved meanwhile and removed this one.
            newer = self._pointer()
            if newer in (pointer, None):
                what = f"the checkpoint {join(self._place.uri, pointer.path)} at {_at(pointer)}"
                why = fault or "another release of the trainer has saved it, in a form that this one cannot read"
                self._journal.note(f"{what} is of no use: {why}; the training starts from its first epoch")
                self._useless = pointer.path
                return None
            pointer = newer
        return None

    def save(self, ground: Ground, snapshot: Snapshot, epoch: float) -> None:
        """Store a checkpoint, and remove the one before; where another Pod of this version is further on, keep its.

        Raises:
            UserError: where it cannot be written here or there; the one before is still there.
        """
        meter = self._store.meter
        try:
            with meter.during(Activity.CHECKPOINT):
                self._save(ground, snapshot, epoch)
        except UserError:
            meter.count(Counted.CHECKPOINT_ERRORS)
            raise
        meter.count(Counted.CHECKPOINTS)

    def _save(self, ground: Ground, snapshot: Snapshot, epoch: float) -> None:
        iteration = snapshot.memory.last.iteration
        path = f"{FOLDER}/{self._place.run}/{iteration}.safetensors"
        document = _DOCUMENT.dump_json(_Document(ground, snapshot.memory), by_alias=True)
        with temporary_folder(self._cache) as folder:
            file = Path(folder, "checkpoint.safetensors")
            bytes_N = torch.frombuffer(bytearray(document), dtype=torch.uint8)
            save_weights({**snapshot.tensors, DOCUMENT: bytes_N}, file, {"format": "pt"})
            uploaded = self._store.upload(join(self._place.uri, path), file)
        former = self._pointer()
        if former and self._is_further(former, iteration):
            self._journal.note(f"another Pod of this version has saved at {_at(former)}, further on; that is kept")
            self._remove(join(self._place.uri, path))
            return
        pointer = Pointer(
            identity=self._place.identity,
            dataset_digest=self._dataset_digest,
            path=path,
            size_bytes=uploaded.size_bytes,
            sha256=uploaded.sha256,
            epoch=epoch,
            iteration=iteration,
        )
        kept = self._point_to(pointer)
        self._report(pointer)
        if former and former.path not in {path, kept.path}:
            self._remove(join(self._place.uri, former.path))

    def _point_to(self, pointer: Pointer) -> Pointer:
        """Write the pointer, and return what is read back: another Pod of this version may write its own just then."""
        uri = join(self._folder, LATEST)
        self._store.write(uri, _document(pointer))
        kept = self._pointer()
        if kept is None:
            raise storage_unreachable(f"{uri} does not read back as it was written; ask who runs the storage")
        return kept

    def _is_further(self, other: Pointer, iteration: int) -> bool:
        """Return whether another run of this version has come further, as where this one is fenced off and still runs.

        The pointer never goes back from it: the steps of the same examples are the same.
        """
        same = (other.identity, other.dataset_digest) == (self._place.identity, self._dataset_digest)
        if not same or other.iteration <= iteration or other.path == self._useless:
            return False
        return self._store.head(join(self._place.uri, other.path)) is not None

    def _remove(self, uri: str) -> None:
        _remove(self._store, uri, self._journal)

    def _bring(self, pointer: Pointer, path: Path) -> str | None:
        """Download a checkpoint; return why it is of no use, if it is not."""
        if pointer.dataset_digest != self._dataset_digest:
            return "the data set has changed since"
        uri = join(self._place.uri, pointer.path)
        try:
            sha256 = self._store.download(uri, path)
        except MissingObject:
            return "it is not there any more"
        return None if sha256 == pointer.sha256 else "it has another sha256 than when it was saved"

    def _read(self, pointer: Pointer, path: Path) -> Resumed | None:
        """Read a checkpoint that is whole; None where it has another form than those of this release."""
        tensors = load_file(path)
        try:
            document = _DOCUMENT.validate_json(tensors.pop(DOCUMENT).numpy().tobytes())
        except (KeyError, ValidationError):
            return None
        self._report(pointer)
        self._journal.note(f"the training goes on from its checkpoint at {_at(pointer)}")
        return Resumed(document.ground, Snapshot(document.memory, tensors))

    def _pointer(self) -> Pointer | None:
        content = self._store.read_or_none(join(self._folder, LATEST))
        return _read_pointer(content) if content else None

    def _report(self, pointer: Pointer) -> None:
        checkpoint = CheckpointStatus(
            epoch=round(pointer.epoch, 4),
            iteration=pointer.iteration,
            uri=join(self._place.uri, pointer.path),
            size_bytes=pointer.size_bytes,
        )
        self._journal.update(urgent=True, checkpoint=checkpoint)


def clear_checkpoints(store: Store, place: VersionPlace, journal: Journal) -> None:
    """Remove all checkpoints of a version: it is published, and nobody will go on from them.

    What goes wrong is a sentence in the log.
    """
    folder = join(place.uri, FOLDER)
    found: list[ObjectInfo] = []
    try:
        found = list(store.list(folder))
    except MissingObject:
        pass
    except UserError as error:
        journal.note(f"{folder} is not needed any more and could not be removed: {error}")
    for each in found:
        _remove(store, each.uri, journal)
    journal.update(checkpoint=None)


def _remove(store: Store, uri: str, journal: Journal) -> None:
    try:
        store.remove(uri)
    except UserError as error:
        journal.note(f"{uri} is not needed any more and could not be removed: {error}")


def _read_pointer(content: bytes) -> Pointer | None:
    try:
        return Pointer.model_validate_json(content)
    except ValidationError:
        return None


def _document(pointer: Pointer) -> bytes:
    return (json.dumps(pointer.to_wire(), indent=2) + "\n").encode()


def _at(pointer: Pointer) -> str:
    return f"epoch {pointer.epoch:.4g} (iteration {pointer.iteration})"
