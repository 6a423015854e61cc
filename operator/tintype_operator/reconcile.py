"""One reconcile: gather facts, decide, look up or create what the decision asks for, and write what it settles on."""

import asyncio
import logging
from dataclasses import replace
from typing import Final

from tintype_operator import clock
from tintype_operator.access import PolicyMissingError
from tintype_operator.apierror import ApiError
from tintype_operator.cache import Caches
from tintype_operator.client import JOBS, MODELVERSIONS, PODS, SERVICES, Client
from tintype_operator.comparing import surplus
from tintype_operator.decide import decide
from tintype_operator.decisions import CreateJob, Facts, LookUpJob, LookUpPods, LookUpQueue, Rest, Settle
from tintype_operator.facts import JobFacts, Key, VersionFacts
from tintype_operator.job_manifest import job_manifest, service_manifest
from tintype_operator.metrics import Metrics
from tintype_operator.names import service_name
from tintype_operator.observe import observe_job, observe_pod, observe_version
from tintype_operator.obstacles import conflict, refused, taken_service
from tintype_operator.queue import WorkQueue
from tintype_operator.queues import find_obstacle, others_before
from tintype_operator.settings import Settings
from tintype_operator.writer import Writer

_LOG: Final = logging.getLogger("tintype.operator")
_MOST_STEPS: Final = 6


