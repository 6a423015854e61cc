"""runPolicy.stop: the training ends at its next step, and what it has learned is evaluated and published.

Imports the standard library alone.
"""

import threading


class StopRequest:
    """Whether somebody has asked the training to end; asked by one thread, seen by another.

    It is not taken back: whoever trains may have ended by then.
    """

    def __init__(self) -> None:
        self._event = threading.Event()

    @property
    def asked(self) -> bool:
        """Whether the training is to end."""
        return self._event.is_set()

    def ask(self) -> None:
        """Ask the training to end."""
        self._event.set()


class StoppedUntrainedError(Exception):
    """The stop came before there was anything to publish: an end, no error."""
