"""A watcher that posts a Job for each ModelVersion and does nothing else: what any operator needs at least.

PYTHONPATH=tests python -m benchmarks.bare_watcher KUBECONFIG NAMESPACE
"""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.operator_cluster import Api, job


@contextmanager
def running(kubeconfig: Path, namespace: str) -> Iterator[None]:
    """Run it as a process of its own."""
    command = [sys.executable, "-m", "benchmarks.bare_watcher", str(kubeconfig), namespace]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "watching\n"
        try:
            yield
        finally:
            process.terminate()


async def watch(kubeconfig: Path, namespace: str) -> None:
    """Post Jobs for ever."""
    async with Api(kubeconfig, namespace) as api, asyncio.TaskGroup() as group:
        async for version in api.watch(api.versions, lambda: print("watching", flush=True)):
            group.create_task(api.create(api.jobs, job(f"{version['metadata']['name']}-1")))


if __name__ == "__main__":
    asyncio.run(watch(Path(sys.argv[1]), sys.argv[2]))
