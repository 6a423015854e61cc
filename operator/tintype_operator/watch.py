"""What is watched, and whom its news is for."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Final

from tintype_api.constants import LABEL_MANAGED_BY, MANAGED_BY
from tintype_operator.apierror import ApiError
from tintype_operator.cache import Caches, version_of_job, version_of_pod, version_of_version
from tintype_operator.client import EVENTS, JOBS, KUEUE_GROUP, MODELVERSIONS, PODS, Client, Resource
from tintype_operator.facts import Key, RefusalFacts, WorkloadFacts
from tintype_operator.observe import observe_job, observe_pod, observe_refusal, observe_version, observe_workload
from tintype_operator.reflector import STALE_S, Kind, Reflector

OURS: Final = {"labelSelector": f"{LABEL_MANAGED_BY}={MANAGED_BY}"}
"""The Jobs and Pods that are watched."""
REFUSED_PODS: Final = {"fieldSelector": "involvedObject.kind=Job,reason=FailedCreate"}

_LOG: Final = logging.getLogger("tintype.operator")
_RETRY_S: Final = 2.0


class Watch:
    """Follows everything that decisions read. `namespaces` is empty where all are watched."""

    def __init__(
        self, client: Client, caches: Caches, namespaces: tuple[str, ...], on_news: Callable[[Key], None]
    ) -> None:
        self._client = client
        self._caches = caches
        self._namespaces: tuple[str | None, ...] = namespaces or (None,)
        self._on_news = on_news
        self._waves: list[list[Reflector[Any]]] = []

    async def first_list(self) -> None:
        """Fill the caches before any decision; try until the API server gives everything."""
        while True:
            try:
                if not self._waves:
                    self._waves = await self._make()
                for wave in self._waves:
                    await asyncio.gather(*(reflector.list() for reflector in wave))
            except ApiError as error:
                hint = "; install the CRD (the chart does)" if error.code == 404 else ""
                _LOG.warning("cannot list what there is: %s%s; tried again in 2 s", error, hint)
                await asyncio.sleep(_RETRY_S)
            else:
                return

    async def follow(self) -> None:
        """Follow everything for ever."""
        async with asyncio.TaskGroup() as group:
            for reflector in self._reflectors:
                group.create_task(reflector.follow())

    def ailments(self) -> list[str]:
        """Return which watches are dead, in sentences; nothing where the API server as a whole is away."""
        if self._client.silent_s > STALE_S / 2:
            return []
        silent = {one.resource.plural: one.silent_s for one in self._reflectors if one.silent_s > STALE_S}
        return [f"the watch of {plural} has told nothing for {seconds:.0f} s" for plural, seconds in silent.items()]

    def silences(self) -> dict[str, float]:
        """Return for how many seconds nothing was told of each kind; of several namespaces, of the worst."""
        found: dict[str, float] = {}
        for one in self._reflectors:
            found[one.resource.plural] = max(one.silent_s, found.get(one.resource.plural, 0.0))
        return found

    @property
    def _reflectors(self) -> list[Reflector[Any]]:
        return [reflector for wave in self._waves for reflector in wave]

    async def _make(self) -> list[list[Reflector[Any]]]:
        """Return what follows each kind; what is kept for known Jobs alone is listed in a second wave."""
        caches = self._caches
        first: list[Kind[Any]] = [
            Kind(JOBS, caches.jobs, observe_job, version_of_job, OURS),
            Kind(PODS, caches.pods, observe_pod, version_of_pod, OURS),
            Kind(MODELVERSIONS, caches.versions, observe_version, version_of_version),
        ]
        of_jobs: list[Kind[Any]] = [
            Kind(EVENTS, caches.refusals, observe_refusal, self._version_of_its_job, REFUSED_PODS)
        ]
        kueue = await self._client.served_version(KUEUE_GROUP)
        if kueue is not None:
            workloads = Resource(f"apis/{KUEUE_GROUP}/{kueue}", "workloads")
            of_jobs.append(Kind(workloads, caches.workloads, observe_workload, self._version_of_its_job))
        return [
            [Reflector(self._client, kind, each, self._on_news) for kind in wave for each in self._namespaces]
            for wave in (first, of_jobs)
        ]

    def _version_of_its_job(self, facts: RefusalFacts | WorkloadFacts) -> Key | None:
        """Return the version whose Job an Event or a Workload is about, if it is one of ours."""
        job = self._caches.jobs.get(facts.job)
        return version_of_job(job) if job is not None and job.uid == facts.job_uid else None
