"""Storage on a real S3 server: what it answers, what is said of it, and that one of many publishes."""

import hashlib
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import pytest

import devcluster
from support.modelversions import modelversion
from support.pictures import HEADER, image_line, json_lines, picture, truncated
from support.s3 import s3_environment
from support.storage_proxy import StorageProxy
from tintype_api.constants import ExitCode, Reason
from tintype_api.errors import UserError
from tintype_api.modelversion import ModelVersion, resolve
from tintype_api.spec.run import Storage
from tintype_trainer.datasets.dataset import Split
from tintype_trainer.datasets.examples import read_examples
from tintype_trainer.datasets.freezing import freeze
from tintype_trainer.meter import Counted
from tintype_trainer.output.publishing import Publisher, verify_manifest
from tintype_trainer.pixels.staging import stage
from tintype_trainer.storage import MissingObject, Store

MANY = 2_345


@pytest.fixture(scope="module", autouse=True)
def environment(control_plane: devcluster.Cluster) -> Iterator[None]:
    with s3_environment(control_plane):
        yield


@pytest.fixture(scope="module")
def buckets(environment: None) -> None:
    client = boto3.client("s3")
    for name in ("storage-data", "storage-models"):
        client.create_bucket(Bucket=name)


@pytest.fixture(scope="module")
def store(buckets: None) -> Store:
    return Store.from_settings(retry_timeout_s=2)


def test_uploads_of_one_part_and_of_many_read_back(store: Store, tmp_path: Path) -> None:
    large = tmp_path / "large"
    large.write_bytes(bytes(range(256)) * 100_000)
    uploaded = store.upload("s3://storage-data/up/large.bin", large)
    assert (uploaded.size_bytes, uploaded.sha256) == (25_600_000, hashlib.sha256(large.read_bytes()).hexdigest())
    assert store.download("s3://storage-data/up/large.bin", tmp_path / "back") == uploaded.sha256
    assert (tmp_path / "back").read_bytes() == large.read_bytes()
    assert store.upload("s3://storage-data/up/empty", b"").size_bytes == 0
    assert store.read("s3://storage-data/up/empty") == b""
    found = store.head("s3://storage-data/up/large.bin")
    assert found is not None
    assert found.size_bytes == 25_600_000


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("report.html", "text/html"),
        ("manifest.json", "application/json"),
        ("predictions.jsonl.gz", "application/gzip"),
        ("best.safetensors", "application/octet-stream"),
    ],
)
def test_browsers_are_told_what_a_file_is(store: Store, name: str, kind: str) -> None:
    store.upload(f"s3://storage-models/kinds/{name}", b"content")
    assert boto3.client("s3").head_object(Bucket="storage-models", Key=f"kinds/{name}")["ContentType"] == kind


@pytest.mark.parametrize("key", ["a b.png", "50%.png", "a%20b.png", "a#b?.png", "ü~{x}*.png"])
def test_keys_stand_as_they_are(store: Store, key: str) -> None:
    boto3.client("s3").put_object(Bucket="storage-data", Key=f"keys/{key}", Body=key.encode())
    assert store.read(f"s3://storage-data/keys/{key}") == key.encode()
    store.upload(f"s3://storage-data/keys/{key}", b"ours")
    assert boto3.client("s3").get_object(Bucket="storage-data", Key=f"keys/{key}")["Body"].read() == b"ours"
    assert f"s3://storage-data/keys/{key}" in {info.uri for info in store.list("s3://storage-data/keys")}


def test_a_tag_tells_what_changed(store: Store) -> None:
    uri = "s3://storage-data/tag"
    store.upload(uri, b"one")
    first = store.read_if_changed(uri, None)
    assert first is not None
    assert first.data == b"one"
    assert store.read_if_changed(uri, first.etag) is None
    store.upload(uri, b"two")
    second = store.read_if_changed(uri, first.etag)
    assert second is not None
    assert second.data == b"two"


