"""The work queue: each key at most once in it, never in two hands at once, and slower with each failure."""

import asyncio
import random
from collections import deque
from collections.abc import Callable
from typing import Final

from tintype_operator.facts import Key

FIRST_DELAY_S: Final = 0.5
LONGEST_DELAY_S: Final = 120.0
CALM_S: Final = 0.05
LONGEST_HOLD_S: Final = 10.0


class WorkQueue:
    """A de-duplicating queue of keys.

    A key that is added while it waits is the same piece of work; one that is added while it is worked on comes back
    when that is done. `retry` brings it back after a delay that doubles with each failure, and `succeed` forgets them.
    `follow` brings it back with the next news of another key.

    What is urgent comes before all that is not: while any of it waits or is worked on, and for CALM_S after that,
    nothing else is taken that has not waited for LONGEST_HOLD_S.
    """

    def __init__(
        self, on_taken: Callable[[float], None] = lambda _: None, is_urgent: Callable[[Key], bool] = lambda _: False
    ) -> None:
        """Make an empty queue; `on_taken` is told for how many seconds each key waited."""
        self._on_taken = on_taken
        self._is_urgent = is_urgent
        self._urgent: deque[Key] = deque()
        self._ready: deque[Key] = deque()
        self._added_at: dict[Key, float] = {}
        self._working: set[Key] = set()
        self._urgent_working: set[Key] = set()
        self._calm_at = 0.0
        self._look: asyncio.TimerHandle | None = None
        self._again: dict[Key, float] = {}
        self._later: dict[Key, asyncio.TimerHandle] = {}
        self._failures: dict[Key, int] = {}
        self._followers: dict[Key, set[Key]] = {}
        self._news = asyncio.Event()

    def __len__(self) -> int:
        return len(self._urgent) + len(self._ready) + len(self._again)

    def add(self, key: Key) -> None:
        """Ask for a key to be worked on."""
        self._forget_later(key)
        now = asyncio.get_running_loop().time()
        if key in self._working:
            self._again.setdefault(key, now)
        elif key not in self._added_at:
            self._append(key, now)
        for follower in self._followers.pop(key, ()):
            self.add(follower)

    def follow(self, key: Key, other: Key) -> None:
        """Ask for a key to be worked on, too, the next time that another one is added."""
        self._followers.setdefault(other, set()).add(key)

    def add_after(self, key: Key, delay_s: float) -> None:
        """Ask for a key to be worked on after a while; the earliest of several times counts."""
        loop = asyncio.get_running_loop()
        planned = self._later.get(key)
        if planned is not None and planned.when() <= loop.time() + delay_s:
            return
        self._forget_later(key)
        self._later[key] = loop.call_later(delay_s, self.add, key)

    async def take(self) -> Key:
        """Return the next key, which nobody else gets until `done`."""
        while True:
            waiting = self._next_in()
            if waiting is not None:
                break
            self._news.clear()
            await self._news.wait()
        key = waiting.popleft()
        if waiting is self._urgent:
            self._urgent_working.add(key)
        self._on_taken(asyncio.get_running_loop().time() - self._added_at.pop(key))
        self._working.add(key)
        return key

    def done(self, key: Key) -> None:
        """Give a key back; it comes again at once if it was added meanwhile."""
        self._working.discard(key)
        if key in self._urgent_working:
            self._urgent_working.remove(key)
            self._calm_at = asyncio.get_running_loop().time() + CALM_S
            self._look_at(self._calm_at)
        since = self._again.pop(key, None)
        if since is not None:
            self._append(key, since)

    def retry(self, key: Key) -> float:
        """Bring a key back after its next delay; return that delay in seconds."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        delay = min(FIRST_DELAY_S * 2**failures, LONGEST_DELAY_S) if failures < 10 else LONGEST_DELAY_S
        delay *= random.uniform(0.8, 1.2)
        self.add_after(key, delay)
        return delay

    def succeed(self, key: Key) -> None:
        """Forget the failures of a key."""
        self._failures.pop(key, None)

    def _next_in(self) -> deque[Key] | None:
        """Return where the next key to take is the first; None where there is nothing to take yet."""
        if self._urgent:
            return self._urgent
        if not self._ready:
            return None
        now = asyncio.get_running_loop().time()
        held_until = self._added_at[self._ready[0]] + LONGEST_HOLD_S
        if now >= held_until or (not self._urgent_working and now >= self._calm_at):
            return self._ready
        self._look_at(held_until)
        return None

    def _append(self, key: Key, since: float) -> None:
        self._added_at[key] = since
        if self._is_urgent(key):
            self._urgent.append(key)
        else:
            self._ready.append(key)
        self._news.set()

    def _look_at(self, when: float) -> None:
        """Let those who wait look again at a time, and not a little before it, as asyncio may; the earliest counts."""
        when += 0.001
        if self._look is not None and self._look.when() <= when:
            return
        if self._look is not None:
            self._look.cancel()
        self._look = asyncio.get_running_loop().call_at(when, self._looked)

    def _looked(self) -> None:
        self._look = None
        self._news.set()

    def _forget_later(self, key: Key) -> None:
        planned = self._later.pop(key, None)
        if planned is not None:
            planned.cancel()
