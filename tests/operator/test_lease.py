"""The Lease among several operators, with a clock that is set by hand."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tintype_operator import lease as lease_module
from tintype_operator.apierror import NOT_LEADING, ApiError
from tintype_operator.client import LEASES, Client
from tintype_operator.facts import Key
from tintype_operator.lease import DURATION_S, RETRY_S, TERM_S, Lease, Term

PLACE = Key("tintype", "tintype-operator")
_sleep = asyncio.sleep


class World:
    """An API server that holds one Lease, and a clock that moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.lease: dict[str, Any] | None = None
        self.version = 0
        self.away = False

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await _sleep(0)

    async def get(self, resource: object, *place: str) -> dict[str, Any]:
        self._check(resource, place)
        if self.lease is None:
            raise ApiError(404, "NotFound", "no such Lease", name=PLACE.name)
        return self.lease

    async def create(self, resource: object, namespace: str, body: dict[str, Any]) -> dict[str, Any]:
        self._check(resource, (namespace, body["metadata"]["name"]))
        if self.lease is not None:
            raise ApiError(409, "AlreadyExists", "it is there")
        return self._store(body["spec"])

    async def merge(self, resource: object, namespace: str, name: str, body: dict[str, Any]) -> dict[str, Any]:
        self._check(resource, (namespace, name))
        assert self.lease is not None
        if body["metadata"]["resourceVersion"] != self.lease["metadata"]["resourceVersion"]:
            raise ApiError(409, "Conflict", "it has changed")
        return self._store(self.lease["spec"] | body["spec"])

    def _check(self, resource: object, place: tuple[str, ...]) -> None:
        assert (resource, place) == (LEASES, tuple(PLACE))
        if self.away:
            raise ApiError(0, "Unreachable", "the API server does not answer")

    def _store(self, spec: dict[str, Any]) -> dict[str, Any]:
        self.version += 1
        self.lease = {"metadata": {"resourceVersion": str(self.version)}, "spec": spec}
        return self.lease

    @property
    def holder(self) -> str | None:
        assert self.lease is not None
        return cast("str | None", self.lease["spec"]["holderIdentity"])


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World()
    monkeypatch.setattr(lease_module, "time", SimpleNamespace(monotonic=lambda: world.now))
    monkeypatch.setattr(asyncio, "sleep", world.sleep)
    return world


@pytest.fixture
def operator(world: World) -> Callable[[str], tuple[Lease, Term]]:
    def make(identity: str) -> tuple[Lease, Term]:
        term = Term()
        return Lease(cast("Client", world), PLACE, identity, term), term

    return make


Operator = Callable[[str], tuple[Lease, Term]]


async def test_the_first_makes_it_and_may_write(world: World, operator: Operator) -> None:
    lease, term = operator("a")
    with pytest.raises(ApiError) as refused:
        term.check()
    assert refused.value.code == NOT_LEADING
    await lease.acquire()
    term.check()
    assert world.holder == "a"
    world.now += TERM_S
    with pytest.raises(ApiError, match="does not hold its Lease any more"):
        term.check()


async def test_a_lease_that_is_not_renewed_is_taken_after_its_duration_and_never_before(
    world: World, operator: Operator
) -> None:
    (first, first_term), (second, second_term) = operator("a"), operator("b")
    await first.acquire()
    began = world.now
    await second.acquire()
    assert DURATION_S <= world.now - began <= DURATION_S + RETRY_S
    assert world.holder == "b"
    assert first_term.left_s <= 0 < second_term.left_s
    assert world.lease is not None
    assert world.lease["spec"]["leaseTransitions"] == 1


async def test_while_it_is_renewed_nobody_else_gets_it(world: World, operator: Operator) -> None:
    (first, term), (second, second_term) = operator("a"), operator("b")
    await first.acquire()
    keeping, waiting = asyncio.create_task(first.keep()), asyncio.create_task(second.acquire())
    until = world.now + 20 * DURATION_S
    while world.now < until:
        await _sleep(0)
        assert world.holder == "a"
        assert second_term.left_s <= 0
    assert term.left_s > 0
    for task in (keeping, waiting):
        task.cancel()


async def test_a_holder_that_was_frozen_finds_its_term_over(world: World, operator: Operator) -> None:
    (first, term), (second, second_term) = operator("a"), operator("b")
    await first.acquire()
    await second.acquire()
    await asyncio.wait_for(first.keep(), 5)
    assert world.holder == "b"
    assert term.left_s <= 0 < second_term.left_s


async def test_what_is_given_back_is_taken_at_once(world: World, operator: Operator) -> None:
    (first, term), (second, _) = operator("a"), operator("b")
    await first.acquire()
    await first.release()
    assert (world.holder, term.left_s <= 0) == (None, True)
    before = world.now
    await second.acquire()
    assert world.now == before
    await first.release()
    assert world.holder == "b", "what another holds is not given back"


async def test_it_is_given_back_also_after_a_renewal_whose_answer_was_lost(world: World, operator: Operator) -> None:
    first, _ = operator("a")
    await first.acquire()
    assert world.lease is not None
    world._store(dict(world.lease["spec"]))
    await first.release()
    assert world.holder is None


async def test_a_restarted_operator_of_the_same_name_goes_on_at_once(world: World, operator: Operator) -> None:
    (first, _), (again, _) = operator("a"), operator("a")
    await first.acquire()
    before = world.now
    await again.acquire()
    assert world.now == before


async def test_an_api_server_that_is_away_ends_the_term_and_not_the_operator(
    world: World, operator: Operator, caplog: pytest.LogCaptureFixture
) -> None:
    lease, term = operator("a")
    await lease.acquire()
    world.away = True
    await asyncio.wait_for(lease.keep(), 5)
    assert term.left_s <= 0
    assert "lost the Lease tintype/tintype-operator" in caplog.text
    world.away = False
    await lease.acquire()
    assert term.left_s > 0


async def test_of_two_that_take_it_at_once_one_has_it(world: World, operator: Operator) -> None:
    (first, first_term), (second, second_term) = operator("a"), operator("b")
    world._store({"holderIdentity": None})
    tasks = [asyncio.create_task(each.acquire()) for each in (first, second)]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    assert sorted([first_term.left_s > 0, second_term.left_s > 0]) == [False, True]
    for task in tasks:
        task.cancel()