def test_lists_more_than_a_page(store: Store) -> None:
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda number: store.create(f"s3://storage-data/many/{number}/x", b"."), range(MANY)))
    store.create("s3://storage-data/many-more/x", b".")
    found = [info.uri for info in store.list("s3://storage-data/many/")]
    assert len(found) == len(set(found)) == MANY
    assert list(store.list("s3://storage-data/none/")) == []


@pytest.mark.parametrize("attempt", range(4))
def test_of_many_writers_at_once_one_creates(store: Store, attempt: int) -> None:
    # Few writers: SeaweedFS lets those that lose wait a second each for its lock.
    uri = f"s3://storage-data/race/{attempt}/manifest.json"
    with ThreadPoolExecutor(4) as pool:
        won = list(pool.map(lambda number: store.create(uri, b"%d" % number), range(4)))
    assert won.count(True) == 1
    assert store.read(uri) == b"%d" % won.index(True)


def test_what_is_removed_is_gone_and_nothing_else(store: Store) -> None:
    for name in ("a", "ab", "a b/ü"):
        store.create(f"s3://storage-data/removed/{name}", b".")
    store.remove("s3://storage-data/removed/a")
    store.remove("s3://storage-data/removed/a b/ü")
    assert [info.uri for info in store.list("s3://storage-data/removed/")] == ["s3://storage-data/removed/ab"]
    store.remove("s3://storage-data/removed/a")
    with pytest.raises(UserError, match="has no bucket 'no-bucket'"):
        store.remove("s3://no-bucket/a")


Operation = Callable[[Store], object]


@pytest.mark.parametrize(
    ("operation", "words"),
    [
        (lambda store: store.read("s3://storage-data/nothing"), "s3://storage-data/nothing does not exist at http"),
        (lambda store: list(store.lines("s3://storage-data/nothing")), "s3://storage-data/nothing does not exist at"),
        (lambda store: store.download("s3://storage-data/nothing", Path("/tmp/none")), "does not exist at http"),
        (lambda store: store.read("s3://no-bucket/a"), "has no bucket 'no-bucket'; correct the URI or create it"),
        (lambda store: store.read_or_none("s3://no-bucket/a"), "has no bucket 'no-bucket'"),
        (lambda store: list(store.list("s3://no-bucket/a/")), "has no bucket 'no-bucket'"),
        (lambda store: store.upload("s3://no-bucket/a", b"x"), "has no bucket 'no-bucket'"),
        (lambda store: store.create("s3://no-bucket/a", b"x"), "has no bucket 'no-bucket'"),
    ],
)
def test_what_is_not_there(store: Store, operation: Operation, words: str) -> None:
    with pytest.raises(UserError) as error:
        operation(store)
    assert (error.value.exit_code, error.value.reason) == (ExitCode.NOT_FOUND, Reason.NOT_FOUND)
    assert words in error.value.message
    assert "\n" not in error.value.message


def test_only_a_missing_key_counts_as_absent(store: Store) -> None:
    assert store.head("s3://storage-data/nothing") is None
    assert store.read_or_none("s3://storage-data/nothing") is None
    with pytest.raises(MissingObject):
        store.read("s3://storage-data/nothing")


@pytest.mark.parametrize(
    "operation",
    [
        lambda store: store.read("s3://storage-data/keys/x"),
        lambda store: store.head("s3://storage-data/keys/x"),
        lambda store: list(store.list("s3://storage-data/keys")),
        lambda store: store.upload("s3://storage-data/keys/x", b"x"),
        lambda store: store.create("s3://storage-data/keys/x", b"x"),
    ],
)
@pytest.mark.parametrize(
    ("variable", "words"),
    [
        ("AWS_ACCESS_KEY_ID", "the access key is unknown there"),
        ("AWS_SECRET_ACCESS_KEY", "the secret key does not fit the access key"),
    ],
)
def test_wrong_credentials(
    buckets: None, operation: Operation, variable: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "wrong")
    with pytest.raises(UserError) as error:
        operation(Store.from_settings())
    assert (error.value.exit_code, error.value.reason) == (ExitCode.NOT_FOUND, Reason.ACCESS_DENIED)
    # The answer to HEAD has no body, so that it cannot say which of the two is wrong.
    assert words in error.value.message or "these credentials lack the right" in error.value.message


