"""The trainer's /metrics: the newest status as Prometheus gauges."""

from collections.abc import Callable, Iterator, Sequence
from statistics import fmean
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, disable_created_metrics, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from tintype_api.constants import Stage
from tintype_api.errors import environment_error
from tintype_api.status import ConceptMetrics, SplitMetrics, TrainerStatus
from tintype_trainer.meter import Counted, Meter

LABELS: Final = ("namespace", "modelversion")
SHOWN_CONCEPTS: Final = 64
OTHER: Final = "_other"
"""Stands for the mean over the concepts beyond the 64 of most support, so that many concepts make few series."""
CONCEPT_METRICS: Final = ("average_precision", "precision", "recall")
COUNTED: Final = {
    Counted.CHECKPOINTS: "Checkpoints that were saved",
    Counted.CHECKPOINT_ERRORS: "Checkpoints that could not be saved",
    Counted.NAN_LOSSES: "Losses of a batch, or of the validation set at an epoch's end, that were no number",
    Counted.CACHE_HITS: "Pictures that the cache held and storage had not changed",
    Counted.CACHE_MISSES: "Pictures that were fetched from storage",
    Counted.STORAGE_REQUESTS: "Requests to storage",
    Counted.STORAGE_ERRORS: "Requests to storage that failed in spite of all retries",
    Counted.STORAGE_RETRIES: "Requests to storage that were sent again, but for those within streams, lists and parts",
    Counted.STORAGE_SECONDS: "Time of all requests to storage; retries within them make it longer",
    Counted.STORAGE_READ_BYTES: "Bytes read from storage",
    Counted.STORAGE_WRITTEN_BYTES: "Bytes written to storage",
}

disable_created_metrics()  # type: ignore[no-untyped-call]


class Exposition:
    """A listener with a registry of its own; epoch and iteration are values, never labels."""

    def __init__(self, namespace: str, name: str, meter: Meter | None = None) -> None:
        self.registry = CollectorRegistry()
        self._identity = (namespace, name)
        self.registry.register(_Metered(meter or Meter(), self._identity))
        self._stage = self._gauge("stage", "1; the stage that the trainer is in", "stage")
        self._epoch = self._gauge("epoch", "Epochs done, with the fraction of the current one")
        self._epochs = self._gauge("epochs", "Epochs planned")
        self._iteration = self._gauge("iteration", "Optimizer steps done")
        self._learning_rate = self._gauge("learning_rate", "Learning rate of the latest step")
        self._batch_loss = self._gauge("batch_loss", "Training loss of the latest batch")
        self._rate = self._gauge("examples_per_second", "Training examples per second in the current epoch")
        self._seconds_left = self._gauge("left_seconds", "Estimate of the seconds until the training ends")
        self._loss = self._gauge("loss", "Mean loss over a whole split", "split")
        self._accuracy = self._gauge("accuracy_ratio", "Accuracy over a whole split, 0 to 1", "split")
        self._map = self._gauge("map_ratio", "Mean average precision over a whole split, 0 to 1", "split")
        self._concept = self._gauge(
            "concept_ratio", "A metric of one concept over a whole split, 0 to 1", "split", "metric", "concept"
        )
        self._examples = self._counter("trained_examples", "Examples that the optimizer has stepped on")
        self._errors = self._counter("status_errors", "Writes of status that the API server did not take")

    def serve(self, port: int) -> Callable[[], None]:
        """Serve /metrics on all addresses from a daemon thread; return what stops it.

        Raises:
            UserError: exit 78 where the port is taken.
        """
        try:
            server, thread = start_http_server(port, registry=self.registry)
        except OSError as error:
            raise environment_error(
                f"the port {port} for /metrics cannot be opened ({error.strerror}); give another by --metrics-port"
            ) from error

        def stop() -> None:
            server.shutdown()
            server.server_close()
            thread.join()

        return stop

    def count_examples(self, examples: int) -> None:
        """Count the examples of a step."""
        self._examples.labels(*self._identity).inc(examples)

    def count_status_error(self) -> None:
        """Count a write of status that failed."""
        self._errors.labels(*self._identity).inc()

    def note(self, sentence: str) -> None:
        """Sentences are for people."""

    def changed(self, status: TrainerStatus, *, urgent: bool) -> None:  # noqa: ARG002  # shown whether urgent or not
        """Show the status; what it does not hold yet has no series."""
        for stage in Stage:
            if stage is not status.stage:
                self._stage.remove(*self._identity, stage.value)
        if status.stage:
            self._set(self._stage, 1, status.stage)
        if status.progress:
            self._set(self._epoch, status.progress.epoch)
            self._set(self._epochs, status.progress.epochs)
            self._set(self._iteration, status.progress.iteration)
            self._set(self._rate, status.progress.examples_per_second)
            self._set(self._seconds_left, status.progress.seconds_left)
        if status.metrics:
            self._set(self._learning_rate, status.metrics.learning_rate)
            self._set(self._batch_loss, status.metrics.batch_loss)
            self._split("validation", status.metrics.validation)
            self._split("test", status.metrics.test)

    def _split(self, split: str, metrics: SplitMetrics | None) -> None:
        if metrics:
            self._set(self._loss, metrics.loss, split)
            self._set(self._accuracy, metrics.accuracy, split)
            self._set(self._map, metrics.mean_average_precision, split)
            for concept, metric, value in concept_series(metrics.concepts):
                self._set(self._concept, value, split, metric, concept)

    def _set(self, gauge: Gauge, value: float | None, *labels: str) -> None:
        if value is not None:
            gauge.labels(*self._identity, *labels).set(value)

    def _gauge(self, name: str, description: str, *labels: str) -> Gauge:
        return Gauge(f"tintype_{name}", description, (*LABELS, *labels), registry=self.registry)

    def _counter(self, name: str, description: str) -> Counter:
        counter = Counter(f"tintype_{name}", description, LABELS, registry=self.registry)
        counter.labels(*self._identity)
        return counter


