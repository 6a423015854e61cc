"""What /metrics shows of each version, from status alone, so that it outlives Pods and operators.

A version that has ended has one series for each of a few dozen numbers, and four for each of at most 64 concepts. With
thousands of versions that makes a text of megabytes at each scrape, which is written here: prometheus_client's own
writer, which checks and sorts the labels of each sample anew, takes more than three times as long.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from tintype_api.constants import REPORT_FILE, RUNS_FOLDER, Condition, Phase, Stage
from tintype_operator.attempt import PREFLIGHT
from tintype_operator.clock import seconds_between, timestamp
from tintype_operator.conditions import find
from tintype_operator.facts import ABSENT, CONCEPT_METRICS, Figures, VersionFacts
from tintype_operator.usage import phase_seconds

_DIGITS: Final = 6
"""Of concepts' numbers, which are kept as 32-bit floats."""
_S3: Final = "s3://"
_RUNNING: Final = frozenset(Phase(stage) for stage in Stage)

Row = tuple[tuple[str, ...], float | None]
"""Values of the labels beyond those that name the version, and a number; None where there is none."""
Rows = Callable[[VersionFacts], Iterable[Row]]


@dataclass(frozen=True)
class Family:
    """A metric of versions.

    Attributes:
        name: Its name, as it is exposed.
        kind: What Prometheus calls its type.
        text: What it is.
        labels: Names of its labels beyond those that name the version.
        rows: What it has of a version.
    """

    name: str
    kind: Literal["gauge", "counter"]
    text: str
    labels: tuple[str, ...]
    rows: Rows

    def lines(self, versions: Iterable[VersionFacts]) -> Iterator[str]:
        """Yield the family in Prometheus' text format, its labels sorted."""
        yield f"# HELP {self.name} {self.text}\n# TYPE {self.name} {self.kind}\n"
        labels = ("namespace", "modelversion", *self.labels)
        order = sorted(range(len(labels)), key=labels.__getitem__)
        named = ",".join(f'{labels[place]}="%s"' for place in order)
        sample = f"{self.name}{{{named}}} %r\n"
        for version in versions:
            for more, value in self.rows(version):
                if value is not None:
                    values = (*version.key, *map(_escaped, more))
                    yield sample % (*[values[place] for place in order], float(value))


def exposition(versions: tuple[VersionFacts, ...], now: str) -> str:
    """Return all metrics of versions at a time, in Prometheus' text format."""
    return "".join(line for family in families(now) for line in family.lines(versions))


def families(now: str) -> Iterator[Family]:
    """Yield the metrics of versions at a time."""
    yield from _identity()
    yield from _times(now)
    yield from _pods()
    yield from _figures()
    yield _gauge("concept_ratio", "A metric of one concept of the best, 0 to 1.", _concepts, "metric", "concept")


def _identity() -> Iterator[Family]:
    yield _gauge(
        "info",
        "1; what the version is, in labels.",
        lambda one: [((one.status.model or "", one.view, one.view_type, one.architecture, _report(one)), 1)],
        "model",
        "view",
        "type",
        "architecture",
        "report",
    )
    yield _gauge(
        "status",
        "1; the phase, and why the version waits or has ended.",
        lambda one: [((str(one.status.phase or Phase.PENDING), _reason(one)), 1)],
        "phase",
        "reason",
    )
    yield _gauge("gpus", "GPUs that the version holds now.", lambda one: [((), _gpus_held(one))])


def _times(now: str) -> Iterator[Family]:
    yield _gauge("created_timestamp_seconds", "When it was created.", lambda one: [((), _timestamp(one.created_at))])
    yield _gauge(
        "completed_timestamp_seconds",
        "When it ended.",
        lambda one: [((), _timestamp(one.status.completion_time))],
    )
    yield _gauge(
        "duration_seconds",
        "From its first start to its end, or until now.",
        lambda one: [((), _duration_s(one, now))],
    )
    yield _counter(
        "phase_seconds",
        "Time in each phase; Pending and Queued are its wait.",
        lambda one: [((str(phase),), seconds) for phase, seconds in phase_seconds(one, now).items()],
        "phase",
    )


