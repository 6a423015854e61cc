"""The one seam to storage: reading, listing, and writing that is verified."""

from collections.abc import Iterator
from pathlib import Path
from typing import Self

from tintype_api.spec import Storage
from tintype_trainer.storage.types import Backend, Download, ObjectInfo, Uploaded


class Store:
    """Objects by URI; safe to use from many threads at once.

    Every failure that a user can cause is a UserError with one sentence that names the URI:
    NotFound and AccessDenied (exit 66), OutputNotWritable for a folder (exit 78), StorageUnreachable (exit 1, so
    that it is tried again) after about 20 s of retries.
    """

    def __init__(self, s3: Backend, local: Backend) -> None:
        self._s3 = s3
        self._local = local

    @classmethod
    def from_settings(cls, settings: Storage | None = None) -> Self:
        """Return the store for `spec.storage`.

        Fields left out come from AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL and AWS_REGION; credentials from boto3's
        chain, looked for when an s3:// URI is first used.
        """
        raise NotImplementedError

    def read(self, uri: str) -> bytes:
        """Return the whole content of an object."""
        raise NotImplementedError

    def read_if_changed(self, uri: str, etag: str | None) -> Download | None:
        """Return the content and its tag; None where the object still has the tag `etag`."""
        raise NotImplementedError

    def lines(self, uri: str) -> Iterator[bytes]:
        """Yield the lines of an object, without their ends, holding only a part of it in memory."""
        raise NotImplementedError

    def download(self, uri: str, path: Path) -> str:
        """Bring an object to a local file, verified by size; return its sha256 in hexadecimal.

        The file is written aside and then moved: `path` is whole or untouched. Missing folders are made.
        """
        raise NotImplementedError

    def head(self, uri: str) -> ObjectInfo | None:
        """Return size and URI, or None where there is no such object."""
        raise NotImplementedError

    def list(self, uri: str) -> Iterator[ObjectInfo]:
        """Yield every object below a folder or prefix, at any depth, in no particular order."""
        raise NotImplementedError

    def upload(self, uri: str, source: bytes | Path) -> Uploaded:
        """Store bytes or a local file, then read it back and compare size and sha256."""
        raise NotImplementedError

    def create(self, uri: str, data: bytes) -> bool:
        """Store bytes only where there is no object yet (If-None-Match); return whether it was stored."""
        raise NotImplementedError

    def digest(self, uri: str) -> tuple[int, str]:
        """Return size in bytes and sha256 (hexadecimal) of an object, by reading it."""
        raise NotImplementedError
