"""From watch events to caches and keys in the queue, and lists that set right what no watch told."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from tintype_api.constants import LABEL_MANAGED_BY, MANAGED_BY
from tintype_operator.apierror import ApiError
from tintype_operator.cache import Caches, Fact, Store
from tintype_operator.client import JOBS, MODELVERSIONS, PODS, Client, Object, Resource
from tintype_operator.facts import Key, RefusalFacts, WorkloadFacts
from tintype_operator.metrics import Metrics
from tintype_operator.observe import observe_job, observe_pod, observe_refusal, observe_version, observe_workload
from tintype_operator.queue import WorkQueue

F = TypeVar("F", bound=Fact)
J = TypeVar("J", RefusalFacts, WorkloadFacts)

OURS: Final = f"{LABEL_MANAGED_BY}={MANAGED_BY}"
"""The label selector of the Jobs and Pods that are watched."""

_LOG: Final = logging.getLogger("tintype.operator")
_SHORTEST_RESYNC_S: Final = 30.0
_FIRST_LIST_RETRY_S: Final = 2.0


class Watch:
    """Takes what watches tell. `namespaces` is empty where all are watched."""

    def __init__(
        self, client: Client, caches: Caches, queue: WorkQueue, metrics: Metrics, namespaces: tuple[str, ...]
    ) -> None:
        self._client = client
        self._caches = caches
        self._queue = queue
        self._metrics = metrics
        self._namespaces: tuple[str | None, ...] = namespaces or (None,)
        self._listed_anew = asyncio.Event()

    def version(self, event: Mapping[str, Any]) -> None:
        """Take an event about a ModelVersion."""
        self._take(MODELVERSIONS, self._caches.versions, observe_version, event)

    def job(self, event: Mapping[str, Any]) -> None:
        """Take an event about a Job of ours."""
        self._take(JOBS, self._caches.jobs, observe_job, event)

    def pod(self, event: Mapping[str, Any]) -> None:
        """Take an event about a Pod of ours."""
        self._take(PODS, self._caches.pods, observe_pod, event)

    def refusal(self, event: Mapping[str, Any]) -> None:
        """Take a watch event about an Event: the Pod of a Job, perhaps of ours, was not taken."""
        self._take_of_job("events", self._caches.refusals, observe_refusal(event["object"]), event)

    def workload(self, event: Mapping[str, Any]) -> None:
        """Take an event about a Workload of Kueue, perhaps of a Job of ours."""
        self._take_of_job("workloads", self._caches.workloads, observe_workload(event["object"]), event)

    async def first_list(self) -> None:
        """Fill the caches before any decision; try until the API server gives everything."""
        while True:
            try:
                await self.list_all()
            except ApiError as error:
                hint = "; install the CRD (the chart does)" if error.code == 404 else ""
                _LOG.warning("cannot list what there is: %s%s; tried again in 2 s", error, hint)
                await asyncio.sleep(_FIRST_LIST_RETRY_S)
            else:
                return

    async def resync(self, period_s: float) -> None:
        """List everything anew for ever: periodically, and soon after a watch had to begin anew."""
        while True:
            try:
                await asyncio.wait_for(self._listed_anew.wait(), period_s)
                await asyncio.sleep(_SHORTEST_RESYNC_S)
            except TimeoutError:
                pass
            self._listed_anew.clear()
            try:
                await self.list_all()
            except ApiError as error:
                _LOG.warning("cannot list what there is: %s; the watches go on", error)

    async def list_all(self) -> None:
        """Set all caches right by lists, and ask for a look at every version that changed.

        Raises:
            ApiError: where the API server refuses or does not answer.
        """
        await self._list(PODS, self._caches.pods, observe_pod, {"labelSelector": OURS})
        await self._list(JOBS, self._caches.jobs, observe_job, {"labelSelector": OURS})
        await self._list(MODELVERSIONS, self._caches.versions, observe_version, {})

    async def _list(
        self, resource: Resource, store: Store[F], observe: Callable[[Object], F], query: Mapping[str, str]
    ) -> None:
        listed: list[F] = []
        versions: list[int] = []
        for namespace in self._namespaces:
            async for page in self._client.pages(resource, namespace, query):
                listed += [observe(item) for item in page["items"]]
                versions.append(int(page["metadata"]["resourceVersion"]))
        for key in store.settle(listed, min(versions)):
            self._queue.add(key)

    def _take_of_job(self, kind: str, store: Store[J], facts: J, event: Mapping[str, Any]) -> None:
        """Take an event about something that belongs to a Job; what belongs to Jobs of others is not kept."""
        self._metrics.last_watch_event[kind] = time.time()
        job = self._caches.jobs.get(facts.job)
        if event["type"] == "DELETED":
            store.remove(facts.key, facts.uid)
        elif job is not None and job.uid == facts.job_uid and store.put(facts):
            self._queue.add(Key(job.key.namespace, job.version))

    def _take(
        self, resource: Resource, store: Store[F], observe: Callable[[Object], F], event: Mapping[str, Any]
    ) -> None:
        self._metrics.last_watch_event[resource.plural] = time.time()
        facts = observe(event["object"])
        if event["type"] is None:
            self._listed_anew.set()
        gone = event["type"] == "DELETED"
        changed = store.remove(facts.key, facts.uid) if gone else store.put(facts)
        if changed:
            self._queue.add(store.owner(facts))