def _pods() -> Iterator[Family]:
    yield _counter("failures", "Pods that crashed.", lambda one: [((), one.status.failures or 0)])
    yield _counter(
        "interruptions",
        "Pods that were ended from outside.",
        lambda one: [((), one.status.interruptions or 0)],
    )
    yield _counter(
        "gpu_seconds",
        "GPU-seconds of Pods that have ended, by how they did.",
        lambda one: [
            ((ended.outcome.lower(), ended.reason), ended.gpu_seconds)
            for ended in (one.status.usage.pods if one.status.usage else ())
            if ended.gpu_seconds
        ],
        "outcome",
        "reason",
    )


def _figures() -> Iterator[Family]:
    def gauge(name: str, text: str, rows: Callable[[Figures], Iterable[Row]], *labels: str) -> Family:
        return _gauge(name, text, lambda one: rows(one.figures), *labels)

    yield gauge("epoch", "Epochs done.", lambda one: [((), one.epoch)])
    yield gauge("epochs", "Epochs planned.", lambda one: [((), one.epochs)])
    yield gauge("iteration", "Optimizer steps done.", lambda one: [((), one.iteration)])
    yield gauge("best_epoch", "Epoch of the published weights.", lambda one: [((), one.best_epoch)])
    yield gauge(
        "loss",
        "Loss over a whole split.",
        lambda one: _splits(train=one.train_loss, validation=one.validation_loss, test=one.test_loss),
        "split",
    )
    yield gauge(
        "accuracy_ratio",
        "Accuracy over a whole split.",
        lambda one: _splits(validation=one.validation_accuracy, test=one.test_accuracy),
        "split",
    )
    yield gauge(
        "map_ratio",
        "Mean average precision over a whole split.",
        lambda one: _splits(validation=one.validation_map, test=one.test_map),
        "split",
    )
    yield gauge(
        "performance_indicator",
        "The number by which versions of a model are compared.",
        lambda one: [((one.performance_indicator_name,), one.performance_indicator)],
        "metric",
    )
    yield _gauge(
        "performance_indicator_change",
        "By how much it is higher than that of the best earlier version with the same validation examples.",
        lambda one: [((), one.status.comparison.change if one.status.comparison else None)],
    )


def _splits(**values: float | None) -> Iterator[Row]:
    for split, value in values.items():
        yield (split,), value


def _concepts(version: VersionFacts) -> Iterator[Row]:
    concepts, width = version.figures.concepts, len(CONCEPT_METRICS)
    for number, name in enumerate(concepts.names):
        for metric, value in zip(CONCEPT_METRICS, concepts.values[number * width : (number + 1) * width], strict=True):
            yield (metric, name), None if value == ABSENT else round(value, _DIGITS)


def _reason(version: VersionFacts) -> str:
    """Return why a version waits or has ended; empty while it runs."""
    for kind in (Condition.FAILED, Condition.COMPLETE, Condition.WAITING):
        condition = find(version.status.conditions, kind)
        if condition is not None and condition.status == "True":
            return condition.reason
    return ""


def _report(version: VersionFacts) -> str:
    """Return bucket and key of the published report, as path-style addresses have them; empty where there is none."""
    if not version.published or not version.reporter or not version.output_uri.startswith(_S3):
        return ""
    prefix = version.output_uri.removeprefix(_S3).rstrip("/")
    return "/".join((prefix, *version.key, RUNS_FOLDER, version.reporter, REPORT_FILE))


def _gpus_held(version: VersionFacts) -> float | None:
    """Return the GPUs that a version's Pods hold; None where nothing runs, or only its preflight."""
    status = version.status
    if not version.gpus or status.phase not in _RUNNING or status.attempt == PREFLIGHT:
        return None
    return version.gpus * version.nodes


def _timestamp(time: str | None) -> float | None:
    return timestamp(time) if time else None


def _duration_s(version: VersionFacts, now: str) -> float | None:
    started, ended = version.status.start_time, version.status.completion_time
    return None if started is None else seconds_between(started, ended or now)


def _escaped(value: str) -> str:
    if "\\" in value or '"' in value or "\n" in value:
        return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
    return value


def _gauge(name: str, text: str, rows: Rows, *labels: str) -> Family:
    return Family(f"tintype_version_{name}", "gauge", text, labels, rows)


def _counter(name: str, text: str, rows: Rows, *labels: str) -> Family:
    return Family(f"tintype_version_{name}_total", "counter", text, labels, rows)
