"""The examples of a version in a cluster, chosen once: by its preflight, or by the first Pod that trains.

`prepared.json` beside `runs/` points at `runs/<run id>/selection.jsonl.gz`: a line for the selection as a whole, then a
line for each example. Every later Pod of the version reads that instead of the data set, so that it trains on the same
examples in the same splits, whatever happens to the data set meanwhile.

Without a cluster a version has no uid, and whoever runs a file again may have corrected the data set: it is read anew.
"""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

from pydantic import TypeAdapter, ValidationError

from tintype_api.constants import API_VERSION, RUNS_FOLDER
from tintype_api.model import Model
from tintype_trainer.datasets.dataset import Example, Selection
from tintype_trainer.output.publishing import VersionPlace
from tintype_trainer.storage import Store, cache_error, join, temporary_folder

POINTER: Final = "prepared.json"
FILE: Final = "selection.jsonl.gz"
_SELECTION: Final = TypeAdapter(Selection)
_EXAMPLE: Final = TypeAdapter(Example)


class Pointer(Model):
    """What `prepared.json` holds."""

    api_version: Literal["tintype.dev/v1alpha1"] = API_VERSION
    kind: Literal["Prepared"] = "Prepared"
    identity: str
    """uid of the ModelVersion; the examples of another are none of this one's."""
    dataset_digest: str
    """Of the frozen examples as they were then."""
    path: str
    """Below the version's folder."""
    sha256: str


@dataclass(frozen=True, slots=True)
class Chosen:
    """Examples that an earlier Pod has chosen.

    Attributes:
        selection: They.
        dataset_digest: Of their frozen list then.
    """

    selection: Selection
    dataset_digest: str


class PreparedList:
    """Reads and writes what was chosen for one version.

    Args:
        store: Storage.
        place: The version's folder, its uid, and this run.
        cache: Folder for files on their way.
    """

    def __init__(self, store: Store, place: VersionPlace, cache: Path) -> None:
        self._store = store
        self._place = place
        self._cache = cache

    def read(self) -> Chosen | None:
        """Return what was chosen before; None where nothing was, where it is not whole, or is of another release.

        Raises:
            UserError: where storage cannot be read.
        """
        pointer = self._pointer()
        if pointer is None or self._store.head(uri := join(self._place.uri, pointer.path)) is None:
            return None
        with temporary_folder(self._cache) as folder:
            path = Path(folder, FILE)
            if self._store.download(uri, path) != pointer.sha256:
                return None
            try:
                with gzip.open(path) as lines:
                    selection = _SELECTION.validate_json(next(lines))
                    examples = tuple(_EXAMPLE.validate_json(line) for line in lines)
            except ValidationError:
                return None
        return Chosen(replace(selection, examples=examples), pointer.dataset_digest)

    def write(self, selection: Selection, dataset_digest: str) -> None:
        """Keep what was chosen for all Pods that follow; of two at the same time the later one's is read.

        Raises:
            UserError: where it cannot be written here or there.
        """
        path = f"{RUNS_FOLDER}/{self._place.run}/{FILE}"
        with temporary_folder(self._cache) as folder:
            file = Path(folder, FILE)
            try:
                with gzip.open(file, "wb") as lines:
                    lines.writelines(_lines(selection))
            except OSError as error:
                raise cache_error(file, error) from error
            uploaded = self._store.upload(join(self._place.uri, path), file)
        pointer = Pointer(
            identity=self._place.identity, dataset_digest=dataset_digest, path=path, sha256=uploaded.sha256
        )
        # Not read back: the Pods of several nodes write it at the same time, and each would find another's.
        self._store.write(join(self._place.uri, POINTER), (json.dumps(pointer.to_wire(), indent=2) + "\n").encode())

    def _pointer(self) -> Pointer | None:
        content = self._store.read_or_none(join(self._place.uri, POINTER))
        try:
            pointer = Pointer.model_validate_json(content) if content else None
        except ValidationError:
            return None
        return pointer if pointer and pointer.identity == self._place.identity else None


def _lines(selection: Selection) -> Iterator[bytes]:
    yield _SELECTION.dump_json(replace(selection, examples=()), by_alias=True) + b"\n"
    for example in selection.examples:
        yield _EXAMPLE.dump_json(example) + b"\n"
