"""What `operator.py` does on a cluster: posts objects, watches Jobs, and reports as a trainer would."""

import asyncio
import base64
import json
import ssl
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import aiohttp
import yaml

_TIMEOUT: Final = aiohttp.ClientTimeout(total=None, sock_connect=10)
_LINE_BYTES: Final = 1 << 24
JSON: Final = {"Content-Type": "application/json"}
APPLY: Final = {"Content-Type": "application/apply-patch+yaml"}


class Api:
    """The API server as the admin sees it, over one connection pool."""

    def __init__(self, kubeconfig: Path, namespace: str) -> None:
        config = yaml.safe_load(kubeconfig.read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        self._server = cluster["server"]
        self._tls = ssl.create_default_context(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
        with tempfile.NamedTemporaryFile() as file:
            file.write(b"\n".join(base64.b64decode(user[f"client-{part}-data"]) for part in ("certificate", "key")))
            file.flush()
            self._tls.load_cert_chain(file.name)
        self._namespace = namespace
        self.versions = self.path("apis/tintype.dev/v1alpha1", "modelversions")
        self.jobs = self.path("apis/batch/v1", "jobs")

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession(
            self._server,
            connector=aiohttp.TCPConnector(ssl=self._tls, limit=64),
            timeout=_TIMEOUT,
            read_bufsize=_LINE_BYTES,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.close()

    def path(self, group_version: str, plural: str) -> str:
        """Return the path of a kind of objects in the namespace."""
        return f"/{group_version}/namespaces/{self._namespace}/{plural}"

    async def create(self, path: str, body: Mapping[str, Any]) -> None:
        """Create an object."""
        await self._send("POST", path, body, JSON)

    async def report(self, name: str, status: Mapping[str, Any]) -> None:
        """Apply a trainer's status."""
        body = {"apiVersion": "tintype.dev/v1alpha1", "kind": "ModelVersion", "status": status}
        await self._send("PATCH", f"{self.versions}/{name}/status?fieldManager=tintype-trainer&force=true", body, APPLY)

    async def watch(self, path: str, watching: Callable[[], None]) -> AsyncIterator[dict[str, Any]]:
        """Yield the objects of a list that are created from now on, that is, after `watching` is called."""
        async with self._http.get(f"{path}?limit=1") as answer:
            version = (await answer.json())["metadata"]["resourceVersion"]
        async with self._http.get(f"{path}?watch=1&resourceVersion={version}") as answer:
            if answer.status != 200:
                raise RuntimeError(f"watch of {path}: {await answer.text()}")
            watching()
            async for line in answer.content:
                event = json.loads(line)
                if event["type"] == "ADDED":
                    yield event["object"]

    async def _send(self, method: str, path: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> None:
        async with self._http.request(method, path, data=json.dumps(body), headers=headers) as answer:
            if answer.status >= 400:
                raise RuntimeError(f"{method} {path}: {await answer.text()}")
            await answer.read()


class Arrivals:
    """When each Job was asked for, and when a watch told of it."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._begun: dict[str, float] = {}
        self._seen: dict[str, float] = {}
        self._news = asyncio.Event()

    async def __aenter__(self) -> Self:
        watching = asyncio.Event()
        self._task = asyncio.create_task(self._watch(watching))
        await watching.wait()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def begin(self, name: str) -> None:
        """Take note that a Job is asked for now."""
        self._begun[name] = time.monotonic()

    async def all(self, count: int, within_s: float = 300) -> None:
        """Wait until so many of them are there."""
        async with asyncio.timeout(within_s):
            while len(self._seen.keys() & self._begun.keys()) < count:
                self._news.clear()
                await self._news.wait()

    def delays(self) -> list[float]:
        """Return the seconds that each took."""
        return [self._seen[name] - begun for name, begun in self._begun.items()]

    async def _watch(self, watching: asyncio.Event) -> None:
        async for found in self._api.watch(self._api.jobs, watching.set):
            self._seen[found["metadata"]["name"]] = time.monotonic()
            self._news.set()


def figures(seconds: Sequence[float]) -> dict[str, float]:
    """Return the median and the 99th percentile in milliseconds."""
    hundredths = statistics.quantiles(seconds, n=100)
    return {"p50_ms": round(1000 * hundredths[49], 1), "p99_ms": round(1000 * hundredths[98], 1)}


def job(name: str) -> dict[str, Any]:
    """Return a plain Job of one Pod that no node can run."""
    container = {"name": "main", "image": "none", "resources": {"limits": {"nvidia.com/gpu": 1}}}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [container]}}},
    }
