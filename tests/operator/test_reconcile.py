"""What becomes of the keys that workers hold; what a reconcile does is tried on the real control plane."""

import asyncio
from contextlib import suppress

from tintype_operator.facts import Key
from tintype_operator.metrics import Metrics
from tintype_operator.queue import WorkQueue
from tintype_operator.reconcile import Reconciler

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
