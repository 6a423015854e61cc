"""What stands between a client and a server, in an event loop of its own."""

import asyncio
import threading
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp import web

from support.ports import free_port

LARGEST_BYTES = 1 << 28


class Proxy(ABC):
    """A proxy on this machine, open while it is entered."""

    def __enter__(self) -> Self:
        self.port = free_port()
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
        return f"http://127.0.0.1:{self.port}"

    @abstractmethod
    def _session(self) -> aiohttp.ClientSession:
        """Return what asks the server."""

    @abstractmethod
    async def _handle(self, request: web.Request) -> web.StreamResponse:
        """Answer a request."""

    async def _start(self) -> None:
        self._http = self._session()
        app = web.Application(client_max_size=LARGEST_BYTES)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()

    async def _stop(self) -> None:
        await self._runner.cleanup()
        await self._http.close()
        await asyncio.sleep(0.25)  # aiohttp closes TLS connections in the background
