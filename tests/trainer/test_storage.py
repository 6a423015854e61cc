"""Storage by URI on this machine: what is read and written, and what is said when it cannot be."""

import errno
import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest

from support.pictures import write_files
from tintype_api.constants import ExitCode, Reason
from tintype_api.errors import UserError
from tintype_api.spec.run import Storage
from tintype_trainer.storage import MissingObject, Store, join, local_path, relative_path
from tintype_trainer.storage.local import LocalBackend
from tintype_trainer.storage.s3 import S3Backend
from tintype_trainer.storage.s3_errors import translate
from tintype_trainer.storage.types import Reading
from tintype_trainer.storage.uri import bucket_and_key


@pytest.fixture
def store() -> Store:
    return Store.from_settings(environment={})


def test_uploads_and_reads_back(store: Store, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"weights" * 1000)
    uri = join(tmp_path.as_uri(), "new/folder/best.safetensors")
    uploaded = store.upload(uri, source)
    assert (uploaded.size_bytes, uploaded.sha256) == (7000, hashlib.sha256(source.read_bytes()).hexdigest())
    assert store.read(uri) == source.read_bytes()
    assert [path.name for path in (tmp_path / "new/folder").iterdir()] == ["best.safetensors"]


def test_download_is_whole_and_names_its_digest(store: Store, tmp_path: Path) -> None:
    write_files(tmp_path, {"a": b"x" * 3_000_000})
    target = tmp_path / "to" / "b"
    assert store.download((tmp_path / "a").as_uri(), target) == hashlib.sha256(b"x" * 3_000_000).hexdigest()
    assert target.read_bytes() == b"x" * 3_000_000
    assert [path.name for path in target.parent.iterdir()] == ["b"]


def test_failed_download_leaves_the_old_file(store: Store, tmp_path: Path) -> None:
    write_files(tmp_path, {"b": b"old"})
    with pytest.raises(MissingObject):
        store.download((tmp_path / "a").as_uri(), tmp_path / "b")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"b": b"old"}


def test_one_of_many_creates(store: Store, tmp_path: Path) -> None:
    uri = join(tmp_path.as_uri(), "manifest.json")
    with ThreadPoolExecutor(16) as pool:
        won = list(pool.map(lambda number: store.create(uri, str(number).encode()), range(64)))
    assert won.count(True) == 1
    assert store.read(uri) == str(won.index(True)).encode()
    assert [path.name for path in tmp_path.iterdir()] == ["manifest.json"]


def test_what_is_removed_leaves_no_empty_folder(store: Store, tmp_path: Path) -> None:
    for name in ("kept", "a/b/c"):
        store.upload((tmp_path / "x" / name).as_uri(), b".")
    store.remove((tmp_path / "x/a/b/c").as_uri())
    store.remove((tmp_path / "x/a/b/c").as_uri())
    assert [path.name for path in (tmp_path / "x").iterdir()] == ["kept"]


def test_a_folder_in_place_of_a_file_is_not_removed(store: Store, tmp_path: Path) -> None:
    (tmp_path / "folder/file").mkdir(parents=True)
    with pytest.raises(UserError, match="cannot be written"):
        store.remove((tmp_path / "folder/file").as_uri())


def test_lists_at_any_depth(store: Store, tmp_path: Path) -> None:
    write_files(tmp_path, {"data/a b/1#.png": b"1", "data/c/d/50%.png": b"22", "data/e.txt": b"", "database/x": b""})
    folder = (tmp_path / "data").as_uri()
    found = {relative_path(folder + "/", info.uri): info.size_bytes for info in store.list(folder)}
    assert found == {"a b/1#.png": 1, "c/d/50%.png": 2, "e.txt": 0}
    assert all(store.head(info.uri) == info for info in store.list(folder))


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"", []),
        (b"a\nb\n", [b"a", b"b"]),
        (b"a\n\nb", [b"a", b"", b"b"]),
        (b"x" * 3_000_000 + b"\ny", [b"x" * 3_000_000, b"y"]),
    ],
)
def test_lines(store: Store, tmp_path: Path, content: bytes, lines: list[bytes]) -> None:
    write_files(tmp_path, {"a": content})
    assert list(store.lines((tmp_path / "a").as_uri())) == lines


