"""One operator at a time: a Lease that one process holds, renews while it lives, and gives back when it ends.

Nobody's clock is compared with another's. Whoever waits takes a Lease that has stood unchanged for its duration by
their own clock; whoever holds it counts its term from before the request that renewed it, and a term is shorter than
the duration. So two that are both awake never both write, and a holder that was frozen and wakes finds its term over.
"""

import asyncio
import logging
import time
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any, Final

from tintype_operator.apierror import NOT_LEADING, ApiError
from tintype_operator.client import LEASES, Client, Object
from tintype_operator.facts import Key

DURATION_S: Final = 10
"""How long a Lease stands without being renewed before another may take it."""
TERM_S: Final = 7.0
"""How long its holder writes without having renewed it."""
RETRY_S: Final = 2.0
"""Between two looks, and between two renewals."""

_LOG: Final = logging.getLogger("tintype.operator")


class Term:
    """Until when this process may write."""

    def __init__(self) -> None:
        self._until = float("-inf")

    @property
    def left_s(self) -> float:
        """Seconds that are left; negative where it is over."""
        return self._until - time.monotonic()

    def begin(self, at: float) -> None:
        """Begin a term at a time of `time.monotonic`."""
        self._until = at + TERM_S

    def end(self) -> None:
        """End it now."""
        self._until = float("-inf")

    def check(self) -> None:
        """Raise ApiError where the term is over: what was decided in it may be done by another by now."""
        if self.left_s <= 0:
            raise ApiError(NOT_LEADING, "NotLeading", "this operator does not hold its Lease any more")


class Lease:
    """The Lease of one name, as one process sees it."""

    def __init__(self, client: Client, place: Key, identity: str, term: Term) -> None:
        """Make it; `identity` is nobody else's while this process lives."""
        self._client = client
        self._place = place
        self._identity = identity
        self._term = term
        self._version = ""
        self._unchanged_since = 0.0
        self._told_of = ""

    async def acquire(self) -> None:
        """Wait until this process holds it."""
        held = await self._tried(self._take())
        while not held:
            await asyncio.sleep(RETRY_S)
            held = await self._tried(self._take())
        self._told_of = ""
        _LOG.info("holds the Lease %s", self._place)

    async def keep(self) -> None:
        """Renew it until it is lost."""
        while (left := self._term.left_s) > 0:
            await asyncio.sleep(min(RETRY_S, left))
            await self._tried(self._renew())
        _LOG.warning("lost the Lease %s; nothing is written until it is held again", self._place)

    async def release(self) -> None:
        """Give it back, so that the next need not wait."""
        if self._term.left_s > 0:
            self._term.end()
            await self._tried(self._give_back())

    async def _tried(self, step: Coroutine[Any, Any, bool | None]) -> bool:
        """Return whether a step succeeded in time; nothing that the API server says ends the operator."""
        try:
            async with asyncio.timeout(TERM_S / 2):
                return await step is not False
        except TimeoutError:
            _LOG.warning("the Lease %s: the API server does not answer", self._place)
        except ApiError as error:
            if error.conflict:
                self._term.end()
            else:
                _LOG.warning("the Lease %s: %s", self._place, error)
        return False

    async def _take(self) -> bool:
        asked_at = time.monotonic()
        spec = {"holderIdentity": self._identity, "leaseDurationSeconds": DURATION_S, "renewTime": _now()}
        try:
            found = await self._client.get(LEASES, *self._place)
        except ApiError as error:
            if not error.not_found:
                raise
            body: Object = {"metadata": {"name": self._place.name}, "spec": {**spec, "acquireTime": _now()}}
            self._remember(await self._client.create(LEASES, self._place.namespace, body))
        else:
            if not self._is_free(found):
                return False
            times = int(found["spec"].get("leaseTransitions", 0)) + 1
            await self._write({**spec, "acquireTime": _now(), "leaseTransitions": times})
        self._term.begin(asked_at)
        return True

    def _is_free(self, found: Object) -> bool:
        """Return whether nobody else holds it: it was given back, or has not been renewed for its duration."""
        if found["metadata"]["resourceVersion"] != self._version:
            self._remember(found)
        holder = found["spec"].get("holderIdentity")
        duration_s = float(found["spec"].get("leaseDurationSeconds", DURATION_S))
        if holder in {None, "", self._identity} or time.monotonic() - self._unchanged_since >= duration_s:
            return True
        if holder != self._told_of:
            _LOG.info("stands by: the Lease %s is held by %s", self._place, holder)
            self._told_of = holder
        return False

    async def _give_back(self) -> None:
        """Name no holder any more; a renewal that was cut off may have come through, so what is there counts."""
        found = await self._client.get(LEASES, *self._place)
        if found["spec"].get("holderIdentity") == self._identity:
            self._remember(found)
            await self._write({"holderIdentity": None, "renewTime": _now()})

    async def _renew(self) -> None:
        asked_at = time.monotonic()
        await self._write({"renewTime": _now()})
        self._term.begin(asked_at)

    async def _write(self, spec: dict[str, Any]) -> None:
        """Change it if it is as it was last seen."""
        body: Object = {"metadata": {"resourceVersion": self._version}, "spec": spec}
        self._remember(await self._client.merge(LEASES, *self._place, body))

    def _remember(self, lease: Object) -> None:
        self._version = lease["metadata"]["resourceVersion"]
        self._unchanged_since = time.monotonic()


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
