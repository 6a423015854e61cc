"""A reflector against a server of one kind that lists and watches as it is told."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import AsyncMock

import pytest

from support.operator_objects import job
from tintype_operator import reflector as reflector_module
from tintype_operator.apierror import ApiError
from tintype_operator.cache import Caches, version_of_job
from tintype_operator.client import JOBS, Client
from tintype_operator.facts import Key
from tintype_operator.observe import observe_job
from tintype_operator.reflector import STALE_S, Kind, Reflector
from tintype_operator.watch import Watch


class Server:
    """Gives one list after another, and one watch after another; then it says nothing any more."""

    def __init__(self, lists: list[Mapping[str, Any]], watches: list[list[object]]) -> None:
        self.lists = lists
        self.watches = watches
        self.watched_from: list[str] = []

    async def pages(self, resource: object, *_: object) -> AsyncIterator[Mapping[str, Any]]:
        assert resource == JOBS
        yield self.lists.pop(0)

    async def events(self, resource: object, namespace: str, query: Mapping[str, str]) -> AsyncIterator[object]:
        assert (resource, namespace) == (JOBS, "team-a")
        self.watched_from.append(query["resourceVersion"])
        if not self.watches:
            await asyncio.Event().wait()
        for event in self.watches.pop(0):
            if isinstance(event, Exception):
                raise event
            yield event


def listed(version: int, *items: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"metadata": {"resourceVersion": str(version)}, "items": list(items)}


def one(name: str, version: int) -> Any:  # noqa: ANN401 - an object of the API
    return job(name=f"{name}-1", uid=name, owner_name=name, resource_version=version)


def told(kind: str, found: object) -> dict[str, object]:
    return {"type": kind, "object": found}


BOOKMARK = told("BOOKMARK", {"metadata": {"resourceVersion": "90"}})
GONE = told("ERROR", {"kind": "Status", "code": 410, "message": "too old resource version"})


async def follow(server: Server, monkeypatch: pytest.MonkeyPatch) -> tuple[list[str], list[str], list[float]]:
    """Follow until the server falls silent; return who was told of, the names that are known, and the waits."""
    waits: list[float] = []
    sleep = asyncio.sleep

    async def wait(seconds: float) -> None:
        waits.append(seconds)
        await sleep(0)

    monkeypatch.setattr(asyncio, "sleep", wait)
    caches, news = Caches(), list[str]()
    kind = Kind(JOBS, caches.jobs, observe_job, version_of_job)
    reflector = Reflector(cast("Client", server), kind, "team-a", lambda key: news.append(key.name))
    following = asyncio.create_task(reflector.follow())
    for _ in range(50):
        await sleep(0)
    assert not following.done()
    following.cancel()
    return news, sorted(each.version for each in caches.jobs), waits


async def test_a_watch_goes_on_from_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    events = [told("ADDED", one("b", 11)), told("MODIFIED", one("a", 12)), told("DELETED", one("b", 13)), BOOKMARK]
    server = Server([listed(10, one("a", 5))], [events])
    news, known, waits = await follow(server, monkeypatch)
    assert (news, known, waits) == (["a", "b", "a", "b"], ["a"], [])
    assert server.watched_from == ["10", "90"], "where the server ends a watch, it goes on from what was said last"


async def test_old_news_is_told_to_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server([listed(10, one("a", 5))], [[told("MODIFIED", one("a", 5))]])
    assert await follow(server, monkeypatch) == (["a"], ["a"], [])


@pytest.mark.parametrize("gone", [GONE, ApiError(410, "Expired", "too old resource version")])
async def test_what_vanished_while_a_watch_was_too_old_is_found_by_a_list(
    gone: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server([listed(10, one("a", 5), one("b", 6)), listed(20, one("b", 6), one("c", 18))], [[gone]])
    news, known, waits = await follow(server, monkeypatch)
    assert (news, known, waits) == (["a", "b", "c", "a"], ["b", "c"], [])
    assert server.watched_from == ["10", "20"]


async def test_a_server_that_does_not_answer_is_asked_again_each_time_later(monkeypatch: pytest.MonkeyPatch) -> None:
    away = ApiError(0, "Unreachable", "the API server does not answer")
    server = Server([listed(10)], [[away], [told("ADDED", one("a", 11)), away], [away]])
    news, known, waits = await follow(server, monkeypatch)
    assert (news, known) == (["a"], ["a"])
    assert server.watched_from == ["10", "10", "11", "11"], "nothing is listed anew"
    first, after_news, again = waits
    assert 0.4 <= first <= 0.6
    assert 0.4 <= after_news <= 0.6, "what has told something may be asked again soon"
    assert 0.8 <= again <= 1.2


async def test_a_list_of_one_namespace_says_nothing_of_the_others() -> None:
    jobs = Caches().jobs
    jobs.put(observe_job(one("a", 5)))
    assert jobs.settle([], 10, "team-b") == []
    assert [each.key for each in jobs.settle([], 10, "team-a")] == [Key("team-a", "a-1")]


async def test_a_watch_that_tells_nothing_is_an_ailment_while_the_api_server_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 1000.0
    monkeypatch.setattr(reflector_module, "time", SimpleNamespace(monotonic=lambda: now))
    client = SimpleNamespace(silent_s=0.0, served_version=AsyncMock(return_value=None), pages=_nothing)
    watch = Watch(cast("Client", client), Caches(), ("team-a", "team-b"), lambda _: None)
    assert watch.ailments() == []
    await watch.first_list()
    now += STALE_S + 1
    told = [f"the watch of {kind} has told nothing for 181 s" for kind in ("jobs", "pods", "modelversions", "events")]
    assert watch.ailments() == told
    assert watch.silences() == dict.fromkeys(("jobs", "pods", "events", "modelversions"), STALE_S + 1)
    client.silent_s = STALE_S
    assert watch.ailments() == [], "nothing answers: a restart would not mend that"
    client.silent_s = 0.0
    await watch.first_list()
    assert watch.ailments() == []


async def _nothing(*_: object) -> AsyncIterator[Mapping[str, Any]]:
    yield listed(1)
