"""/healthz and /metrics, on a server of our own that answers before anything else is started."""

import asyncio
from collections.abc import Callable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

Ailments = Callable[[], list[str]]


async def serve(scrape: Callable[[], bytes], ailments: Ailments, port: int) -> web.AppRunner:
    """Start the server on all addresses and return what ends it.

    Args:
        scrape: Returns the metrics; called from a thread of its own.
        ailments: Returns what is not well, in sentences.
        port: Of /healthz and /metrics.
    """

    async def healthz(_: web.Request) -> web.Response:
        found = ailments()
        return web.Response(text="\n".join(found) or "ok", status=503 if found else 200)

    async def metrics(_: web.Request) -> web.Response:
        # Of thousands of versions it takes a good part of a second, for which the reconciles would wait.
        body = await asyncio.to_thread(scrape)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.add_routes([web.get("/healthz", healthz), web.get("/metrics", metrics)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, port=port).start()
    return runner
