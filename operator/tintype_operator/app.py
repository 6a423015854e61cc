"""The operator as a whole: what is started in which order, and what is ended."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, Final

from tintype_operator import server
from tintype_operator.access import Access
from tintype_operator.cache import Caches
from tintype_operator.client import Client
from tintype_operator.facts import Key
from tintype_operator.lease import Lease, Term
from tintype_operator.metrics import Metrics
from tintype_operator.notifier import Notifier
from tintype_operator.queue import WorkQueue
from tintype_operator.reconcile import Reconciler
from tintype_operator.settings import Settings
from tintype_operator.watch import Watch
from tintype_operator.writer import Writer

_LOG: Final = logging.getLogger("tintype.operator")


class App:
    """A running operator."""

    def __init__(self, settings: Settings, namespaces: tuple[str, ...]) -> None:
        self._settings = settings
        self._namespaces = namespaces
        self._term = Term()
        self._metrics = Metrics()
        self._caches = Caches()
        self._queue = WorkQueue(self._metrics.queue_seconds.observe, self._has_no_job)
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Start: the server before anything is asked of the API server, then the lists and watches, in standby, too."""
        self._client = await Client.connect(self._metrics.request, self._term.check)
        self._watch = Watch(self._client, self._caches, self._namespaces, self._queue.add)
        self._metrics.watched(self._caches, self._queue, self._term, self._watch.silences)
        self._server = await server.serve(self._metrics.text, self.ailments, self._settings.metrics_port)
        self._notifier = Notifier(self._settings.notify, self._metrics.notified)
        self._lease = Lease(self._client, self._settings.lease.place, self._settings.lease.identity, self._term)
        await self._watch.first_list()
        self._spawn(self._watch.follow(), "watch")
        self._spawn(self._lead(), "lead")

    async def _lead(self) -> None:
        """Work for as long as the Lease is held, and wait for it again when it is lost."""
        writer = Writer(self._client, self._caches, Access(self._client), self._metrics, self._notifier.tell)
        reconciler = Reconciler(self._client, self._caches, self._queue, writer, self._settings, self._metrics)
        where = ", ".join(self._namespaces) or "all namespaces"
        while True:
            await self._lease.acquire()
            async with asyncio.TaskGroup() as group:
                keeping = group.create_task(self._lease.keep())
                _LOG.info("started in %s with %d versions", where, len(self._caches.versions))
                workers = [group.create_task(reconciler.work()) for _ in range(self._settings.workers)]
                await keeping
                for worker in workers:
                    worker.cancel()

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        self._tasks.append(asyncio.create_task(_told(work, name), name=name))

    async def stop(self) -> None:
        """End everything that was started, and give the Lease back when nothing is written any more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._lease.release()
        await self._notifier.close()
        await self._client.close()
        await self._server.cleanup()

    def ailments(self) -> list[str]:
        """Return what keeps the operator from its work, in sentences; nothing while it starts or stands by."""
        ended = [f"the task '{task.get_name()}' has ended" for task in self._tasks if task.done()]
        return ended + self._watch.ailments()

    def _has_no_job(self, key: Key) -> bool:
        """Return whether a version is new: its Job comes before every other write."""
        version = self._caches.versions.get(key)
        return version is not None and version.status.phase is None and not self._caches.jobs.of(key)


async def _told(work: Coroutine[Any, Any, None], name: str) -> None:
    """Do work that never ends, and tell of the mistake of ours that ends it; `/healthz` tells of it, too."""
    try:
        await work
    except Exception:
        _LOG.exception("the task '%s' has ended: this should not happen", name)
        raise
