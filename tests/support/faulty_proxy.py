"""An API server that is not well: a proxy before a real one that refuses, delays, loses answers and cuts watches."""

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

import aiohttp
import yaml
from aiohttp import web

from support.kube import tls_of
from support.proxying import Proxy

PASSED_ON: Final = ("Authorization", "Content-Type", "Accept")
RETRY_AFTER: Final = {"Retry-After": "1"}


@dataclass(frozen=True)
class Troubles:
    """How often what happens, as shares of all requests, and how long things take.

    Attributes:
        refused: Answers of 429 and of 500, each.
        conflicts: Answers of 409 to writes.
        lost: Writes that are carried out and of which the answer is lost.
        slow: Requests that take up to `slow_s`.
        slow_s: The most seconds of a slow one.
        watch_s: The most seconds that a watch lasts.
        ends_after_s: Whole seconds after which the server is asked to end each watch; None: as the operator asks.
        holds: Whether watches are taken, and nothing is ever told by them.
        of: Requests other than watches have trouble only where this is a part of their path.
    """

    refused: float = 0.05
    conflicts: float = 0.05
    lost: float = 0.05
    slow: float = 0.1
    slow_s: float = 1.5
    watch_s: float = 3.0
    ends_after_s: int | None = None
    holds: bool = False
    of: str = ""


@dataclass
class FaultyProxy(Proxy):
    """Stands between an operator and the API server of a kubeconfig."""

    kubeconfig: Path
    troubles: Troubles
    seed: int = 0
    done: dict[str, int] = field(default_factory=dict)

    def __enter__(self) -> Self:
        config = yaml.safe_load(self.kubeconfig.read_text())
        self._server = config["clusters"][0]["cluster"]["server"]
        self._tls = tls_of(config)
        self._random = random.Random(self.seed)
        return super().__enter__()

    def kubeconfig_for(self, operator: Path, path: Path) -> Path:
        """Write a kubeconfig by which an operator comes through here."""
        config = yaml.safe_load(operator.read_text())
        config["clusters"][0]["cluster"] = {"server": self.url}
        path.write_text(yaml.safe_dump(config))
        return path

    def _session(self) -> aiohttp.ClientSession:
        timeout = aiohttp.ClientTimeout(total=None)
        connector = aiohttp.TCPConnector(ssl=self._tls, limit=0)
        plain = {"skip_auto_headers": ("Accept-Encoding",), "auto_decompress": False}
        return aiohttp.ClientSession(connector=connector, timeout=timeout, **plain)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        if "watch" in request.query:
            return await self._watch(request)
        write = request.method != "GET"
        if self.troubles.of not in request.path:
            return await self._passed_on(request, body, write=False)
        if self._happens("slow", self.troubles.slow):
            await asyncio.sleep(self._random.uniform(0, self.troubles.slow_s))
        refusal = self._refusal(write=write)
        if refusal is not None:
            return refusal
        return await self._passed_on(request, body, write=write)

    async def _passed_on(self, request: web.Request, body: bytes, *, write: bool) -> web.StreamResponse:
        """Return the server's answer; that of a write may be lost."""
        try:
            async with self._ask(request, body) as answer:
                content = await answer.read()
        except aiohttp.ClientError:
            return self._cut(request)
        if write and self._happens("lost", self.troubles.lost):
            return self._cut(request)
        return web.Response(body=content, status=answer.status, content_type=answer.content_type)

    def _refusal(self, *, write: bool) -> web.Response | None:
        if self._happens("429", self.troubles.refused):
            return _status(429, "TooManyRequests", RETRY_AFTER)
        if self._happens("500", self.troubles.refused):
            return _status(500, "InternalError")
        if write and self._happens("409", self.troubles.conflicts):
            return _status(409, "Conflict")
        return None

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        while self.troubles.holds:  # noqa: ASYNC110 - the troubles are a plain value that tests replace
            await asyncio.sleep(0.1)
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        try:
            async with asyncio.timeout(self._random.uniform(0.1, self.troubles.watch_s)):
                async with self._ask(request, b"") as answer:
                    response.set_status(answer.status)
                    await response.prepare(request)
                    async for chunk in answer.content.iter_any():
                        await response.write(chunk)
        except (TimeoutError, aiohttp.ClientError, ConnectionError):
            self._count("cut")
            return self._cut(request)
        return response

    def _ask(self, request: web.Request, body: bytes) -> "aiohttp.client._RequestContextManager":
        headers = {name: request.headers[name] for name in PASSED_ON if name in request.headers}
        asked = request.rel_url
        if "watch" in asked.query and self.troubles.ends_after_s is not None:
            asked = asked.update_query(timeoutSeconds=str(self.troubles.ends_after_s))
        return self._http.request(request.method, self._server + str(asked), data=body or None, headers=headers)

    def _cut(self, request: web.Request) -> web.StreamResponse:
        if request.transport is not None:
            request.transport.abort()
        return web.Response()

    def _happens(self, name: str, share: float) -> bool:
        happens = self._random.random() < share
        if happens:
            self._count(name)
        return happens

    def _count(self, name: str) -> None:
        self.done[name] = self.done.get(name, 0) + 1


def _status(code: int, reason: str, headers: Mapping[str, str] | None = None) -> web.Response:
    body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "code": code}
    return web.json_response(body | {"message": "a fault that a test has put here"}, status=code, headers=headers)
