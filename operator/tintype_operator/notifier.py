"""Tells somebody outside of each version that has ended: one HTTP POST, tried again, that nothing ever waits for."""

import asyncio
import logging
import random
from collections.abc import Callable
from typing import Final

import aiohttp

from tintype_operator.notice import DELIVERY_HEADER, SIGNATURE_HEADER, Notice, signature
from tintype_operator.settings import NotifySettings

ATTEMPTS: Final = 8
FIRST_DELAY_S: Final = 1.0
LONGEST_DELAY_S: Final = 60.0
"""With these a receiver may be away for two minutes."""
MOST_OPEN: Final = 1000
"""Notices that wait at once; should a receiver be away for long, the memory must not grow by it."""
_AT_ONCE: Final = 4
_TIMEOUT_S: Final = 10.0
_TOO_MANY_REQUESTS: Final = 429
_LOG: Final = logging.getLogger("tintype.operator")


class Notifier:
    """Sends notices in the background.

    A notice that is on its way when the operator ends may be lost: the status holds the same.

    Args:
        settings: Where to; without a URL nothing is ever sent.
        count: Told of each notice that was `sent`, has `failed`, or was `dropped` since too many wait.
        first_delay_s: Before the second attempt; it doubles from there.
    """

    def __init__(
        self, settings: NotifySettings, count: Callable[[str], None], first_delay_s: float = FIRST_DELAY_S
    ) -> None:
        self._settings = settings
        self._count = count
        self._first_delay_s = first_delay_s
        self._open: set[asyncio.Task[None]] = set()
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._session: aiohttp.ClientSession | None = None

    def tell(self, notice: Notice) -> None:
        """Send a notice soon; returns at once."""
        if self._settings.url is None:
            return
        if len(self._open) >= MOST_OPEN:
            self._count("dropped")
            _LOG.warning("%s: its end cannot be told: %d others wait for it", notice.version, MOST_OPEN)
            return
        task = asyncio.create_task(self._deliver(notice, self._settings.url), name=f"notify {notice.version}")
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    async def close(self, patience_s: float = 5.0) -> None:
        """Let what is on its way arrive, for a while."""
        if self._open:
            await asyncio.wait(self._open, timeout=patience_s)
        left = list(self._open)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def _deliver(self, notice: Notice, url: str) -> None:
        fault: str | None = None
        for attempt in range(ATTEMPTS):
            if attempt:
                await asyncio.sleep(self._delay_s(attempt))
            async with self._places:
                fault, passing = await self._post(notice, url)
            if fault is None:
                self._count("sent")
                return
            if not passing:
                break
        self._count("failed")
        _LOG.warning("%s: its end cannot be told to TINTYPE_NOTIFY_URL: %s", notice.version, fault)

    async def _post(self, notice: Notice, url: str) -> tuple[str | None, bool]:
        """Send a notice once; return what is wrong, if anything is, and whether that may pass."""
        headers = {"Content-Type": "application/json", DELIVERY_HEADER: notice.delivery}
        if self._settings.secret is not None:
            headers[SIGNATURE_HEADER] = signature(self._settings.secret, notice.body)
        session = self._session = self._session or aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S)
        )
        try:
            async with session.post(url, data=notice.body, headers=headers, allow_redirects=False) as answer:
                code = answer.status
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            return f"no answer ({type(error).__name__})", True
        if code < 300:
            return None, False
        return f"HTTP {code}", code >= 500 or code == _TOO_MANY_REQUESTS

    def _delay_s(self, attempt: int) -> float:
        delay_s: float = min(self._first_delay_s * 2 ** (attempt - 1), LONGEST_DELAY_S)
        return delay_s * random.uniform(0.8, 1.2)
