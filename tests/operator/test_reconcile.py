"""What becomes of the keys that workers hold; what a reconcile does is tried on the real control plane."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from support.decisions import STARTED, SUCCEEDED, told
from support.operator_objects import JOB_UID, disrupted, job, pod, stored_version, terminated
from tintype_api.constants import Condition
from tintype_operator.cache import Caches
from tintype_operator.decisions import Settle
from tintype_operator.facts import Key
from tintype_operator.metrics import Metrics
from tintype_operator.observe import observe_job, observe_pod, observe_version
from tintype_operator.queue import WorkQueue
from tintype_operator.reconcile import Reconciler
from tintype_operator.settings import LeaseSettings, Settings, TrainerSettings

KEY = Key("team-a", "bottles-1")


class Slow(Reconciler):
    """Its first reconcile never ends."""

    def __init__(self, queue: WorkQueue) -> None:
        super().__init__(None, None, queue, None, None, Metrics())
        self._caches = type("Caches", (), {"versions": {}})
        self.asked = []
        self.begun, self.ended = asyncio.Event(), asyncio.Event()

    async def reconcile(self, key: Key) -> bool:
        self.asked.append(key)
        self.begun.set()
        if len(self.asked) == 1:
            await asyncio.Event().wait()
        self.ended.set()
        return False


async def _cut_off() -> list[Key]:
    queue = WorkQueue()
    reconciler = Slow(queue)
    queue.add(KEY)
    first = asyncio.create_task(reconciler.work())
    await reconciler.begun.wait()
    first.cancel()
    with suppress(asyncio.CancelledError):
        await first
    second = asyncio.create_task(reconciler.work())
    async with asyncio.timeout(5):
        await reconciler.ended.wait()
    second.cancel()
    return reconciler.asked


def test_what_a_lost_lease_cuts_off_is_done_when_it_is_held_again() -> None:
    assert asyncio.run(_cut_off()) == [KEY, KEY]


class Server:
    """Takes each Job, and has no Pods."""

    def __init__(self) -> None:
        self.created: list[dict[str, Any]] = []

    async def create(self, _resource: object, _namespace: str, body: dict[str, Any]) -> dict[str, Any]:
        self.created.append(body)
        return job(name=body["metadata"]["name"], uid="new")

    async def pages(self, *_asked: object) -> AsyncIterator[dict[str, Any]]:
        """Yield the list of Pods, of which there are none."""
        yield {"items": []}


def test_a_version_finds_its_weights_after_its_preflight() -> None:
    """Status still names the Job of the preflight then."""
    changes = {"spec.training.initialWeights": {"modelVersion": "bottles-0"}, "spec.runPolicy.preflight": "Auto"}
    named = {"job": {"name": "bottles-1-preflight", "uid": JOB_UID}, "attempt": 0}
    version = observe_version(stored_version(changes, status=STARTED | named))
    source = observe_version(stored_version(name="bottles-0", uid="other", status=SUCCEEDED))
    done = observe_job(job(name="bottles-1-preflight", condition=("Complete", "", "")))
    server, caches = Server(), Caches()
    settings = Settings(TrainerSettings("trainer"), LeaseSettings(KEY, "me"))

    async def reconciled() -> bool:
        caches.versions.put(version)
        caches.versions.put(source)
        caches.jobs.put(done)
        return await Reconciler(server, caches, WorkQueue(), None, settings, Metrics()).reconcile(KEY)

    assert not asyncio.run(reconciled())
    assert [one["metadata"]["name"] for one in server.created] == ["bottles-1-1"]


class Silent:
    """Writes nothing, and keeps what it was asked to write."""

    asked: Settle | None = None

    async def settle(self, _version: object, settle: Settle) -> bool:
        self.asked = settle
        return False


def test_a_pod_that_is_gone_by_the_time_of_a_look_is_still_known() -> None:
    """The watch has told how it ended, and has yet to tell that it is gone."""
    version = observe_version(stored_version({"spec.runPolicy.maxInterruptions": 1}, status=STARTED))
    failed = job(failed=2, condition=("Failed", "BackoffLimitExceeded", ""))
    failed["spec"]["completions"] = 2
    evicted = pod(phase="Failed", state=terminated(75), conditions=disrupted("EvictionByEvictionAPI"))
    caches, writer = Caches(), Silent()

    async def reconciled() -> bool:
        caches.versions.put(version)
        caches.jobs.put(observe_job(failed))
        caches.pods.put(observe_pod(evicted))
        settings = Settings(TrainerSettings("trainer"), LeaseSettings(KEY, "me"))
        return await Reconciler(Server(), caches, WorkQueue(), writer, settings, Metrics()).reconcile(KEY)

    assert not asyncio.run(reconciled())
    assert writer.asked is not None
    assert "was evicted" in told(writer.asked, Condition.FAILED)[2]