def test_a_line_without_end_is_refused(store: Store, tmp_path: Path) -> None:
    write_files(tmp_path, {"a": b"one\n" + b"x" * (18 << 20)})
    with pytest.raises(UserError, match="line 2 is longer than 16 MiB") as error:
        list(store.lines((tmp_path / "a").as_uri()))
    assert error.value.exit_code == ExitCode.DATA


def test_what_is_not_there(store: Store, tmp_path: Path) -> None:
    uri = (tmp_path / "nothing").as_uri()
    assert store.head(uri) is None
    assert store.read_or_none(uri) is None
    for read in (store.read, store.digest, lambda uri: list(store.list(uri)), lambda uri: list(store.lines(uri))):
        with pytest.raises(UserError, match=f"^{uri}/? does not exist; correct the URI$") as error:
            read(uri)
        assert (error.value.exit_code, error.value.reason) == (ExitCode.NOT_FOUND, Reason.NOT_FOUND)


def test_a_folder_is_no_file(store: Store, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is a folder, not a file") as error:
        store.read(tmp_path.as_uri())
    assert error.value.exit_code == ExitCode.NOT_FOUND


def test_output_in_a_file_is_not_writable(store: Store, tmp_path: Path) -> None:
    write_files(tmp_path, {"file": b""})
    for write in (store.upload, store.create):
        with pytest.raises(UserError, match=r"file/x cannot be written \(") as error:
            write(join(tmp_path.as_uri(), "file/x"), b"")
        assert (error.value.exit_code, error.value.reason) == (ExitCode.ENVIRONMENT, Reason.OUTPUT_NOT_WRITABLE)


@pytest.mark.parametrize(
    ("code", "exit_code", "words"),
    [
        (errno.EACCES, ExitCode.NOT_FOUND, "may not be read"),
        (errno.EIO, ExitCode.FAILED, "cannot be read (Input/output error)"),
    ],
)
def test_a_disk_that_fails(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, exit_code: ExitCode, words: str
) -> None:
    def fail(path: Path) -> NoReturn:
        raise OSError(code, os.strerror(code), str(path))

    monkeypatch.setattr(Path, "read_bytes", fail)
    with pytest.raises(UserError) as error:
        store.read((tmp_path / "a").as_uri())
    assert error.value.exit_code == exit_code
    assert words in error.value.message


def test_a_full_disk(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_descriptor: int) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(UserError, match="the disk is full") as error:
        store.upload(join(tmp_path.as_uri(), "a"), b"x")
    assert (error.value.exit_code, error.value.reason) == (ExitCode.ENVIRONMENT, Reason.OUTPUT_NOT_WRITABLE)
    assert list(tmp_path.iterdir()) == []


class Forgetful(LocalBackend):
    """Storage that gives back other bytes than it was given."""

    def write(self, uri: str, source: bytes | Path) -> None:
        del source
        super().write(uri, b"other")


def test_an_upload_that_reads_back_otherwise_is_told(tmp_path: Path) -> None:
    store = Store(S3Backend(None, None), Forgetful())
    with pytest.raises(UserError, match="reads back other than it was written") as error:
        store.upload(join(tmp_path.as_uri(), "a"), b"abc")
    assert error.value.exit_code == ExitCode.FAILED


class Short(LocalBackend):
    """Storage that ends before the size that it states."""

    def open(self, uri: str) -> Reading:
        return replace(super().open(uri), size_bytes=10)


def test_a_download_that_ends_early_is_told(tmp_path: Path) -> None:
    write_files(tmp_path, {"a": b"abc"})
    store = Store(S3Backend(None, None), Short())
    with pytest.raises(UserError, match="3 of 10 bytes came") as error:
        store.download((tmp_path / "a").as_uri(), tmp_path / "b")
    assert error.value.exit_code == ExitCode.FAILED
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize(
    ("uri", "names", "joined"),
    [
        ("s3://models", ["default", "a"], "s3://models/default/a"),
        ("s3://models/x/", ["a b#.png"], "s3://models/x/a b#.png"),
        ("file:///tmp", ["a b#%.png"], "file:///tmp/a%20b%23%25.png"),
        ("file:///", ["tmp/x"], "file:///tmp/x"),
    ],
)
def test_joins(uri: str, names: list[str], joined: str) -> None:
    assert join(uri, *names) == joined


def test_local_paths_take_blanks_as_they_are_or_encoded() -> None:
    assert local_path("file:///a%20b/50%25") == local_path("file:///a b/50%") == Path("/a b/50%")


@pytest.mark.parametrize("uri", ["s3://", "http://x/y", "bucket/key"])
def test_no_uri_of_storage(uri: str) -> None:
    with pytest.raises(UserError, match="is no URI of storage") as error:
        bucket_and_key(uri)
    assert error.value.exit_code == ExitCode.SPEC


def test_settings_come_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[str | None, str | None]] = []
    monkeypatch.setattr("tintype_trainer.storage.store.S3Backend", lambda *arguments: made.append(arguments[:2]))
    environment = {"AWS_ENDPOINT_URL": "http://env", "AWS_REGION": "env-1"}
    Store.from_settings(Storage(endpoint="http://spec", region="spec-1"), environment=environment)
    Store.from_settings(Storage(endpoint="http://spec"), environment=environment)
    Store.from_settings(environment=environment | {"AWS_ENDPOINT_URL_S3": "http://s3"})
    Store.from_settings(environment={})
    assert made == [("http://spec", "spec-1"), ("http://spec", "env-1"), ("http://s3", "env-1"), (None, None)]


