"""An S3 server that is not well: a proxy before a real one that stops, or that is busy for some requests."""

import io
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from support.proxying import Proxy

OF_CONNECTIONS: Final = ("Connection", "Keep-Alive", "Transfer-Encoding")
"""Headers that are for the next hop alone."""
BUSY: Final = "<Error><Code>SlowDown</Code><Message>a fault that a test has put here</Message></Error>"


@dataclass
class StorageProxy(Proxy):
    """Stands between a client and an S3 server.

    Attributes:
        server: The server's URL.
        is_stopped: Whether each connection is cut.
        busy: How many of the next requests are answered with 503.
        cut: How many of the next answers break off after `cut_after_bytes`.
        cut_after_bytes: That number.
        asked: The method of each request that came.
        passed_bytes: What was passed on of the server's answers.
    """

    server: str
    is_stopped: bool = False
    busy: int = 0
    cut: int = 0
    cut_after_bytes: int = 1 << 20
    asked: list[str] = field(default_factory=list)
    passed_bytes: int = 0

    def _session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(auto_decompress=False, timeout=aiohttp.ClientTimeout(total=60))

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.method)
        if self.is_stopped:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        body = await request.read()
        if self.busy > 0:
            self.busy -= 1
            return web.Response(status=503, text=BUSY, content_type="application/xml")
        # Signatures hold for the path as it was sent, and for the client's Host.
        url = URL(self.server + request.raw_path, encoded=True)
        headers = _passed_on(request.headers)
        async with self._http.request(
            request.method, url, data=io.BytesIO(body) if body else None, headers=headers, allow_redirects=False
        ) as answer:
            response = web.StreamResponse(status=answer.status, headers=_passed_on(answer.headers))
            with suppress(ConnectionError):  # the client, too, may be killed
                await response.prepare(request)
                if not await self._pass_on(answer, response):
                    assert request.transport is not None
                    request.transport.close()  # once what was written has gone out
            return response

    async def _pass_on(self, answer: aiohttp.ClientResponse, response: web.StreamResponse) -> bool:
        """Return whether all of it was passed on."""
        is_cut, before_bytes = self.cut > 0, self.passed_bytes
        self.cut -= is_cut
        async for chunk in answer.content.iter_any():
            await response.write(chunk)
            self.passed_bytes += len(chunk)
            if is_cut and self.passed_bytes - before_bytes >= self.cut_after_bytes:
                return False
        await response.write_eof()
        return True


def _passed_on(headers: Mapping[str, str]) -> CIMultiDict[str]:
    passed = CIMultiDict(headers)
    for name in OF_CONNECTIONS:
        passed.popall(name, None)
    return passed