class _Metered(Collector):
    """What the run's meter shows when it is asked."""

    def __init__(self, meter: Meter, identity: tuple[str, str]) -> None:
        self._meter = meter
        self._identity = identity

    def collect(self) -> Iterator[Metric]:
        """Yield the meter's counts, seconds and its look at the GPU."""
        for counted, number in self._meter.counts.items():
            yield self._counter(counted, COUNTED[counted], number)
        spent = CounterMetricFamily(
            "tintype_spent_seconds", "Time of the training by activity", labels=(*LABELS, "activity")
        )
        for activity, seconds in self._meter.seconds.items():
            spent.add_metric((*self._identity, activity), seconds)
        yield spent
        gpu = self._meter.gpu()
        if gpu is not None:
            yield self._gauge("gpu_memory_used_bytes", "Memory of the GPU in use, by whomever", gpu.used_bytes)
            yield self._gauge("gpu_memory_total_bytes", "Memory of the GPU", gpu.total_bytes)
            if gpu.busy is not None:
                yield self._gauge("gpu_busy_ratio", "Share of the time in which the GPU computed", gpu.busy)

    def _counter(self, name: str, text: str, value: float) -> Metric:
        family = CounterMetricFamily(f"tintype_{name}", text, labels=LABELS)
        family.add_metric(self._identity, value)
        return family

    def _gauge(self, name: str, text: str, value: float) -> Metric:
        family = GaugeMetricFamily(f"tintype_{name}", text, labels=LABELS)
        family.add_metric(self._identity, value)
        return family


def concept_series(concepts: Sequence[ConceptMetrics]) -> Iterator[tuple[str, str, float]]:
    """Yield (concept, metric, value) for those of most support, and the mean over the rest as `_other`. Pure."""
    ranked = sorted(concepts, key=lambda concept: -concept.support)
    shown, rest = ranked[:SHOWN_CONCEPTS], ranked[SHOWN_CONCEPTS:]
    for metric in CONCEPT_METRICS:
        for concept in shown:
            value = getattr(concept, metric)
            if value is not None:
                yield concept.name, metric, value
        others = [value for concept in rest if (value := getattr(concept, metric)) is not None]
        if others:
            yield OTHER, metric, fmean(others)
