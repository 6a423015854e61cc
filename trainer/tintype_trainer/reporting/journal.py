"""The run's newest status, and who is told of each change."""

from typing import Protocol

from tintype_api.constants import Stage
from tintype_api.status import TrainerStatus


class Listener(Protocol):
    """Who shows or passes on the status; called from the run's main thread, and quick."""

    def changed(self, status: TrainerStatus, *, urgent: bool) -> None:
        """Take the newest status; urgent for stages and epochs, which nobody should miss."""
        ...

    def note(self, sentence: str) -> None:
        """Take a sentence for whoever reads the log."""
        ...


class Journal:
    """Holds the trainer's fields of status and tells its listeners of each change."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []
        self._status = TrainerStatus()

    def listen(self, listener: Listener) -> None:
        """Tell this listener, too, from now on."""
        self._listeners.append(listener)

    @property
    def status(self) -> TrainerStatus:
        """The newest status."""
        return self._status

    def enter(self, stage: Stage) -> None:
        """Enter a stage."""
        self.update(urgent=True, stage=stage)

    def update(self, *, urgent: bool = False, **fields: object) -> None:
        """Replace some of the status' fields, by their Python names."""
        assert fields.keys() <= TrainerStatus.model_fields.keys(), f"status has no field among {sorted(fields)}"
        self._status = self._status.model_copy(update=fields)
        for listener in self._listeners:
            listener.changed(self._status, urgent=urgent)

    def note(self, sentence: str) -> None:
        """Tell whoever reads the log."""
        for listener in self._listeners:
            listener.note(sentence)
