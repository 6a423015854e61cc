"""An S3 server that is not well: a proxy before a real one that stops, or that is busy for some requests."""

import asyncio
import io
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from support.ports import free_port

OF_CONNECTIONS: Final = ("Connection", "Keep-Alive", "Transfer-Encoding")
"""Headers that are for the next hop alone."""
BUSY: Final = "<Error><Code>SlowDown</Code><Message>a fault that a test has put here</Message></Error>"
LARGEST_BYTES: Final = 1 << 28


@dataclass
class StorageProxy:
    """Stands between a client and an S3 server.

    Attributes:
        server: The server's URL.
        is_stopped: Whether each connection is cut.
        busy: How many of the next requests are answered with 503.
        asked: The method of each request that came.
    """

    server: str
    is_stopped: bool = False
    busy: int = 0
    asked: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._port = free_port()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    @property
    def url(self) -> str:
        """The URL by which clients come through here."""
        return f"http://127.0.0.1:{self._port}"

    async def _start(self) -> None:
        self._http = aiohttp.ClientSession(auto_decompress=False, timeout=aiohttp.ClientTimeout(total=60))
        app = web.Application(client_max_size=LARGEST_BYTES)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()

    async def _stop(self) -> None:
        await self._runner.cleanup()
        await self._http.close()

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
                async for chunk in answer.content.iter_any():
                    await response.write(chunk)
                await response.write_eof()
            return response


def _passed_on(headers: Mapping[str, str]) -> CIMultiDict[str]:
    passed = CIMultiDict(headers)
    for name in OF_CONNECTIONS:
        passed.popall(name, None)
    return passed
