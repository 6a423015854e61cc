"""Reports the newest status from a thread of its own, which never stops the training."""

import threading
import time
from collections.abc import Callable
from typing import Final

from tintype_api.status import TrainerStatus
from tintype_trainer.reporting.apiserver import StatusNotTakenError

INTERVAL_S: Final = 2.0
"""Between two writes, but for stages and epochs."""
FIRST_RETRY_S: Final = 1.0
LONGEST_RETRY_S: Final = 8.0
FLUSH_TIMEOUT_S: Final = 30.0


class Reporter:
    """A listener that applies the newest status, again and again until it is taken.

    An API server that is away or refuses (as it does until the operator has named this Pod) costs nothing but a
    delay: what it missed in between is not sent, since each write holds everything.

    Args:
        apply: Writes the status; raises StatusNotTakenError.
        on_error: Called after each write that failed.
        log: Takes a sentence on the first failure of several and on the recovery.
    """

    def __init__(
        self,
        apply: Callable[[TrainerStatus], None],
        on_error: Callable[[], None],
        log: Callable[[str], None],
        interval_s: float = INTERVAL_S,
        first_retry_s: float = FIRST_RETRY_S,
    ) -> None:
        self._apply = apply
        self._on_error = on_error
        self._log = log
        self._interval_s = interval_s
        self._first_retry_s = first_retry_s
        self._wake = threading.Condition()
        self._newest: TrainerStatus | None = None
        self._taken: TrainerStatus | None = None
        self._urgent = False
        self._failures = 0
        self._last_attempt = float("-inf")
        self._deadline: float | None = None
        self._thread = threading.Thread(target=self._run, name="reporter", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def changed(self, status: TrainerStatus, *, urgent: bool) -> None:
        """Take the newest status; it is written soon, at once where urgent."""
        with self._wake:
            self._newest = status
            self._urgent = self._urgent or urgent
            self._wake.notify()

    def note(self, sentence: str) -> None:
        """Sentences are for people."""

    def close(self, timeout_s: float = FLUSH_TIMEOUT_S) -> bool:
        """Try to write what is not written yet until the timeout; return whether all is."""
        with self._wake:
            self._deadline = time.monotonic() + timeout_s
            self._wake.notify()
        self._thread.join(timeout_s)
        written = self._taken is self._newest
        if not written:
            self._log(f"the last status was not written within {timeout_s:g} s; the termination message tells the end")
        return written

    def _run(self) -> None:
        while (status := self._next()) is not None:
            try:
                self._apply(status)
            except StatusNotTakenError as error:
                self._failed(error)
            else:
                self._succeeded(status)

    def _next(self) -> TrainerStatus | None:
        """Wait for a status that is due and return it; None when all is done."""
        with self._wake:
            while True:
                now = time.monotonic()
                dirty = self._newest is not self._taken
                if self._deadline is not None and (not dirty or now >= self._deadline):
                    return None
                wait_s = self._due() - now if dirty else None
                if wait_s is not None and wait_s <= 0:
                    self._urgent = False
                    self._last_attempt = now
                    return self._newest
                self._wake.wait(wait_s)

    def _due(self) -> float:
        if self._failures:
            doublings = min(self._failures - 1, 8)
            return self._last_attempt + min(LONGEST_RETRY_S, self._first_retry_s * float(2**doublings))
        hurried = self._urgent or self._deadline is not None
        return self._last_attempt + (0 if hurried else self._interval_s)

    def _failed(self, error: StatusNotTakenError) -> None:
        self._failures += 1
        self._on_error()
        if self._failures == 1:
            self._log(f"status is not taken for now ({error}); the training goes on and it is tried again")

    def _succeeded(self, status: TrainerStatus) -> None:
        if self._failures:
            self._log(f"status is written again after {self._failures} failed attempts")
        self._failures = 0
        self._taken = status
