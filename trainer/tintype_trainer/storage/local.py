"""`file://`: the file system, by its own calls, since only they tell what is wrong by errno."""

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from tintype_api.errors import (
    UserError,
    access_denied,
    environment_error,
    not_found,
    output_not_writable,
    storage_unreachable,
)
from tintype_trainer.storage.types import Download, MissingObject, ObjectInfo, Reading
from tintype_trainer.storage.uri import join, local_path

CHUNK_BYTES = 1 << 20
PART_SUFFIX = ".part"
FULL = (errno.ENOSPC, errno.EDQUOT)


class LocalBackend:
    """Objects are files; a file is written aside and then moved, so that a reader never sees a half of one."""

    def read(self, uri: str, unless_etag: str | None) -> Download | None:
        """Return the content; files have no tag, so it is always read."""
        del unless_etag
        try:
            return Download(local_path(uri).read_bytes(), None)
        except OSError as error:
            raise _not_readable(uri, error) from error

    def open(self, uri: str) -> Reading:
        """Return the file for reading it piece by piece."""
        try:
            size_bytes = local_path(uri).stat().st_size
        except OSError as error:
            raise _not_readable(uri, error) from error
        return Reading(size_bytes, _chunks(uri))

    def head(self, uri: str) -> ObjectInfo | None:
        """Return size and URI, or None where there is no such file."""
        path = local_path(uri)
        try:
            return ObjectInfo(uri, path.stat().st_size) if path.is_file() else None
        except OSError as error:
            raise _not_readable(uri, error) from error

    def list(self, uri: str) -> Iterator[ObjectInfo]:
        """Yield every file below a folder; links to folders are followed as links to files are."""
        root = local_path(uri)

        def stop(error: OSError) -> None:
            raise _not_readable(uri, error) from error

        for folder, _, names in os.walk(root, onerror=stop, followlinks=True):
            relative = Path(folder).relative_to(root)
            for name in names:
                path = Path(folder, name)
                if path.is_file():
                    found = path.stat()
                    modified = datetime.fromtimestamp(found.st_mtime, UTC)
                    yield ObjectInfo(join(uri, (relative / name).as_posix()), found.st_size, modified)

    def write(self, uri: str, source: bytes | Path) -> None:
        """Store the content aside and move it to its place."""
        path = local_path(uri)
        try:
            part = write_aside(path, source)
            part.replace(path)
        except OSError as error:
            raise _not_writable(uri, error) from error

    def create(self, uri: str, data: bytes) -> bool:
        """Store the content unless there is a file; a hard link decides, so that one of many writers wins."""
        path = local_path(uri)
        try:
            part = write_aside(path, data)
            try:
                os.link(part, path)
            except FileExistsError:
                return False
            finally:
                part.unlink()
        except OSError as error:
            raise _not_writable(uri, error) from error
        return True

    def remove(self, uri: str) -> None:
        """Remove the file, and the folders that it leaves empty, as S3 knows no empty folder."""
        path = local_path(uri)
        try:
            path.unlink(missing_ok=True)
            for folder in path.parents:
                if not folder.is_dir() or any(folder.iterdir()):
                    break
                folder.rmdir()
        except OSError as error:
            raise _not_writable(uri, error) from error


def part_path(path: Path) -> Path:
    """Return a new name beside `path` to write to before moving it there."""
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}{PART_SUFFIX}")


def write_aside(path: Path, source: bytes | Path) -> Path:
    """Write the content to a new file beside `path`, through to the disk, and return it.

    Raises:
        OSError: and nothing is left behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = part_path(path)
    try:
        with part.open("xb") as target:
            if isinstance(source, Path):
                with source.open("rb") as origin:
                    shutil.copyfileobj(origin, target, CHUNK_BYTES)
            else:
                target.write(source)
            target.flush()
            os.fsync(target.fileno())
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return part


def cache_error(path: Path, error: OSError) -> UserError:
    """Return the error for a file of ours on this machine that cannot be written (exit 78)."""
    if error.errno in FULL:
        return environment_error(f"{path} cannot be written, the disk is full; give the cache more space")
    return environment_error(f"{path} cannot be written ({error.strerror}); choose another cache directory")


def temporary_folder(cache: Path) -> TemporaryDirectory[str]:
    """Return a folder of the cache that is there for a block.

    Raises:
        UserError: exit 78 where it cannot be made.
    """
    try:
        return TemporaryDirectory(dir=cache)
    except OSError as error:
        raise cache_error(cache, error) from error


def _chunks(uri: str) -> Iterator[bytes]:
    try:
        with local_path(uri).open("rb") as source:
            while chunk := source.read(CHUNK_BYTES):
                yield chunk
    except OSError as error:
        raise _not_readable(uri, error) from error


def _not_readable(uri: str, error: OSError) -> UserError:
    match error.errno:
        case errno.ENOENT | errno.ENOTDIR:
            return MissingObject(f"{uri} does not exist; correct the URI")
        case errno.EISDIR:
            return not_found(f"{uri} is a folder, not a file; correct the URI (a folder of concepts ends in /)")
        case errno.EACCES | errno.EPERM:
            return access_denied(f"{uri} may not be read by this user; give it the right to")
        case _:
            return storage_unreachable(f"{uri} cannot be read ({error.strerror}); check the disk")


def _not_writable(uri: str, error: OSError) -> UserError:
    if error.errno in FULL:
        return output_not_writable(f"{uri} cannot be written, the disk is full; free some space or choose another")
    return output_not_writable(f"{uri} cannot be written ({error.strerror}); choose another or allow it")
