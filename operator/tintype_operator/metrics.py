"""What the operator measures: its own work; `version_metrics.py` has what is known of each version."""

import time
from collections import Counter as Tally
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from tintype_operator import clock
from tintype_operator.cache import Caches
from tintype_operator.facts import VersionFacts
from tintype_operator.lease import Term
from tintype_operator.queue import WorkQueue
from tintype_operator.version_metrics import exposition

_SHORT_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_LONG_S: Final = (0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200)

Silences = Callable[[], Mapping[str, float]]
"""Returns for how many seconds the API server has said nothing of each kind."""


disable_created_metrics()  # type: ignore[no-untyped-call]


class Metrics:
    """The operator's own work."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._versions: Callable[[], tuple[VersionFacts, ...] | None] = lambda: None
        self.reconciles = Counter(
            "tintype_operator_reconciles",
            "Reconciled versions by result: settled, waiting or error.",
            ("result",),
            registry=self.registry,
        )
        self.reconcile_seconds = self._histogram("reconcile_duration_seconds", "Time of one reconcile.", _SHORT_S)
        self.queue_seconds = self._histogram("queue_latency_seconds", "Time that keys wait for a worker.", _SHORT_S)
        self.job_seconds = self._histogram("time_to_job_seconds", "From a version's creation to its Job's.", _LONG_S)
        self.running_seconds = self._histogram(
            "time_to_running_seconds", "From a version's creation to its training container's start.", _LONG_S
        )
        self.requests = Counter(
            "tintype_operator_api_requests",
            "Requests to the API server by verb, resource and HTTP code; 0 without an answer.",
            ("verb", "resource", "code"),
            registry=self.registry,
        )

        self.notifications = Counter(
            "tintype_operator_notifications",
            "Ends of versions told to TINTYPE_NOTIFY_URL by result: sent, failed or dropped.",
            ("result",),
            registry=self.registry,
        )
        for result in ("sent", "failed", "dropped"):
            self.notifications.labels(result)

    def notified(self, result: str) -> None:
        """Count an end that was told, or could not be."""
        self.notifications.labels(result).inc()

    def request(self, verb: str, resource: str, code: int) -> None:
        """Count a request to the API server."""
        self.requests.labels(verb, resource, str(code)).inc()

    def watched(self, caches: Caches, queue: WorkQueue, term: Term, silences: Silences) -> None:
        """Add what is read from the caches, the queue, the term of the Lease and the watches at each scrape."""
        self.registry.register(_Observed(caches, queue, term, silences))
        self._versions = lambda: tuple(caches.versions) if term.left_s > 0 else None

    def text(self) -> bytes:
        """Return all that a scrape gets; of versions only from the leader, so that it is told once."""
        versions = self._versions()
        of_versions = "" if versions is None else exposition(versions, clock.now())
        return generate_latest(self.registry) + of_versions.encode()

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(f"tintype_operator_{name}", text, registry=self.registry, buckets=buckets)


class _Observed(Collector):
    """Values that are read when they are asked for."""

    def __init__(self, caches: Caches, queue: WorkQueue, term: Term, silences: Silences) -> None:
        self._caches = caches
        self._queue = queue
        self._term = term
        self._silences = silences

    def collect(self) -> Iterator[Metric]:
        """Yield the metric families; what is known of versions is told by the leader alone, so that it is told once."""
        leads = self._term.left_s > 0
        yield GaugeMetricFamily("tintype_operator_leader", "1 while this operator holds the Lease, else 0.", int(leads))
        yield GaugeMetricFamily("tintype_operator_queue_depth", "Keys that wait for a worker.", len(self._queue))
        seen = GaugeMetricFamily(
            "tintype_operator_last_watch_event_timestamp_seconds",
            "When the API server last said anything of a kind, be it that nothing has changed.",
            labels=("resource",),
        )
        for resource, silent_s in self._silences().items():
            seen.add_metric((resource,), time.time() - silent_s)
        yield seen
        if leads:
            yield self._phases()

    def _phases(self) -> GaugeMetricFamily:
        phases = Tally(str(version.status.phase or "Pending") for version in self._caches.versions)
        family = GaugeMetricFamily("tintype_operator_versions", "ModelVersions by phase.", labels=("phase",))
        for phase, count in sorted(phases.items()):
            family.add_metric((phase,), count)
        return family
