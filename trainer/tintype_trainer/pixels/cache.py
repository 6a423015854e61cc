"""Pictures of S3 on this machine: fetched once, checked once, and asked for again only by their tag.

A picture lies in `<first two digits>/<sha256 of its URI>`. `index.jsonl` holds a line for each: the tag that the
server gave it, the sha256 of its bytes and of its pixels, and its size. A later run asks the server whether the tag
still holds, and takes the file where its bytes are still those that were checked. Processes may share a cache: files
are moved into place whole, and lines are appended whole.
"""

import hashlib
import json
import logging
import os
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from tintype_trainer.meter import Counted
from tintype_trainer.pixels.pictures import check_picture
from tintype_trainer.storage import Store, cache_error, part_path

INDEX: Final = "index.jsonl"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CachedPicture:
    """A picture in the cache that was decoded once.

    Attributes:
        name: sha256 of its URI, hexadecimal.
        etag: The server's tag; None where it gave none.
        sha256: sha256 of its bytes, hexadecimal.
        width: Width in pixels as stored.
        height: Height in pixels.
        pixels_sha256: sha256 of its pixels, hexadecimal.
    """

    name: str
    etag: str | None
    sha256: str
    width: int
    height: int
    pixels_sha256: str


class PictureCache:
    """The pictures of one cache directory; safe to use from many threads.

    Raises:
        UserError: exit 78, from any method, where the directory cannot be written or is full.
    """

    def __init__(self, directory: Path, store: Store) -> None:
        self._directory = directory
        self._store = store
        self._lock = threading.Lock()
        self._known = self._read_index()

    def picture(self, uri: str, decoders: threading.Semaphore) -> tuple[Path, CachedPicture]:
        """Return the local file of a picture and what is known of it, fetching it where that is needed.

        Raises:
            UserError: as the store says.
            UnreadablePicture: where it cannot be decoded; nothing is kept.
        """
        name = hashlib.sha256(uri.encode()).hexdigest()
        path = self._directory / name[:2] / name
        known = self._known.get(name)
        if known and not _holds(path, known):
            known = None
        download = self._store.read_if_changed(uri, known.etag if known else None)
        if download is None:
            assert known is not None, "only a known tag can be unchanged"
            self._store.meter.count(Counted.CACHE_HITS)
            return path, known
        self._store.meter.count(Counted.CACHE_MISSES)
        with decoders:
            checked = check_picture(download.data)
        sha256 = hashlib.sha256(download.data).hexdigest()
        cached = CachedPicture(name, download.etag, sha256, checked.width, checked.height, checked.pixels_sha256)
        self._keep(path, download.data, cached)
        return path, cached

    def _keep(self, path: Path, data: bytes, cached: CachedPicture) -> None:
        part = part_path(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            part.write_bytes(data)
            part.replace(path)
            self._append(cached)
        except OSError as error:
            raise cache_error(path, error) from error
        finally:
            part.unlink(missing_ok=True)

    def _append(self, cached: CachedPicture) -> None:
        line = json.dumps(asdict(cached)).encode() + b"\n"
        with self._lock:
            self._known[cached.name] = cached
            descriptor = os.open(self._directory / INDEX, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            try:
                os.write(descriptor, line)
            finally:
                os.close(descriptor)

    def _read_index(self) -> dict[str, CachedPicture]:
        path = self._directory / INDEX
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            lines = path.read_bytes().splitlines() if path.exists() else []
        except OSError as error:
            raise cache_error(path, error) from error
        known = [_parse(line) for line in lines]
        broken = known.count(None)
        if broken:
            logger.warning("%s: %d lines are broken; their pictures are fetched again", path, broken)
        return {cached.name: cached for cached in known if cached}


def _parse(line: bytes) -> CachedPicture | None:
    try:
        return CachedPicture(**json.loads(line))
    except (ValueError, TypeError):
        return None


def _holds(path: Path, known: CachedPicture) -> bool:
    try:
        with path.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest() == known.sha256
    except FileNotFoundError:
        return False
