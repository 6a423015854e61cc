"""SIGTERM and Ctrl-C: at once before and after the training, at a step's end within it.

Imports the standard library alone.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final, NoReturn

INTERRUPTED: Final = 75
"""tintype_api.constants.ExitCode.INTERRUPTED; that module is imported too late for the first moments of a process."""


class Interrupted(Exception):  # noqa: N818  # the run was interrupted: an event, no error
    """SIGTERM came; raised where the training can stop."""


class Cancelled(KeyboardInterrupt):
    """Ctrl-C was pressed; raised where the training can stop."""


class Interruption:
    """What SIGTERM and Ctrl-C do to this process.

    Outside of `deferred` the process ends with exit code 75 as soon as the handler runs, whatever it is doing: all
    files are written aside and then moved, so nothing is left half. Never with 0, which would count as complete.
    """

    def __init__(self) -> None:
        self._requested = False
        self._ctrl_c = False
        self._deferring = False
        self._before_exit: Callable[[], None] | None = None
        self._at_check: Callable[[], None] | None = None

    def install(self) -> None:
        """Handle SIGTERM from now on; must be called from the main thread."""
        signal.signal(signal.SIGTERM, self._handle)

    def before_exit(self, action: Callable[[], None]) -> None:
        """Set what is done before the process ends at once, such as writing the termination message."""
        self._before_exit = action

    def at_each_check(self, action: Callable[[], None]) -> None:
        """Set what is done at each boundary, which shows that the run goes on."""
        self._at_check = action

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Leave it to `check` to stop, within this block and at its end; must be entered in the main thread.

        Ctrl-C too: Python would raise wherever it is, and where that is a callback of a library, it is lost.
        """
        with self.noted():
            yield
        self.check()

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Leave it to `check` to tell of both, within this block; must be entered in the main thread."""
        self._deferring = True
        former = signal.signal(signal.SIGINT, self._handle_ctrl_c)
        try:
            yield
        finally:
            self._deferring = False
            signal.signal(signal.SIGINT, former)

    def check(self) -> None:
        """Stop here if SIGTERM came.

        Raises:
            Interrupted: SIGTERM came within `deferred`.
            Cancelled: Ctrl-C was pressed within `deferred`.
        """
        if self._at_check:
            self._at_check()
        if self._requested:
            raise Interrupted
        if self._ctrl_c:
            raise Cancelled

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        self._requested = True
        if not self._deferring:
            self._exit()

    def _handle_ctrl_c(self, number: int, frame: FrameType | None) -> None:
        """Stop at the next boundary; the second time, at once."""
        if self._ctrl_c:
            signal.default_int_handler(number, frame)
        self._ctrl_c = True

    def _exit(self) -> NoReturn:
        try:
            if self._before_exit:
                self._before_exit()
            os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, b"tintype: interrupted by SIGTERM\n")
        finally:
            os._exit(INTERRUPTED)