@pytest.mark.parametrize(
    ("endpoint", "words"),
    [
        ("http://127.0.0.1:1", "http://127.0.0.1:1 does not answer (the connection is refused)"),
        ("http://nowhere.invalid", "http://nowhere.invalid does not answer (its name is not known)"),
    ],
)
def test_a_server_that_is_not_there(buckets: None, endpoint: str, words: str) -> None:
    store = Store.from_settings(Storage(endpoint=endpoint), retry_timeout_s=1)
    with pytest.raises(UserError) as error:
        store.read("s3://storage-data/a")
    assert (error.value.exit_code, error.value.reason) == (ExitCode.FAILED, Reason.STORAGE_UNREACHABLE)
    assert words in error.value.message


def test_a_server_that_is_busy_is_asked_again_which_is_counted(
    buckets: None, control_plane: devcluster.Cluster, tmp_path: Path
) -> None:
    large = tmp_path / "large"
    large.write_bytes(bytes(range(256)) * 50_000)
    with StorageProxy(control_plane.s3_endpoint) as proxy:
        store = Store.from_settings(Storage(endpoint=proxy.url))
        retries = 0
        for operation in (
            lambda: store.upload("s3://storage-data/busy", b"content"),
            lambda: store.read("s3://storage-data/busy"),
            lambda: store.head("s3://storage-data/busy"),
            lambda: store.remove("s3://storage-data/busy"),
        ):
            proxy.busy = 3
            operation()
            retries += 3
            assert store.meter.counts[Counted.STORAGE_RETRIES] == retries
        proxy.busy = 3
        assert store.upload("s3://storage-data/busy", large).size_bytes == 12_800_000
        proxy.busy = 3
        assert store.create("s3://storage-data/busy/created", b"content")
        proxy.busy = 3
        assert [found.size_bytes for found in store.list("s3://storage-data/busy")] == [7]
        assert store.meter.counts[Counted.STORAGE_RETRIES] == retries, "obstore's own are not told"
        assert store.meter.counts[Counted.STORAGE_ERRORS] == 0


