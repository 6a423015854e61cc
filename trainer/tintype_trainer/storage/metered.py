"""A backend that counts what is asked of it: requests, bytes, and failures that are no mere absence."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tintype_api.errors import UserError
from tintype_trainer.meter import Counted, Meter
from tintype_trainer.storage.types import Backend, Download, MissingObject, ObjectInfo, Reading


class MeteredBackend:
    """Another backend, with each use of it counted."""

    def __init__(self, backend: Backend, meter: Meter) -> None:
        self._backend = backend
        self._meter = meter

    def read(self, uri: str, unless_etag: str | None) -> Download | None:
        """Return the content; None where the object still has the tag `unless_etag`."""
        with self._request():
            found = self._backend.read(uri, unless_etag)
        if found is not None:
            self._meter.count(Counted.STORAGE_READ_BYTES, len(found.data))
        return found

    def open(self, uri: str) -> Reading:
        """Return the object for reading it piece by piece."""
        with self._request():
            reading = self._backend.open(uri)
        return Reading(reading.size_bytes, self._read(reading.chunks))

    def head(self, uri: str) -> ObjectInfo | None:
        """Return size and URI, or None where there is no such object."""
        with self._request():
            return self._backend.head(uri)

    def list(self, uri: str) -> Iterator[ObjectInfo]:
        """Yield every object below the folder `uri`; all of it counts as one request."""
        with self._request():
            yield from self._backend.list(uri)

    def write(self, uri: str, source: bytes | Path) -> None:
        """Store the content."""
        with self._request():
            self._backend.write(uri, source)
        self._meter.count(Counted.STORAGE_WRITTEN_BYTES, _size_bytes(source))

    def create(self, uri: str, data: bytes) -> bool:
        """Store the content unless there is an object; return whether it was stored."""
        with self._request():
            created = self._backend.create(uri, data)
        if created:
            self._meter.count(Counted.STORAGE_WRITTEN_BYTES, len(data))
        return created

    def remove(self, uri: str) -> None:
        """Remove the object."""
        with self._request():
            self._backend.remove(uri)

    def _read(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        with self._failing():
            for chunk in chunks:
                self._meter.count(Counted.STORAGE_READ_BYTES, len(chunk))
                yield chunk

    @contextmanager
    def _request(self) -> Iterator[None]:
        self._meter.count(Counted.STORAGE_REQUESTS)
        began = time.perf_counter()
        try:
            with self._failing():
                yield
        finally:
            self._meter.count(Counted.STORAGE_SECONDS, time.perf_counter() - began)

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except MissingObject:
            raise
        except UserError:
            self._meter.count(Counted.STORAGE_ERRORS)
            raise


def _size_bytes(source: bytes | Path) -> int:
    return len(source) if isinstance(source, bytes) else source.stat().st_size
