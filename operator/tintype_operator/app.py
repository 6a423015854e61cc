"""The operator as a whole: what is started in which order, and what is ended."""

import asyncio
import logging
import time
from collections.abc import Coroutine
from typing import Any, Final

from tintype_operator import server
from tintype_operator.access import Access
from tintype_operator.cache import Caches
from tintype_operator.client import KUEUE_GROUP, Client
from tintype_operator.lease import Lease, Term
from tintype_operator.metrics import Metrics
from tintype_operator.queue import WorkQueue
from tintype_operator.reconcile import Reconciler
from tintype_operator.settings import Settings
from tintype_operator.watch import Watch
from tintype_operator.writer import Writer

_LOG: Final = logging.getLogger("tintype.operator")
_KINDS: Final = ("modelversions", "jobs", "pods", "events")
_WATCHES_DUE_S: Final = 60.0


class App:
    """A running operator."""

    def __init__(self, settings: Settings, namespaces: tuple[str, ...]) -> None:
        self._settings = settings
        self._namespaces = namespaces
        self._term = Term()
        self._metrics = Metrics()
        self._caches = Caches()
        self._queue = WorkQueue(self._metrics.queue_seconds.observe)
        self._tasks: list[asyncio.Task[None]] = []
        self._started_at: float | None = None
        self.watch: Watch

    async def start(self) -> None:
        """Start: the server before anything else, then the lists; watches are kopf's, in standby, too."""
        self._metrics.watched(self._caches, self._queue, self._term)
        self._server = await server.serve(self._metrics.registry, self.ailments, self._settings.metrics_port)
        self._client = await Client.connect(self._metrics.request, self._term.check)
        self.watch = Watch(self._client, self._caches, self._queue, self._metrics, self._namespaces)
        self._lease = Lease(self._client, self._settings.lease.place, self._settings.lease.identity, self._term)
        await self.watch.first_list()
        self._spawn(self._lead(), "lead")
        self._spawn(self.watch.resync(self._settings.resync_seconds), "resync")
        self._started_at = time.monotonic()

    async def _lead(self) -> None:
        """Work for as long as the Lease is held, and wait for it again when it is lost."""
        writer = Writer(self._client, self._caches, Access(self._client), self._metrics)
        reconciler = Reconciler(self._client, self._caches, self._queue, writer, self._settings, self._metrics)
        where = ", ".join(self._namespaces) or "all namespaces"
        while True:
            await self._lease.acquire()
            async with asyncio.TaskGroup() as group:
                keeping = group.create_task(self._lease.keep())
                await self.watch.first_list()
                _LOG.info("started in %s with %d versions", where, len(self._caches.versions))
                workers = [group.create_task(reconciler.work()) for _ in range(self._settings.workers)]
                await keeping
                for worker in workers:
                    worker.cancel()

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        self._tasks.append(asyncio.create_task(work, name=f"tintype {name}"))

    async def kueue_version(self) -> str | None:
        """Return the version of Kueue's API that is served; None where there is none.

        Raises:
            ApiError: where the API server does not answer.
        """
        return await self._client.served_version(KUEUE_GROUP)

    async def stop(self) -> None:
        """End everything that was started, and give the Lease back when nothing is written any more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._lease.release()
        await self._client.close()
        await self._server.cleanup()

    def ailments(self) -> list[str]:
        """Return what keeps the operator from its work, in sentences; nothing while it starts or stands by."""
        found = [f"{task.get_name()} has ended" for task in self._tasks if task.done()]
        if self._started_at is not None and time.monotonic() - self._started_at > _WATCHES_DUE_S:
            names = [task.get_name() for task in asyncio.all_tasks()]
            watchers = [name for name in names if name.startswith("watcher for ")]
            found += [f"{kind} are not watched" for kind in _KINDS if not any(kind in name for name in watchers)]
        return found
