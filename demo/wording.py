"""What the status of a ModelVersion says, in words. Pure."""

from collections.abc import Iterator
from typing import Any

from demo.console import duration
from tintype_api.constants import Condition
from tintype_api.status import HistoryEntry, ModelVersionStatus, SplitMetrics

PUBLISHED_ACCURACIES = "88.42 % (CNN) and 82.44 % (SVM) of Deitsch et al. 2019"


def parsed(document: dict[str, Any]) -> ModelVersionStatus:
    """Return the status of a ModelVersion as the API server holds it."""
    return ModelVersionStatus.model_validate(document.get("status", {}))


def news(before: ModelVersionStatus, now: ModelVersionStatus) -> Iterator[str]:
    """Yield a line for each thing that happened between two states."""
    if now.phase is not None and now.phase != before.phase:
        yield f"{now.phase}"
    for kind in (Condition.WAITING, Condition.RETRYING):
        sentence = condition(now, kind)
        if sentence and sentence != condition(before, kind):
            yield f"  {kind}: {sentence}"
    if now.dataset is not None and before.dataset is None:
        counts = now.dataset
        yield f"  {counts.train} photographs for training, {counts.validation} validation, {counts.test} test"
    known = {entry.epoch for entry in before.history}
    yield from (_epoch(entry, now) for entry in now.history if entry.epoch not in known)


def live(status: ModelVersionStatus) -> str:
    """Return one line about this moment."""
    progress, metrics = status.progress, status.metrics
    parts = [f"{status.phase or 'waiting for the operator'}"]
    if status.phase is not None and status.stage is not None and progress is not None:
        parts.append(f"{progress.summary}, step {progress.iteration} of {progress.iterations}")
    if metrics is not None and metrics.batch_loss is not None:
        parts.append(f"batch loss {metrics.batch_loss:.3f}")
    if progress is not None and progress.examples_per_second is not None:
        parts.append(f"{progress.examples_per_second:.0f} photographs/s")
    if progress is not None and progress.seconds_left is not None:
        parts.append(f"{duration(progress.seconds_left)} left")
    return "  " + ", ".join(parts)


def condition(status: ModelVersionStatus, kind: Condition) -> str | None:
    """Return the sentence of a condition that holds, else None."""
    return next((found.message for found in status.conditions if found.type == kind and found.status == "True"), None)


def accuracy(test: SplitMetrics) -> Iterator[str]:
    """Yield the lines about the accuracy on the test photographs."""
    assert test.accuracy is not None
    assert test.accuracy_interval is not None
    low, high = test.accuracy_interval
    yield (
        f"Accuracy on the {test.examples} test photographs, which were read once, at the end: "
        f"{test.accuracy:.2%} (95 % interval {low:.1%} to {high:.1%})."
    )
    yield (
        f"Beside it: {PUBLISHED_ACCURACIES} on the same photographs. Their labels of uncertain cells and the "
        "membership of their split differ, so that the figures are neighbours and no ranking."
    )


def _epoch(entry: HistoryEntry, status: ModelVersionStatus) -> str:
    planned = f" of {status.progress.epochs:g}" if status.progress is not None else ""
    words = [f"training loss {entry.train_loss:.3f}"]
    if entry.validation_loss is not None:
        words.append(f"validation loss {entry.validation_loss:.3f}")
    if entry.validation_accuracy is not None:
        words.append(f"validation accuracy {entry.validation_accuracy:.2%}")
    return f"  epoch {entry.epoch:g}{planned}: {', '.join(words)} ({duration(entry.seconds)})"