class Reconciler:
    """Brings one version after another from what is to what should be."""

    def __init__(
        self, client: Client, caches: Caches, queue: WorkQueue, writer: Writer, settings: Settings, metrics: Metrics
    ) -> None:
        self._client = client
        self._caches = caches
        self._queue = queue
        self._writer = writer
        self._settings = settings
        self._metrics = metrics

    async def work(self) -> None:
        """Reconcile keys of the queue for ever."""
        while True:
            key = await self._queue.take()
            try:
                with self._metrics.reconcile_seconds.time():
                    result = await self._try(key)
                self._metrics.reconciles.labels(result).inc()
            except asyncio.CancelledError:
                # The Lease is lost with this key in hand: nothing else would bring it back once it is held again.
                self._queue.add(key)
                raise
            finally:
                self._queue.done(key)

    async def _try(self, key: Key) -> str:
        """Reconcile a key; return the result for metrics."""
        decided = self._caches.versions.get(key)
        try:
            again = await self.reconcile(key)
        except (ApiError, PolicyMissingError) as error:
            if isinstance(error, ApiError) and error.code in {404, 409} and await self._has_changed(key, decided):
                return "settled"
            _LOG.warning("%s: %s; tried again in %.1f s", key, error, self._queue.retry(key))
            return "error"
        except asyncio.CancelledError:
            raise
        except Exception:  # noqa: BLE001 - see below
            # A mistake of ours with one version must not stop the others.
            _LOG.exception("%s: this should not happen; tried again in %.1f s", key, self._queue.retry(key))
            return "error"
        if again:
            self._queue.retry(key)
            return "waiting"
        self._queue.succeed(key)
        return "settled"

    async def reconcile(self, key: Key) -> bool:
        """Reconcile one version; return whether to come back although nothing may tell of a change."""
        version = self._caches.versions.get(key)
        if version is None:
            return False
        settle = await self._decide(version)
        if settle is None:
            return False
        again = settle.again
        if await self._writer.settle(version, settle):
            if self._reads_as_written(key, settle):
                self._queue.add(key)
            else:
                again = True
        if version.ended:
            await self._forget_old(version)
        if settle.again_in_s is not None:
            self._queue.add_after(key, settle.again_in_s)
        return again

    def _reads_as_written(self, key: Key, settle: Settle) -> bool:
        """Return whether what was written now is as it was; what an older schema has stored may stay."""
        version, patch = self._caches.versions.get(key), settle.patch
        job = self._caches.jobs.get(patch.job.key) if patch is not None else None
        return (version is None or version.status == settle.status) and (
            patch is None or job is None or patch.is_in(job)
        )

    async def _decide(self, version: VersionFacts) -> Settle | None:
        facts = await self._with_place(self._gather(version))
        for _ in range(_MOST_STEPS):
            match decide(facts, self._settings.storage, clock.now()):
                case Settle() as settle:
                    return settle
                case Rest():
                    return None
                case LookUpJob() as step:
                    facts = await self._look_up_job(facts, step)
                case LookUpPods() as step:
                    facts = await self._look_up_pods(facts, step)
                case LookUpQueue() as step:
                    obstacle = await find_obstacle(self._client, version.key.namespace, step)
                    facts = replace(facts, queue_looked_up=True, obstacle=obstacle)
                case CreateJob() as step:
                    facts = await self._create(facts, step)
                    if facts.obstacle is None:
                        # Other versions' Jobs come before this one's status.
                        self._queue.add(version.key)
                        return None
        raise AssertionError(f"no decision for {version.key} after {_MOST_STEPS} steps")

    def _gather(self, version: VersionFacts) -> Facts:
        jobs = self._caches.jobs.of(version.key)
        pods, refusals = self._caches.pods.of(version.key), self._caches.refusals_of(jobs)
        workloads = self._caches.workloads_of(jobs)
        siblings = self._siblings(version) if version.ended else ()
        weights = self._weights_from(version)
        return Facts(version, jobs, pods, refusals, workloads, weights_from=weights, siblings=siblings)

    async def _with_place(self, facts: Facts) -> Facts:
        """Return the facts with the place of a held Job in its queue."""
        for job, workload in ((job, one) for job in facts.jobs for one in facts.workloads if one.job_uid == job.uid):
            if job.suspended and job.queue is not None:
                return replace(facts, others_before=await others_before(self._client, job.queue, workload))
        return facts

    def _siblings(self, version: VersionFacts) -> tuple[VersionFacts, ...]:
        return self._caches.versions.of_model(version.key.namespace, version.status.model or "")

    async def _forget_old(self, version: VersionFacts) -> None:
        """Delete the versions of a model that the history has no room for."""
        history = self._settings.history
        if history.limit is None:
            return
        inside = version.key.namespace
        needed = {one.weights_from for one in self._caches.versions if one.key.namespace == inside and not one.ended}
        for old in surplus(self._siblings(version), history, filter(None, needed)):
            await self._writer.delete_version(old)

    def _weights_from(self, version: VersionFacts) -> VersionFacts | None:
        """Return the version whose weights one starts from, in this attempt or the next; its news become that one's."""
        if version.weights_from is None or version.ended:
            return None
        source = Key(version.key.namespace, version.weights_from)
        self._queue.follow(version.key, source)
        return self._caches.versions.get(source)

    async def _look_up_job(self, facts: Facts, step: LookUpJob) -> Facts:
        job = await self._job(facts.version.key.namespace, step.name)
        named = facts.version.status.job
        if job is None or named is None or job.uid != named.uid:
            return replace(facts, job_is_gone=True)
        self._caches.jobs.put(job)
        return facts.with_job(job)

    async def _look_up_pods(self, facts: Facts, step: LookUpPods) -> Facts:
        query = {"labelSelector": f"batch.kubernetes.io/controller-uid={step.job.uid}"}
        pages = self._client.pages(PODS, step.job.key.namespace, query)
        pods = [observe_pod(item) async for page in pages for item in page["items"]]
        for pod in pods:
            self._caches.pods.put(pod)
        uids = {pod.uid for pod in pods}
        # One that has ended and is gone by now still tells how.
        others = (pod for pod in facts.pods if pod.job_uid != step.job.uid or (pod.finished and pod.uid not in uids))
        return replace(facts, pods=(*others, *pods), pods_looked_up=True)

    async def _create(self, facts: Facts, step: CreateJob) -> Facts:
        namespace = facts.version.key.namespace
        try:
            if step.is_group and not await self._has_service(step):
                return replace(facts, obstacle=taken_service(service_name(facts.version.key.name), namespace))
            answer = await self._client.create(JOBS, namespace, job_manifest(step, self._settings.trainer))
        except ApiError as error:
            return await self._not_created(facts, step, error)
        job = observe_job(answer)
        self._caches.jobs.put(job)
        self._metrics.job_seconds.observe(clock.seconds_between(facts.version.created_at, clock.now()))
        _LOG.info("%s: created Job %s", facts.version.key, step.name)
        return facts.with_job(job)

    async def _has_service(self, step: CreateJob) -> bool:
        """Create the Service of a version, or return whether that of its name is its own."""
        metadata = step.version.metadata
        try:
            await self._client.create(SERVICES, metadata.namespace, service_manifest(step.version))
        except ApiError as error:
            if not error.exists:
                raise
        else:
            return True
        existing = await self._client.get(SERVICES, metadata.namespace, service_name(metadata.name))
        return metadata.uid in [owner.get("uid") for owner in existing["metadata"].get("ownerReferences", [])]

    async def _not_created(self, facts: Facts, step: CreateJob, error: ApiError) -> Facts:
        if not error.exists:
            return replace(facts, obstacle=refused(step.name, error))
        existing = await self._job(facts.version.key.namespace, step.name)
        if existing is None:
            raise error
        obstacle = conflict(facts.version, existing)
        if obstacle is not None:
            return replace(facts, obstacle=obstacle)
        self._caches.jobs.put(existing)
        _LOG.info("%s: found its Job %s", facts.version.key, step.name)
        return facts.with_job(existing)

    async def _job(self, namespace: str, name: str) -> JobFacts | None:
        try:
            return observe_job(await self._client.get(JOBS, namespace, name))
        except ApiError as error:
            if error.not_found:
                return None
            raise

    async def _has_changed(self, key: Key, decided: VersionFacts | None) -> bool:
        """Return whether a version is not as it was when it was decided on; then it is, anew, as it is now."""
        known = self._caches.versions.get(key)
        if known is None:
            return True
        if known is not decided:
            self._queue.add(key)
            return True
        try:
            live = observe_version(await self._client.get(MODELVERSIONS, *key))
        except ApiError as error:
            if error.not_found:
                return self._caches.versions.remove(key, known.uid)
            return False
        if (live.uid, live.resource_version) == (known.uid, known.resource_version):
            return False
        if live.uid != known.uid:
            self._caches.versions.remove(key, known.uid)
        self._caches.versions.put(live)
        self._queue.add(key)
        return True
