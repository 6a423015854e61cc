"""/healthz and /metrics, on a server of our own that answers before anything else is started."""

import asyncio
from collections.abc import Callable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import CollectorRegistry

Ailments = Callable[[], list[str]]


async def serve(registry: CollectorRegistry, ailments: Ailments, port: int) -> web.AppRunner:
    """Start the server on all addresses and return what ends it; `ailments` says what is not well, in sentences."""

    async def healthz(_: web.Request) -> web.Response:
        found = ailments()
        return web.Response(text="\n".join(found) or "ok", status=503 if found else 200)

    async def metrics(_: web.Request) -> web.Response:
        # Of thousands of versions it takes a good part of a second, for which the reconciles would wait.
        body = await asyncio.to_thread(generate_latest, registry)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.add_routes([web.get("/healthz", healthz), web.get("/metrics", metrics)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, port=port).start()
    return runner
