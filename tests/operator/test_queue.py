"""The work queue: no key twice, none in two hands, and slower with each failure."""

import asyncio

import pytest

from tintype_operator.facts import Key
from tintype_operator.queue import WorkQueue

A, B = Key("team-a", "a"), Key("team-a", "b")


async def test_a_key_is_in_the_queue_once() -> None:
    queue = WorkQueue()
    for key in (A, B, A):
        queue.add(key)
    assert len(queue) == 2
    assert [await queue.take(), await queue.take()] == [A, B]


async def test_a_key_that_is_worked_on_comes_back_when_that_is_done() -> None:
    queue = WorkQueue()
    queue.add(A)
    await queue.take()
    queue.add(A)
    taking = asyncio.create_task(queue.take())
    await asyncio.sleep(0)
    assert not taking.done()
    queue.done(A)
    assert await asyncio.wait_for(taking, 1) == A


async def test_a_follower_comes_with_the_next_news_of_another_key_and_no_later() -> None:
    queue = WorkQueue()
    queue.follow(A, B)
    assert len(queue) == 0
    queue.add(B)
    assert [await queue.take(), await queue.take()] == [B, A]
    for key in (A, B):
        queue.done(key)
    queue.add(B)
    assert len(queue) == 1


async def test_a_follower_that_is_worked_on_comes_back_when_that_is_done() -> None:
    queue = WorkQueue()
    queue.add(A)
    await queue.take()
    queue.follow(A, B)
    queue.add(B)
    assert await queue.take() == B
    queue.done(A)
    assert await asyncio.wait_for(queue.take(), 1) == A


async def test_keys_that_follow_each_other_come_once() -> None:
    queue = WorkQueue()
    queue.follow(A, B)
    queue.follow(B, A)
    queue.add(A)
    assert len(queue) == 2


async def test_several_workers_are_woken() -> None:
    queue = WorkQueue()
    workers = [asyncio.create_task(queue.take()) for _ in range(2)]
    await asyncio.sleep(0)
    queue.add(A)
    queue.add(B)
    assert set(await asyncio.gather(*workers)) == {A, B}


async def test_delays_double_until_success() -> None:
    queue = WorkQueue()
    delays = [queue.retry(A) for _ in range(12)]
    assert all(0.8 * 0.5 * 2**n <= delay <= 1.2 * 0.5 * 2**n for n, delay in enumerate(delays[:8]))
    assert all(delay <= 1.2 * 120 for delay in delays)
    queue.succeed(A)
    assert queue.retry(A) <= 0.6


async def test_the_earliest_of_several_times_counts() -> None:
    queue = WorkQueue()
    queue.add_after(A, 60)
    queue.add_after(A, 0.01)
    queue.add_after(A, 30)
    assert await asyncio.wait_for(queue.take(), 1) == A
    assert len(queue) == 0


async def test_news_makes_a_delay_needless() -> None:
    waited: list[float] = []
    queue = WorkQueue(waited.append)
    queue.add_after(A, 0.02)
    queue.add(A)
    assert await queue.take() == A
    queue.done(A)
    await asyncio.sleep(0.05)
    assert len(queue) == 0
    assert len(waited) == 1


async def test_what_is_urgent_comes_first() -> None:
    queue = WorkQueue(is_urgent=lambda key: key == B)
    queue.add(A)
    queue.add(B)
    assert len(queue) == 2
    assert await queue.take() == B
    queue.done(B)
    assert await queue.take() == A
    queue.add(A)
    queue.add(B)
    queue.done(A)
    assert await queue.take() == B


async def test_while_something_urgent_is_worked_on_nothing_else_is_taken() -> None:
    queue = WorkQueue(is_urgent=lambda key: key == B)
    queue.add(B)
    assert await queue.take() == B
    queue.add(A)
    taking = asyncio.create_task(queue.take())
    await asyncio.sleep(0.05)
    assert not taking.done()
    queue.done(B)
    assert await asyncio.wait_for(taking, 1) == A


async def test_what_is_not_urgent_is_not_held_up_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tintype_operator.queue.LONGEST_HOLD_S", 0.05)
    queue = WorkQueue(is_urgent=lambda key: key == B)
    queue.add(B)
    assert await queue.take() == B
    queue.add(A)
    assert await asyncio.wait_for(queue.take(), 1) == A
