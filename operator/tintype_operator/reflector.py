"""Keeps a store in step with one kind of objects in one place: a list, then a watch from there, for ever."""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from tintype_operator.apierror import ApiError, from_answer
from tintype_operator.cache import Fact, Store
from tintype_operator.client import Client, Object, Resource
from tintype_operator.facts import Key

F = TypeVar("F", bound=Fact)

STALE_S: Final = 180.0
"""The API server ends each watch within a minute; one that has told nothing for so long is dead."""
_GONE: Final = 410
_FIRST_DELAY_S: Final = 0.5
_LONGEST_DELAY_S: Final = 30.0
_LOG: Final = logging.getLogger("tintype.operator")


@dataclass(frozen=True)
class Kind(Generic[F]):
    """A kind of objects that is followed.

    Attributes:
        resource: What it is for the API server.
        store: Where its facts go.
        observe: From an object to its facts; never raises.
        version_of: The ModelVersion that facts are news for; None where they are nobody's of ours, and are not kept.
        selectors: Selectors by labels or fields, as query parameters.
    """

    resource: Resource
    store: Store[F]
    observe: Callable[[Mapping[str, Any]], F]
    version_of: Callable[[F], Key | None]
    selectors: Mapping[str, str] = field(default_factory=dict)


class Reflector(Generic[F]):
    """One kind in one namespace, or in all (None)."""

    def __init__(self, client: Client, kind: Kind[F], namespace: str | None, on_news: Callable[[Key], None]) -> None:
        """Make it; `on_news` is told of each version of which something has changed."""
        self._client = client
        self._kind = kind
        self._namespace = namespace
        self._on_news = on_news
        self._at: str | None = None
        self._heard_at = time.monotonic()

    @property
    def resource(self) -> Resource:
        """What is followed."""
        return self._kind.resource

    @property
    def silent_s(self) -> float:
        """Seconds since the API server last said anything here."""
        return time.monotonic() - self._heard_at

    async def list(self) -> None:
        """Set the store right by a list; the watch then goes on from there.

        Raises:
            ApiError: where the API server refuses or does not answer.
        """
        listed: list[F] = []
        versions: list[str] = []
        async for page in self._client.pages(self.resource, self._namespace, self._kind.selectors):
            listed += [self._kind.observe(item) for item in page["items"]]
            versions.append(page["metadata"]["resourceVersion"])
        self._at = versions[0]
        self._heard_at = time.monotonic()
        kept = [facts for facts in listed if self._kind.version_of(facts) is not None]
        for facts in self._kind.store.settle(kept, int(versions[0]), self._namespace):
            self._tell(facts)

    async def follow(self) -> None:
        """Watch for ever, and list anew where a watch cannot go on."""
        failures = 0
        while True:
            heard_at = self._heard_at
            try:
                if self._at is None:
                    await self.list()
                await self._watch()
                self._heard_at = time.monotonic()
                failures = 0
            except ApiError as error:
                if self._heard_at > heard_at:
                    failures = 0
                if error.code == _GONE:
                    self._at = None
                    continue
                delay_s = min(_LONGEST_DELAY_S, _FIRST_DELAY_S * 2 ** min(failures, 10)) * random.uniform(0.8, 1.2)
                failures += 1
                where = self._namespace or "all namespaces"
                _LOG.warning("%s of %s: %s; tried again in %.1f s", self.resource.plural, where, error, delay_s)
                await asyncio.sleep(delay_s)

    async def _watch(self) -> None:
        """Take events until the server ends the watch, as it does every minute."""
        query = {**self._kind.selectors, "resourceVersion": self._at or ""}
        async for event in self._client.events(self.resource, self._namespace, query):
            self._heard_at = time.monotonic()
            self._take(str(event.get("type")), event.get("object") or {})

    def _take(self, kind: str, found: Object) -> None:
        if kind == "ERROR":
            raise from_answer(int(found.get("code", 0)), found)
        if kind != "BOOKMARK":
            facts = self._kind.observe(found)
            if self._changes(facts, gone=kind == "DELETED"):
                self._tell(facts)
        self._at = found["metadata"]["resourceVersion"]

    def _changes(self, facts: F, *, gone: bool) -> bool:
        if gone:
            return self._kind.store.remove(facts.key, facts.uid)
        return self._kind.version_of(facts) is not None and self._kind.store.put(facts)

    def _tell(self, facts: F) -> None:
        version = self._kind.version_of(facts)
        if version is not None:
            self._on_news(version)