def answer(status: int, code: str) -> str:
    return f"Error performing GET in 1ms - Server returned non-2xx status code: {status} X: <Error><Code>{code}</Code>"


@pytest.mark.parametrize(
    ("text", "exit_code", "reason", "words"),
    [
        (answer(404, "NoSuchBucket"), 66, Reason.NOT_FOUND, "AWS has no bucket 'data'"),
        (answer(404, "NoSuchKey"), 66, Reason.NOT_FOUND, "does not exist at AWS"),
        (answer(403, "AccessDenied"), 66, Reason.ACCESS_DENIED, "these credentials lack the right"),
        (answer(403, "InvalidAccessKeyId"), 66, Reason.ACCESS_DENIED, "the access key is unknown there"),
        (answer(403, "SignatureDoesNotMatch"), 66, Reason.ACCESS_DENIED, "the secret key does not fit"),
        (answer(400, "ExpiredToken"), 66, Reason.ACCESS_DENIED, "the session token has expired"),
        (answer(403, "RequestTimeTooSkewed"), 66, Reason.ACCESS_DENIED, "the clock of this machine is wrong"),
        ("Received redirect without LOCATION", 64, Reason.INVALID_SPEC, "set storage.region"),
        (answer(412, "PreconditionFailed"), 1, Reason.STORAGE_UNREACHABLE, "was written anew while it was read"),
        (answer(503, "SlowDown"), 1, Reason.STORAGE_UNREACHABLE, "answers with HTTP 503 SlowDown"),
        ("error sending request\n dns error", 1, Reason.STORAGE_UNREACHABLE, "its name is not known"),
        ("error sending request\n Connection refused", 1, Reason.STORAGE_UNREACHABLE, "the connection is refused"),
        ("something else\nin lines", 1, Reason.STORAGE_UNREACHABLE, "does not answer (something else)"),
    ],
)
def test_answers_of_s3_are_sentences(text: str, exit_code: int, reason: Reason, words: str) -> None:
    error = translate(Exception(text), "s3://data/a.txt", None)
    assert (error.exit_code, error.reason) == (exit_code, reason)
    assert words in error.message
    assert error.message.startswith("s3://data/a.txt")
    assert "\n" not in error.message


def test_a_server_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    store = Store.from_settings(Storage(endpoint="http://127.0.0.1:1"), retry_timeout_s=0.3)
    with pytest.raises(UserError, match=r"127\.0\.0\.1:1 does not answer") as error:
        store.read("s3://data/a.txt")
    assert (error.value.exit_code, error.value.reason) == (ExitCode.FAILED, Reason.STORAGE_UNREACHABLE)


def test_no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_ROLE_ARN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    store = Store.from_settings(environment={})
    with pytest.raises(UserError, match="there are no credentials for S3; set AWS_ACCESS_KEY_ID") as error:
        store.read("s3://data/a.txt")
    assert (error.value.exit_code, error.value.reason) == (ExitCode.NOT_FOUND, Reason.ACCESS_DENIED)


def test_a_profile_that_is_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    store = Store.from_settings(environment={})
    with pytest.raises(UserError, match=r"configuration is wrong \(The config profile \(nobody\)") as error:
        store.read("s3://data/a.txt")
    assert error.value.reason == Reason.ACCESS_DENIED
