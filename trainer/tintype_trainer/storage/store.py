"""The one seam to storage: reading, listing, and writing that is verified."""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final, Self

from tintype_api.errors import data_error, storage_unreachable
from tintype_api.spec.run import Storage
from tintype_trainer.meter import Counted, Meter
from tintype_trainer.storage.local import LocalBackend, cache_error, part_path
from tintype_trainer.storage.metered import MeteredBackend
from tintype_trainer.storage.s3 import RETRY_TIMEOUT_S, S3Backend
from tintype_trainer.storage.types import Backend, Download, MissingObject, ObjectInfo, Uploaded
from tintype_trainer.storage.uri import FILE_SCHEME, as_folder

MAX_LINE_BYTES: Final = 16 << 20


class Store:
    """Objects by URI; safe to use from many threads at once.

    Every failure that a user can cause is a UserError with one sentence that names the URI:
    NotFound and AccessDenied (exit 66), OutputNotWritable for a folder (exit 78), StorageUnreachable (exit 1, so
    that it is tried again) after about 20 s of retries.
    """

    def __init__(self, s3: Backend, local: Backend, meter: Meter | None = None) -> None:
        self.meter = meter or Meter()
        self._s3 = MeteredBackend(s3, self.meter)
        self._local = MeteredBackend(local, self.meter)

    @classmethod
    def from_settings(
        cls,
        settings: Storage | None = None,
        *,
        environment: Mapping[str, str] = os.environ,
        retry_timeout_s: float = RETRY_TIMEOUT_S,
        meter: Meter | None = None,
    ) -> Self:
        """Return the store for `spec.storage`.

        Fields left out come from AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, AWS_REGION and AWS_DEFAULT_REGION;
        credentials from boto3's chain, looked for when an s3:// URI is first used.
        """
        settings = settings or Storage()
        endpoint = settings.endpoint or environment.get("AWS_ENDPOINT_URL_S3") or environment.get("AWS_ENDPOINT_URL")
        region = settings.region or environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION")
        meter = meter or Meter()
        s3 = S3Backend(endpoint, region, retry_timeout_s, lambda: meter.count(Counted.STORAGE_RETRIES))
        return cls(s3, LocalBackend(), meter)

    def read(self, uri: str) -> bytes:
        """Return the whole content of an object."""
        found = self._backend(uri).read(uri, None)
        assert found is not None, "without a tag to compare with there is always a content"
        return found.data

    def read_if_changed(self, uri: str, etag: str | None) -> Download | None:
        """Return the content and its tag; None where the object still has the tag `etag`."""
        return self._backend(uri).read(uri, etag)

    def read_or_none(self, uri: str) -> bytes | None:
        """Return the whole content of an object, or None where there is no such object in a bucket that exists."""
        try:
            return self.read(uri)
        except MissingObject:
            return None

    def chunks(self, uri: str) -> Iterator[bytes]:
        """Yield the content of an object piece by piece."""
        return self._backend(uri).open(uri).chunks

    def lines(self, uri: str) -> Iterator[bytes]:
        """Yield the lines of an object, without their ends, holding only a part of it in memory.

        Raises:
            UserError: exit 65 for a line of more than 16 MiB, which no list of examples has.
        """
        rest, number = b"", 0
        for chunk in self.chunks(uri):
            *whole, rest = (rest + chunk).split(b"\n")
            yield from whole
            number += len(whole)
            if len(rest) > MAX_LINE_BYTES:
                raise data_error(f"{uri}: line {number + 1} is longer than 16 MiB; this is no file of JSON lines")
        if rest:
            yield rest

    def download(self, uri: str, path: Path) -> str:
        """Bring an object to a local file, verified by size; return its sha256 in hexadecimal.

        The file is written aside and then moved: `path` is whole or untouched. Missing folders are made.
        """
        part = part_path(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with part.open("xb") as target:
                _, sha256 = self._digest(uri, target.write)
            part.replace(path)
        except OSError as error:
            raise cache_error(path, error) from error
        finally:
            part.unlink(missing_ok=True)
        return sha256

    def head(self, uri: str) -> ObjectInfo | None:
        """Return size and URI, or None where there is no such object."""
        return self._backend(uri).head(uri)

    def list(self, uri: str) -> Iterator[ObjectInfo]:
        """Yield every object below a folder or prefix, at any depth, in no particular order."""
        return self._backend(uri).list(as_folder(uri))

    def upload(self, uri: str, source: bytes | Path) -> Uploaded:
        """Store bytes or a local file, then read it back and compare size and sha256.

        Reading back is the one check that every server supports: its tags are an MD5 only sometimes.

        Raises:
            UserError: exit 1 where what is read back differs.
        """
        self._backend(uri).write(uri, source)
        found, expected = self.digest(uri), digest_of(source)
        if found != expected:
            raise storage_unreachable(f"{uri} reads back other than it was written; ask who runs the storage")
        return Uploaded(uri, *found)

    def write(self, uri: str, data: bytes) -> None:
        """Store bytes, seen whole or not at all, without reading them back: for what several write at once."""
        self._backend(uri).write(uri, data)

    def create(self, uri: str, data: bytes) -> bool:
        """Store bytes only where there is no object yet (If-None-Match); return whether it was stored."""
        return self._backend(uri).create(uri, data)

    def remove(self, uri: str) -> None:
        """Remove an object; one that is not there is no error."""
        self._backend(uri).remove(uri)

    def digest(self, uri: str) -> tuple[int, str]:
        """Return size in bytes and sha256 (hexadecimal) of an object, by reading it."""
        return self._digest(uri, len)

    def _digest(self, uri: str, sink: Callable[[bytes], object]) -> tuple[int, str]:
        reading = self._backend(uri).open(uri)
        sha256, size_bytes = hashlib.sha256(), 0
        for chunk in reading.chunks:
            sha256.update(chunk)
            size_bytes += len(chunk)
            sink(chunk)
        if size_bytes != reading.size_bytes:
            raise storage_unreachable(f"{uri}: {size_bytes} of {reading.size_bytes} bytes came; it is tried again")
        return size_bytes, sha256.hexdigest()

    def _backend(self, uri: str) -> Backend:
        return self._local if uri.startswith(FILE_SCHEME) else self._s3


def digest_of(source: bytes | Path) -> tuple[int, str]:
    """Return size in bytes and sha256 (hexadecimal) of bytes or of a local file."""
    if isinstance(source, bytes):
        return len(source), hashlib.sha256(source).hexdigest()
    with source.open("rb") as content:
        return source.stat().st_size, hashlib.file_digest(content, "sha256").hexdigest()
