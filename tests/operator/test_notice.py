"""What is told of the end of a version, when, and how it is signed and tried again."""

import asyncio
import hashlib
import hmac
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from support.decisions import facts
from support.operator_objects import NOW, stored_version
from support.ports import free_port
from tintype_api.constants import TERMINAL_PHASES, Condition, Phase
from tintype_operator import notifier as notifier_module
from tintype_operator.conditions import Because, with_condition
from tintype_operator.notice import DELIVERY_HEADER, SIGNATURE_HEADER, Notice, notice_of, signature
from tintype_operator.notifier import ATTEMPTS, Notifier
from tintype_operator.settings import NotifySettings

BEST = {"epoch": 2, "performanceIndicator": 0.9, "performanceIndicatorName": "accuracy"}


def ended(phase: Phase, kind: Condition, reason: str) -> Notice | None:
    version = facts(stored_version(status={"phase": "Training", "best": BEST})).version
    because = Because(reason, "a sentence")
    conditions = with_condition((), kind, true=True, because=because, now=NOW, generation=1)
    update = {"phase": phase, "conditions": conditions, "completion_time": NOW}
    return notice_of(version, version.status.model_copy(update=update))


@pytest.mark.parametrize(
    ("phase", "kind", "reason"),
    [
        (Phase.SUCCEEDED, Condition.COMPLETE, "Published"),
        (Phase.STOPPED, Condition.COMPLETE, "MaxDurationReached"),
        (Phase.FAILED, Condition.FAILED, "DataError"),
    ],
)
def test_each_end_is_told(phase: Phase, kind: Condition, reason: str) -> None:
    notice = ended(phase, kind, reason)
    assert notice is not None
    assert notice.delivery == f"version-uid-{phase.lower()}"
    assert json.loads(notice.body) == {
        "apiVersion": "tintype.dev/v1alpha1",
        "kind": "ModelVersion",
        "namespace": "team-a",
        "name": "bottles-1",
        "uid": "version-uid",
        "phase": phase,
        "reason": reason,
        "message": "a sentence",
        "performanceIndicator": 0.9,
        "performanceIndicatorName": "accuracy",
        "completionTime": NOW,
    }


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase not in TERMINAL_PHASES])
def test_nothing_else_is_told(phase: Phase) -> None:
    assert ended(phase, Condition.WAITING, "Queued") is None


def test_an_end_is_told_once() -> None:
    version = facts(stored_version(status={"phase": "Failed"})).version
    assert notice_of(version, version.status) is None


def test_the_signature_is_the_hmac_of_the_body() -> None:
    expected = hmac.new(b"key", b"{}", hashlib.sha256).hexdigest()
    assert signature("key", b"{}") == f"sha256={expected}"


Handler = Callable[[web.Request], Awaitable[web.Response]]


@asynccontextmanager
async def receiver(handler: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.add_routes([web.post("/hook", handler)])
    runner, port = web.AppRunner(app), free_port()
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield f"http://127.0.0.1:{port}/hook"
    finally:
        await runner.cleanup()


def some_notice() -> Notice:
    notice = ended(Phase.FAILED, Condition.FAILED, "DataError")
    assert notice is not None
    return notice


async def test_a_receiver_that_fails_at_first_is_told_all_the_same() -> None:
    heard: list[tuple[str, str, bytes]] = []
    counted: Counter[str] = Counter()

    async def hook(request: web.Request) -> web.Response:
        body = await request.read()
        heard.append((request.headers[DELIVERY_HEADER], request.headers[SIGNATURE_HEADER], body))
        return web.Response(status=503 if len(heard) < 3 else 204)

    notice = some_notice()
    async with receiver(hook) as url:
        notifier = Notifier(NotifySettings(url, "key"), lambda result: counted.update([result]), first_delay_s=0.01)
        notifier.tell(notice)
        await notifier.close()
    assert heard == [(notice.delivery, signature("key", notice.body), notice.body)] * 3
    assert counted == {"sent": 1}


@pytest.mark.parametrize(("code", "attempts"), [(500, ATTEMPTS), (429, ATTEMPTS), (401, 1), (404, 1), (302, 1)])
async def test_only_what_may_pass_is_tried_again(code: int, attempts: int) -> None:
    heard: list[Any] = []
    counted: Counter[str] = Counter()

    async def hook(request: web.Request) -> web.Response:
        heard.append(request.headers.get(SIGNATURE_HEADER))
        return web.Response(status=code)

    async with receiver(hook) as url:
        notifier = Notifier(NotifySettings(url), lambda result: counted.update([result]), first_delay_s=0.001)
        notifier.tell(some_notice())
        await notifier.close()
    assert heard == [None] * attempts, "without a secret nothing is signed"
    assert counted == {"failed": 1}


async def test_nothing_waits_for_a_receiver_that_says_nothing() -> None:
    forever = asyncio.Event()

    async def hook(_: web.Request) -> web.Response:
        await forever.wait()
        return web.Response()

    counted: Counter[str] = Counter()
    async with receiver(hook) as url:
        notifier = Notifier(NotifySettings(url), lambda result: counted.update([result]))
        began = asyncio.get_running_loop().time()
        for _ in range(20):
            notifier.tell(some_notice())
        await notifier.close(patience_s=0.05)
        assert asyncio.get_running_loop().time() - began < 5
        forever.set()
    assert not counted


async def test_too_many_are_dropped_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notifier_module, "MOST_OPEN", 2)
    counted: Counter[str] = Counter()
    notifier = Notifier(NotifySettings(f"http://127.0.0.1:{free_port()}"), lambda result: counted.update([result]))
    for _ in range(5):
        notifier.tell(some_notice())
    await notifier.close(patience_s=0)
    assert counted["dropped"] == 3


async def test_without_a_url_nobody_is_told() -> None:
    notifier = Notifier(NotifySettings(), pytest.fail)
    notifier.tell(some_notice())
    await notifier.close()
