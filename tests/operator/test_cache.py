"""What the caches take and forget, whatever order the watches tell it in."""

import sys
from typing import Any

from support.operator_objects import SUCCEEDED_STATUS, job, stored_version
from tintype_operator.cache import Caches
from tintype_operator.facts import Key
from tintype_operator.observe import observe_job, observe_version

KEY = Key("team-a", "bottles-1")


def test_older_news_is_no_news() -> None:
    versions = Caches().versions
    assert versions.put(observe_version(stored_version(resource_version=10)))
    assert not versions.put(observe_version(stored_version(resource_version=10)))
    assert not versions.put(observe_version(stored_version(resource_version=9, generation=5)))
    assert versions.put(observe_version(stored_version(resource_version=11, generation=2)))
    known = versions.get(KEY)
    assert known is not None
    assert known.generation == 2


def test_a_name_that_is_used_again_survives_the_late_news_of_its_predecessor() -> None:
    versions = Caches().versions
    versions.put(observe_version(stored_version(uid="old", resource_version=1)))
    versions.put(observe_version(stored_version(uid="new", resource_version=5)))
    assert not versions.remove(KEY, "old")
    assert not versions.put(observe_version(stored_version(uid="old", resource_version=9)))
    known = versions.get(KEY)
    assert known is not None
    assert known.uid == "new"
    assert versions.remove(KEY, "new")
    assert versions.get(KEY) is None


def test_jobs_are_found_by_the_version_that_controls_them() -> None:
    jobs = Caches().jobs
    jobs.put(observe_job(job()))
    jobs.put(observe_job(job(name="other-1", uid="x", owner_name="other")))
    assert [one.key.name for one in jobs.of(KEY)] == ["bottles-1-1"]
    jobs.remove(Key("team-a", "bottles-1-1"), "job-uid")
    assert jobs.of(KEY) == ()
    assert len(jobs) == 1


def test_a_list_sets_right_what_no_watch_told() -> None:
    jobs = Caches().jobs
    jobs.put(observe_job(job(name="vanished-1", uid="a", owner_name="vanished", resource_version=5)))
    jobs.put(observe_job(job(name="younger-1", uid="b", owner_name="younger", resource_version=30)))
    jobs.put(observe_job(job(name="same-1", uid="c", owner_name="same", resource_version=6)))
    listed = [
        observe_job(job(name="same-1", uid="c", owner_name="same", resource_version=6)),
        observe_job(job(name="missed-1", uid="d", owner_name="missed", resource_version=19)),
    ]
    assert sorted(one.version for one in jobs.settle(listed, 20)) == ["missed", "vanished"]
    assert sorted(one.key.name for one in jobs) == ["missed-1", "same-1", "younger-1"]


def test_a_list_does_not_bring_back_what_was_deleted_meanwhile() -> None:
    jobs = Caches().jobs
    jobs.put(observe_job(job(resource_version=5)))
    jobs.remove(Key("team-a", "bottles-1-1"), "job-uid")
    assert jobs.settle([observe_job(job(resource_version=5))], 6) == []
    assert len(jobs) == 0


def test_versions_are_found_by_their_model() -> None:
    versions = Caches().versions
    versions.put(observe_version(stored_version(uid="new", resource_version=1)))
    assert versions.of_model("team-a", "") == ()
    for number, model in enumerate(("x", "y", "y"), 2):
        versions.put(observe_version(stored_version(uid="new", resource_version=number, status={"model": model})))
    versions.put(observe_version(stored_version(name="other", uid="o", status={"model": "y"})))
    assert versions.of_model("team-a", "x") == ()
    assert sorted(one.key.name for one in versions.of_model("team-a", "y")) == ["bottles-1", "other"]
    assert versions.of_model("team-b", "y") == ()
    versions.remove(KEY, "new")
    versions.remove(Key("team-a", "other"), "o")
    assert versions.of_model("team-a", "y") == ()


def test_ended_versions_are_kept_small() -> None:
    big: dict[str, Any] = {"spec.concepts": [f"concept {number}" for number in range(200)]}
    history = [{"epoch": epoch, "iteration": epoch} for epoch in range(50)]
    running = observe_version(stored_version(big, status={"history": history}))
    ended = observe_version(stored_version(big, status=SUCCEEDED_STATUS | {"history": history}))
    assert len(running.document) > 2_000
    assert ended.document == b""
    assert sum(sys.getsizeof(getattr(ended, name)) for name in ended.__slots__) < 2_000
