"""A watchdog: a run that makes no progress is ended, with a stack of each of its threads in the log.

Whatever shows that the run is alive counts: a step, an evaluated batch, a picture that was brought, a change of status.
"""

import faulthandler
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NoReturn

from tintype_api.constants import ExitCode, Reason, Stage
from tintype_api.status import TrainerStatus
from tintype_trainer.reporting.termination import Outcome

REMEMBERED_STEPS: Final = 1000
"""Of which the median is the usual step."""
STDERR: Final = 2
SECONDS_PER_MINUTE: Final = 60


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a run may be silent.

    Attributes:
        steps_s: Between two steps, at least.
        usual_steps: Between two steps, in usual ones, where that is longer.
        elsewhere_s: Before the first step, while an epoch ends, and after the training. Storage ends a transfer, of
            which nothing is heard before it is done, after an hour.
        look_s: How often the watchdog looks.
        spare_s: So long after the limit a process is ended without a sentence whose watchdog cannot run either.
    """

    steps_s: float = 600.0
    usual_steps: float = 10.0
    elsewhere_s: float = 3600.0
    look_s: float = 5.0
    spare_s: float = 60.0


LIMITS: Final = Limits()


class Watchdog:
    """A listener that hears of progress from any thread, and looks from a thread of its own.

    Time in which the watchdog's own thread did not run either, such as that of a paused container, does not count.

    Args:
        hung: Told, in a sentence, that the run hangs; ends the process.
        limits: How long the run may be silent.
        clock: Seconds that only grow.
    """

    def __init__(
        self, hung: Callable[[str], None], limits: Limits = LIMITS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._hung = hung
        self._limits = limits
        self._clock = clock
        self._lock = threading.Lock()
        self._heard = False
        self._silent_s = 0.0
        self._looked = clock()
        self._stage: Stage | None = None
        self._last_step: float | None = None
        self._steps: deque[float] = deque(maxlen=REMEMBERED_STEPS)
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def start(self) -> None:
        """Start to look."""
        self._looked = self._clock()
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._done.set()
        self._thread.join()
        faulthandler.cancel_dump_traceback_later()

    def beat(self) -> None:
        """Take note that something was done."""
        with self._lock:
            self._heard = True

    def step(self) -> None:
        """Take note of an optimizer step; the next one is expected in as long a time as they usually take."""
        now = self._clock()
        with self._lock:
            self._heard = True
            if self._last_step is not None:
                self._steps.append(now - self._last_step)
            self._last_step = now

    def changed(self, status: TrainerStatus, *, urgent: bool) -> None:
        """Take note of a change of status; after that of a stage or of an epoch it is no step that comes next."""
        with self._lock:
            self._heard = True
            self._stage = status.stage
            if urgent:
                self._last_step = None

    def note(self, _sentence: str) -> None:
        """Take note that there was something to say."""
        self.beat()

    def look(self) -> None:
        """Tell `hung` if nothing was heard for too long."""
        now = self._clock()
        with self._lock:
            self._silent_s += min(now - self._looked, 2 * self._limits.look_s)
            self._looked = now
            if self._heard:
                self._heard, self._silent_s = False, 0.0
            said = self._sentence() if self._silent_s >= self._limit_s() else None
        if said is not None:
            self._hung(said)

    def _watch(self) -> None:
        while not self._done.wait(self._limits.look_s):
            self.look()
            with self._lock:
                left_s = self._limit_s() - self._silent_s + self._limits.spare_s
            # Code in C that never gives Python's lock back stops this thread, too; this timer needs no lock.
            faulthandler.dump_traceback_later(left_s, exit=True, file=STDERR)

    def _limit_s(self) -> float:
        if self._last_step is None:
            return self._limits.elsewhere_s
        return max(self._limits.steps_s, self._limits.usual_steps * (self._usual_step_s() or 0.0))

    def _usual_step_s(self) -> float | None:
        """Return the median of the latest steps; None before the second."""
        return sorted(self._steps)[len(self._steps) // 2] if self._steps else None

    def _sentence(self) -> str:
        where = f" in the stage {self._stage}" if self._stage else ""
        usual_s = self._usual_step_s()
        usual = f", where a step usually takes {usual_s:.3g} s" if self._last_step is not None and usual_s else ""
        return (
            f"the trainer hangs: it made no progress for {duration(self._silent_s)}{where}{usual}; it was ended, and "
            "its log shows where each of its threads stood"
        )


def end_hung(said: str, tell: Callable[[Outcome], None]) -> NoReturn:
    """End the process with exit code 1; stacks of all threads and the sentence go to the log, the outcome to `tell`."""
    try:
        faulthandler.dump_traceback(file=STDERR)
        os.write(STDERR, f"tintype: error: {said}\n".encode())
        tell(Outcome(ExitCode.FAILED, Reason.HUNG, said))
    finally:
        os._exit(ExitCode.FAILED)


def duration(seconds: float) -> str:
    """Return a duration in minutes, or in seconds below two of them. Pure."""
    if seconds < 2 * SECONDS_PER_MINUTE:
        return f"{seconds:.0f} s"
    return f"{seconds / SECONDS_PER_MINUTE:.0f} minutes"
