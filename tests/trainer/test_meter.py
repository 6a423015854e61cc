"""What a run counts: time, requests, bytes, and what fails."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tintype_api.errors import UserError, storage_unreachable
from tintype_trainer.meter import Activity, Counted, Meter
from tintype_trainer.storage import MissingObject, Store, as_uri
from tintype_trainer.storage.local import LocalBackend


class Failing(LocalBackend):
    """Storage that does not answer."""

    def read(self, uri: str, _unless_etag: str | None) -> None:
        raise storage_unreachable(f"{uri}: nobody answers")


def test_waiting_and_working_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter([0.0, 3.0, 3.0, 4.0, 4.0, 5.0, 5.0, 5.0])
    monkeypatch.setattr("tintype_trainer.meter.time.perf_counter", lambda: next(now))
    meter = Meter()

    def batches() -> Iterator[int]:
        yield from (1, 2)

    for _ in meter.waited_for(batches()):
        meter.spend(Activity.STEP, 2)
    assert meter.seconds[Activity.DATA] == 5


def test_time_counts_however_a_block_ends() -> None:
    meter = Meter()
    with pytest.raises(ValueError, match="no"), meter.during(Activity.CHECKPOINT):
        raise ValueError("no")
    assert meter.seconds[Activity.CHECKPOINT] > 0


def test_storage_is_metered(tmp_path: Path) -> None:
    store = Store.from_settings(environment={})
    uri = as_uri(str(tmp_path / "a.txt"))
    store.upload(uri, b"12345")
    assert store.read(uri) == b"12345"
    with pytest.raises(MissingObject):
        store.read(as_uri(str(tmp_path / "none.txt")))
    counts = store.meter.counts
    assert counts[Counted.STORAGE_WRITTEN_BYTES] == 5
    assert counts[Counted.STORAGE_READ_BYTES] == 10, "an upload is read back"
    assert counts[Counted.STORAGE_REQUESTS] == 4
    assert counts[Counted.STORAGE_ERRORS] == 0, "that something is not there is an answer"
    assert counts[Counted.STORAGE_SECONDS] > 0


def test_a_failure_of_storage_counts() -> None:
    store = Store(Failing(), Failing())
    with pytest.raises(UserError, match="nobody answers"):
        store.read("s3://a/b")
    assert store.meter.counts[Counted.STORAGE_ERRORS] == 1
