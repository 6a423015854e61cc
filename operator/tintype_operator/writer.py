"""Carries out what was decided: status, Jobs and labels, each only where something changes."""

import logging
from collections.abc import Callable
from typing import Final

from tintype_api.constants import API_VERSION, KIND, LABEL_MODEL, OPERATOR_FIELD_MANAGER, Condition
from tintype_api.status import OperatorStatus
from tintype_operator import clock, events
from tintype_operator.access import Access
from tintype_operator.apierror import ApiError
from tintype_operator.cache import Caches
from tintype_operator.client import EVENTS, JOBS, MODELVERSIONS, Client, Object
from tintype_operator.conditions import find
from tintype_operator.decisions import JobPatch, Settle
from tintype_operator.facts import JobFacts, VersionFacts
from tintype_operator.metrics import Metrics
from tintype_operator.notice import Notice, notice_of
from tintype_operator.observe import observe_job, observe_version

_LOG: Final = logging.getLogger("tintype.operator")


class Writer:
    """Writes to the API server and keeps the caches in step with what it wrote."""

    def __init__(
        self, client: Client, caches: Caches, access: Access, metrics: Metrics, on_end: Callable[[Notice], None]
    ) -> None:
        """Make it; `on_end` is told of each end once its status is written, and must not wait."""
        self._on_end = on_end
        self._client = client
        self._caches = caches
        self._access = access
        self._metrics = metrics

    async def settle(self, version: VersionFacts, settle: Settle) -> bool:
        """Write everything that a decision asks for; the status first, since an end must be latched before a TTL.

        Returns whether the version or a Job was written. Then it needs another look: the answers bring what others
        wrote in between into the caches, and what is gone out of them, so that the watch's own news of that is none.
        """
        status_differs, label_differs = settle.status != version.status, settle.model_label != version.model_label
        if status_differs:
            await self._write_status(version, settle.status)
        if settle.patch is not None:
            await self._patch_job(settle.patch)
        for job in settle.delete:
            await self._delete_job(version, job, "Background")
        if settle.delete_after_pods is not None:
            await self._delete_job(version, settle.delete_after_pods, "Foreground")
        if label_differs:
            await self._write_label(version, settle.model_label)
        if settle.access is not None:
            await self._access.ensure(version, settle.access)
        jobs_differ = settle.patch is not None or bool(settle.delete) or settle.delete_after_pods is not None
        return status_differs or label_differs or jobs_differ

    async def _write_status(self, version: VersionFacts, status: OperatorStatus) -> None:
        namespace, name = version.key
        # The uid would not do: the API server does not compare it where a status is applied, and what was decided of a
        # version that has just been deleted would be told of the one that was applied in its place.
        known = {"name": name, "namespace": namespace, "resourceVersion": str(version.resource_version)}
        body: Object = {"apiVersion": API_VERSION, "kind": KIND, "metadata": known, "status": status.to_wire()}
        answer = await self._client.apply_status(MODELVERSIONS, namespace, name, body, manager=OPERATOR_FIELD_MANAGER)
        self._caches.versions.put(observe_version(answer))
        _LOG.info("%s: %s", version.key, _told(status))
        if version.status.start_time is None and status.start_time is not None:
            self._metrics.running_seconds.observe(clock.seconds_between(version.created_at, status.start_time))
        notice = notice_of(version, status)
        if notice is not None:
            self._on_end(notice)
        await self._tell(version, status)

    async def _tell(self, version: VersionFacts, status: OperatorStatus) -> None:
        happening = events.transition(version.status, status)
        if happening is None:
            return
        body = events.event(version.key, version.uid, happening, clock.now())
        try:
            await self._client.create(EVENTS, version.key.namespace, body)
        except ApiError as error:
            # The condition holds the same sentence: a lost Event is no reason to try again, and then tell it twice.
            _LOG.warning("%s: the Event %s is lost: %s", version.key, happening.reason, error)

    async def _patch_job(self, patch: JobPatch) -> None:
        spec = {"backoffLimit": patch.backoff_limit, "ttlSecondsAfterFinished": patch.ttl_seconds}
        changed = {field: value for field, value in spec.items() if value is not None}
        body: Object = {"metadata": {"uid": patch.job.uid}, "spec": changed}
        try:
            answer = await self._client.merge(JOBS, *patch.job.key, body)
        except ApiError as error:
            if not error.not_found:
                raise
            self._caches.jobs.remove(patch.job.key, patch.job.uid)
            return
        self._caches.jobs.put(observe_job(answer))
        told = ", ".join(f"{field} {value}" for field, value in changed.items())
        _LOG.info("%s/%s: Job %s now has %s", patch.job.key.namespace, patch.job.version, patch.job.key.name, told)

    async def _delete_job(self, version: VersionFacts, job: JobFacts, propagation: str) -> None:
        try:
            answer = await self._client.delete(JOBS, *job.key, job.uid, propagation=propagation)
        except ApiError as error:
            if not error.not_found and not error.conflict:
                raise
            self._caches.jobs.remove(job.key, job.uid)
            return
        if answer.get("kind") == "Job":
            self._caches.jobs.put(observe_job(answer))
        else:
            self._caches.jobs.remove(job.key, job.uid)
        _LOG.info("%s: deleted Job %s", version.key, job.key.name)

    async def delete_version(self, version: VersionFacts) -> None:
        """Delete an ended version; what it has published stays."""
        try:
            await self._client.delete(MODELVERSIONS, *version.key, version.uid, propagation="Background")
        except ApiError as error:
            if not error.not_found and not error.conflict:
                raise
        else:
            _LOG.info("%s: deleted, since TINTYPE_HISTORY_LIMIT has no room for it", version.key)
        self._caches.versions.remove(version.key, version.uid)

    async def _write_label(self, version: VersionFacts, model: str | None) -> None:
        body: Object = {"metadata": {"uid": version.uid, "labels": {LABEL_MODEL: model}}}
        answer = await self._client.merge(MODELVERSIONS, *version.key, body)
        self._caches.versions.put(observe_version(answer))


def _told(status: OperatorStatus) -> str:
    """Return the one line of a log that tells a status."""
    for kind in (Condition.FAILED, Condition.COMPLETE, Condition.WAITING):
        condition = find(status.conditions, kind)
        if condition is not None and condition.status == "True":
            return f"{status.phase}: {condition.message}"
    return str(status.phase)
