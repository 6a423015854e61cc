"""The live display in a terminal: one bar for what goes on, the lines above it."""

from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from tintype_api.constants import Stage
from tintype_api.status import TrainerStatus
from tintype_trainer.reporting.console import PlainConsole, fitting, moment_parts

SHORTEST_BAR: Final = 12
"""In a narrow terminal, words are left out before the bar becomes shorter than this."""


class LiveConsole(PlainConsole):
    """As the plain one, with a bar below its lines while pictures are staged and while the network trains."""

    def __init__(self, console: Console | None = None) -> None:
        console = console or Console(highlight=False)
        self._console = console
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:.0f} of {task.total:.0f}{task.fields[tail]}"),
            console=console,
            transient=True,
        )
        super().__init__(lambda line: console.print(line, markup=False, soft_wrap=True))
        self._bar = self._progress.add_task("", total=1, visible=False, tail="")
        self._progress.start()

    def changed(self, status: TrainerStatus, *, urgent: bool) -> None:
        """Print what is new and move the bar."""
        super().changed(status, urgent=urgent)
        if status.stage is not Stage.TRAINING or not status.progress:
            self._progress.update(self._bar, visible=False)
            return
        progress = status.progress
        counted = f"{progress.summary} {progress.iteration} of {progress.iterations} iterations "
        self._progress.update(
            self._bar,
            visible=True,
            description=progress.summary,
            completed=progress.iteration,
            total=progress.iterations,
            tail=" iterations" + fitting(moment_parts(status), self._console.width - len(counted) - SHORTEST_BAR),
        )

    def staging(self, done: int, total: int) -> None:
        """Move the bar of the pictures."""
        self._progress.update(
            self._bar, visible=done < total, description="pictures", completed=done, total=total, tail=""
        )

    def close(self) -> None:
        """Take the bar away."""
        self._progress.stop()
