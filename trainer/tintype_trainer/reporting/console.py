"""Progress for people: a live display in a terminal, plain lines elsewhere."""

import sys
from collections.abc import Callable, Sequence
from typing import Final

from tintype_api.status import DatasetStatus, HistoryEntry, SplitMetrics, TrainerStatus
from tintype_trainer.sentences import first_of

SECONDS_PER_MINUTE: Final = 60


class PlainConsole:
    """A listener that prints one line a stage, epoch and sentence, at once."""

    def __init__(self, write: Callable[[str], None] | None = None) -> None:
        self._write = write or _print
        self._shown = TrainerStatus()

    def changed(self, status: TrainerStatus, *, urgent: bool) -> None:
        """Print what is new, if it deserves a line."""
        if urgent:
            for line in new_lines(self._shown, status):
                self._write(line)
            self._shown = status

    def staging(self, done: int, total: int) -> None:
        """Pictures that come one by one deserve no line."""

    def note(self, sentence: str) -> None:
        """Print the sentence."""
        self._write(sentence)

    def close(self) -> None:
        """Nothing is open."""


def new_lines(before: TrainerStatus, now: TrainerStatus) -> list[str]:
    """Return the lines for what is in `now` and was not in `before`. Pure."""
    lines = []
    if now.stage and now.stage != before.stage:
        lines.append(f"{now.stage.value.lower()} ...")
    if now.dataset and now.dataset != before.dataset:
        lines.extend(dataset_lines(now.dataset))
    if now.history and (not before.history or now.history[-1] != before.history[-1]):
        lines.append(epoch_line(now.history[-1], now))
    test = now.metrics.test if now.metrics else None
    if test and test != (before.metrics.test if before.metrics else None):
        lines.append(f"test: {', '.join([*split_parts(test), f'{test.examples} examples'])}")
    return lines


def split_parts(metrics: SplitMetrics) -> list[str]:
    """Return what is known of a split, as parts of a line. Pure."""
    parts = [f"loss {metrics.loss:.4f}"] if metrics.loss is not None else []
    if metrics.accuracy is not None:
        interval = metrics.accuracy_interval
        between = f" (95 % interval {interval[0]:.4f} to {interval[1]:.4f})" if interval else ""
        parts.append(f"accuracy {metrics.accuracy:.4f}{between}")
    if metrics.mean_average_precision is not None:
        without = metrics.concepts_without_examples
        parts.append(
            f"mAP {metrics.mean_average_precision:.4f}" + (f" ({without} concepts have no example)" if without else "")
        )
    return parts


def dataset_lines(dataset: DatasetStatus) -> list[str]:
    """Return what the run trains on, and what was left out. Pure."""
    left_out = {
        "not in this model": dataset.not_in_model,
        "not annotated": dataset.not_annotated,
        "without boxes": dataset.without_boxes,
        "not meeting the conditions": dataset.conditions_unmet,
        "unreadable": dataset.unreadable.count,
    }
    told = ", ".join(f"{count} {why}" for why, count in left_out.items() if count)
    epoch = f" ({dataset.train_repeated} an epoch)" if dataset.train_repeated is not None else ""
    lines = [
        f"data set: {dataset.train} train{epoch}, {dataset.validation} validation, {dataset.test} test"
        + (f"; left out: {told}" if told else "")
    ]
    lines += [f"unreadable: {example}" for example in dataset.unreadable.examples]
    if dataset.duplicates:
        lines.append(
            f"warning: {dataset.duplicates.count} pictures stand on both sides of a split with the same pixels, which "
            f"makes what is measured too good: {first_of(dataset.duplicates.examples, dataset.duplicates.count)}"
        )
    return lines


def epoch_line(entry: HistoryEntry, status: TrainerStatus) -> str:
    """Return the line of an epoch. Pure."""
    parts = [f"train loss {entry.train_loss:.4f}"]
    if entry.validation_loss is not None:
        parts.append(f"validation loss {entry.validation_loss:.4f}")
    if entry.validation_accuracy is not None:
        parts.append(f"accuracy {entry.validation_accuracy:.4f}")
    if entry.validation_map is not None:
        parts.append(f"mAP {entry.validation_map:.4f}")
    if len(parts) > 1 and status.best and status.best.iteration == entry.iteration:
        parts[-1] += " (best)"
    if status.progress and status.progress.examples_per_second is not None:
        parts.append(f"{status.progress.examples_per_second:.1f} examples/s")
    parts.append(f"{entry.seconds:.1f} s")
    epochs = f" of {status.progress.epochs:.4g}" if status.progress else ""
    return f"epoch {entry.epoch:.4g}{epochs}: {', '.join(parts)}"


def moment_parts(status: TrainerStatus) -> list[str]:
    """Return what is to be told of this moment of a training beside its iteration, the most important first. Pure."""
    progress, best = status.progress, status.best
    loss = status.metrics.batch_loss if status.metrics else None
    parts = [f"loss {loss:.4f}"] if loss is not None else []
    if progress and progress.seconds_left:
        parts.append(f"{duration(progress.seconds_left)} left")
    if best and best.performance_indicator is not None:
        parts.append(f"best {best.performance_indicator_name} {best.performance_indicator:.4f}")
    if progress and progress.examples_per_second:
        parts.append(f"{progress.examples_per_second:.1f} examples/s")
    return parts


def fitting(parts: Sequence[str], room: int) -> str:
    """Return as many of the first parts as fit into so many characters, each with two blanks before it. Pure."""
    line = ""
    for part in parts:
        if len(line) + len(part) + 2 > room:
            break
        line += f"  {part}"
    return line


def duration(seconds: float) -> str:
    """Return a duration such as 75 s as "1:15". Pure."""
    minutes, rest = divmod(round(seconds), SECONDS_PER_MINUTE)
    return f"{minutes}:{rest:02}"


def open_console() -> PlainConsole:
    """Return the display that suits where standard output goes."""
    if not sys.stdout.isatty():
        return PlainConsole()
    from tintype_trainer.reporting.live import LiveConsole  # noqa: PLC0415  # rich is needed in a terminal alone

    return LiveConsole()


def _print(line: str) -> None:
    print(line, flush=True)
