"""What storage speaks about, and what a backend must be able to do."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from tintype_api.constants import ExitCode, Reason
from tintype_api.errors import UserError


class MissingObject(UserError):  # noqa: N818
    """There is no such object, in a bucket that exists; exit 66 where nothing else comes of it."""

    def __init__(self, message: str) -> None:
        super().__init__(message, exit_code=ExitCode.NOT_FOUND, reason=Reason.NOT_FOUND)


class StorageUnreachable(UserError):  # noqa: N818
    """Storage does not answer, or cannot now: the same request may go well later; exit 1."""

    def __init__(self, message: str) -> None:
        super().__init__(message, exit_code=ExitCode.FAILED, reason=Reason.STORAGE_UNREACHABLE)


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """One stored object.

    Attributes:
        uri: Its URI.
        size_bytes: Its size.
        modified: When it was written, as a listing tells; None where it does not.
    """

    uri: str
    size_bytes: int
    modified: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Download:
    """The bytes of an object.

    Attributes:
        data: The whole content.
        etag: The version tag that the server gave, for asking later whether it changed; None without one.
    """

    data: bytes
    etag: str | None


@dataclass(frozen=True, slots=True)
class Uploaded:
    """An object that was stored and read back.

    Attributes:
        uri: Its URI.
        size_bytes: Its size.
        sha256: sha256 of its content, hexadecimal.
    """

    uri: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Reading:
    """An object that is being read.

    Attributes:
        size_bytes: Its whole size as the storage states it.
        chunks: Its content, piece by piece.
    """

    size_bytes: int
    chunks: Iterator[bytes]


class Backend(Protocol):
    """What each scheme provides; every failure that a user can cause is a UserError that names the URI."""

    def read(self, uri: str, unless_etag: str | None) -> Download | None:
        """Return the content; None where the object still has the tag `unless_etag`."""
        ...

    def open(self, uri: str) -> Reading:
        """Return the object for reading it piece by piece."""
        ...

    def head(self, uri: str) -> ObjectInfo | None:
        """Return size and URI, or None where there is no such object."""
        ...

    def list(self, uri: str) -> Iterator[ObjectInfo]:
        """Yield every object below the folder `uri`, at any depth, in no particular order."""
        ...

    def write(self, uri: str, source: bytes | Path) -> None:
        """Store the content; a reader sees the old object or the whole new one."""
        ...

    def create(self, uri: str, data: bytes) -> bool:
        """Store the content unless there is an object; return whether it was stored."""
        ...

    def remove(self, uri: str) -> None:
        """Remove the object; one that is not there is no error."""
        ...