@pytest.fixture(scope="module")
def large(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("large") / "large"
    path.write_bytes(bytes(range(256)) * 50_000)
    store.upload("s3://storage-data/large", path)
    return path


def test_a_download_that_breaks_off_goes_on_from_there_which_is_counted(
    large: Path, control_plane: devcluster.Cluster, tmp_path: Path
) -> None:
    with StorageProxy(control_plane.s3_endpoint) as proxy:
        store = Store.from_settings(Storage(endpoint=proxy.url))
        proxy.busy, proxy.cut, proxy.cut_after_bytes = 2, 3, 2 << 20
        store.download("s3://storage-data/large", tmp_path / "back")
        assert (tmp_path / "back").read_bytes() == large.read_bytes()
        assert store.meter.counts[Counted.STORAGE_RETRIES] == 2 + 3
        assert store.meter.counts[Counted.STORAGE_ERRORS] == 0
        assert proxy.passed_bytes < 2 * len(large.read_bytes()), "only the rest is asked for again"


def test_a_download_never_mixes_two_versions(large: Path, control_plane: devcluster.Cluster) -> None:
    with StorageProxy(control_plane.s3_endpoint) as proxy:
        store = Store.from_settings(Storage(endpoint=proxy.url), retry_timeout_s=2)
        store.write("s3://storage-data/changing", large.read_bytes())
        proxy.cut, proxy.cut_after_bytes = 1, 2 << 20
        chunks = store.chunks("s3://storage-data/changing")
        next(chunks)
        store.write("s3://storage-data/changing", b"other " * 2_000_000)
        with pytest.raises(UserError, match="changing was written anew while it was read; leave"):
            list(chunks)


def test_a_server_that_stays_busy_or_away_is_given_up(buckets: None, control_plane: devcluster.Cluster) -> None:
    with StorageProxy(control_plane.s3_endpoint) as proxy:
        store = Store.from_settings(Storage(endpoint=proxy.url), retry_timeout_s=1)
        proxy.busy = 1000
        with pytest.raises(UserError, match="answers with HTTP 503 SlowDown; ask who runs it"):
            store.read("s3://storage-data/a")
        assert 3 <= store.meter.counts[Counted.STORAGE_RETRIES] == len(proxy.asked) - 1
        proxy.is_stopped = True
        with pytest.raises(UserError, match="does not answer"):
            store.read("s3://storage-data/a")
        proxy.busy, proxy.is_stopped = 0, False
        retries, asked = store.meter.counts[Counted.STORAGE_RETRIES], len(proxy.asked)
        with pytest.raises(MissingObject):
            store.read("s3://storage-data/none")
        assert (store.meter.counts[Counted.STORAGE_RETRIES], len(proxy.asked)) == (retries, asked + 1)


def version(changes: dict[str, Any]) -> ModelVersion:
    return resolve(ModelVersion.parse(modelversion(changes)))


def write_bottles(store: Store, folder: str) -> None:
    """Write 120 pictures, of which one is truncated, one is missing, and one is of a concept not in the model."""
    lines: list[dict[str, Any]] = [HEADER]
    for number in range(120):
        concept = ("glass", "metal")[number % 2] if number != 17 else "paper"
        lines.append(image_line(f"images/{number:03}.png", [concept]))
        if number != 30:
            data = truncated("PNG") if number == 31 else picture(number)
            store.create(f"s3://storage-data/{folder}/images/{number:03}.png", data)
    store.upload(f"s3://storage-data/{folder}/bottles.jsonl", json_lines(*lines))


def test_from_a_bucket_to_a_published_version(store: Store, tmp_path: Path) -> None:
    write_bottles(store, "bottles")
    trained = version(
        {
            "spec.concepts": ["glass", "metal"],
            "spec.dataset": {"uri": "s3://storage-data/bottles/bottles.jsonl", "validation": {"fraction": 0.2}},
            "spec.output.uri": "s3://storage-models/team",
        }
    )
    publisher = Publisher(store, trained, "run-1")
    assert publisher.begin() is None
    staged = stage(read_examples(trained, store), store, tmp_path)
    assert staged.unreadable.count == 2
    assert [sentence.split(" ")[0] for sentence in staged.unreadable.examples] == ["images/030.png", "images/031.png"]
    assert len(staged.of(Split.VALIDATION)) in range(22, 25)
    frozen = freeze(staged)
    assert (frozen.status.not_in_model, frozen.status.train + frozen.status.validation) == (1, 117)
    publisher.add("dataset.jsonl.gz", frozen.lines_gz)
    artifacts = publisher.finish(frozen.digest)
    assert artifacts == verify_manifest("s3://storage-models/team/default/bottles-1", store)
    assert freeze(stage(read_examples(trained, store), store, tmp_path)).digest == frozen.digest

    assert Publisher(store, trained, "run-2").begin() == artifacts
    other = version({"spec.dataset.uri": "s3://x-y/z", "spec.output.uri": "s3://storage-models/team"})
    with pytest.raises(UserError, match="is a manifest of the ModelVersion sha256:") as error:
        Publisher(store, other, "run-3").begin()
    assert error.value.reason == Reason.OUTPUT_TAKEN

    boto3.client("s3").put_object(
        Bucket="storage-models", Key="team/default/bottles-1/runs/run-1/dataset.jsonl.gz", Body=b"damaged"
    )
    with pytest.raises(UserError, match=r"runs/run-1/dataset\.jsonl\.gz has 7 bytes instead of"):
        verify_manifest(artifacts.uri, store)
    content = json.loads(store.read("s3://storage-models/team/default/bottles-1/manifest.json"))
    assert content["datasetDigest"] == frozen.digest


def test_an_output_bucket_that_is_not_there_is_found_at_the_beginning(store: Store) -> None:
    publisher = Publisher(store, version({"spec.output.uri": "s3://no-bucket/team"}), "run-1")
    with pytest.raises(UserError, match="has no bucket 'no-bucket'") as error:
        publisher.begin()
    assert error.value.exit_code == ExitCode.NOT_FOUND
