"""How fast and how cheap the operator is, on a real control plane without a node, beside raw creation of Jobs.

    PYTHONPATH=tests python -m benchmarks.operator [--only NAME...] > operator.json

One JSON object: for each measure the operator's figures (ours), those of raw Jobs (floor), those of a bare watcher
that only posts a Job for each ModelVersion (bare), and the ratios to the floor; and those of Kubeflow Trainer on a
cluster with a node for it, with that cluster's own floor. All are measured in the same run, what is compared in turn
and several times: the medians count. Times are from the start of a POST until a watch of Jobs tells of the Job.
Everything runs on this machine.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from benchmarks import bare_watcher
from benchmarks.operator_arrivals import (
    BURSTS,
    FLOOR,
    OURS,
    POSTS_AT_ONCE,
    STEADY,
    Measured,
    burst,
    clear,
    copied,
    measured,
    post_all,
    post_versions,
    summary,
)
from benchmarks.operator_cluster import Api, Arrivals, figures
from benchmarks.operator_rival import rival

import devcluster
from support.kube import JOBS, Kube
from support.operator_process import OperatorProcess, Request, install
from support.played import Played

NAMESPACE: Final = "benchmark"
ROUNDS: Final = 3
MANY: Final = (500, 5_000)
REPORTING: Final = 500
REPORT_PERIOD_S: Final = 10.0
REPORT_FOR_S: Final = 60.0
WRITES: Final = ("create", "patch", "apply", "delete")
REFUSED: Final = 400
"""The first HTTP code of a refusal."""


class Bench:
    """A control plane with tintype's CRD and rights, and who may be measured on it."""

    def __init__(self, cluster: devcluster.Cluster, folder: Path) -> None:
        self.cluster = cluster
        self.kube = Kube(cluster.kubeconfig)
        self.folder = folder
        self.kubeconfig = install(cluster, self.kube, [NAMESPACE], folder, {})
        self._started = 0

    @contextmanager
    def operator(self) -> Iterator[OperatorProcess]:
        """Run the operator."""
        self._started += 1
        folder = self.folder / f"operator-{self._started}"
        folder.mkdir()
        process = OperatorProcess(self.kubeconfig, [NAMESPACE], folder / "log.txt")
        process.start()
        try:
            yield process
        finally:
            process.stop()

    def api(self) -> Api:
        """Return a client for one event loop."""
        return Api(self.cluster.kubeconfig, NAMESPACE)

    def clear(self) -> None:
        """Delete what a measure has left, and wait until nothing is left."""
        clear(self.kube, NAMESPACE, OURS)


def arrivals(bench: Bench) -> Measured:
    """Measure Jobs at 10 a second, and bursts; and what the API server alone takes for a burst's versions and Jobs."""
    rounds = [_round(bench) for _ in range(ROUNDS)]
    with bench.operator():
        our_job = copied(_one_job(bench))
        bench.clear()
    alone = asyncio.run(post_versions(bench.api(), BURSTS[0]))
    bench.clear()
    our_jobs = asyncio.run(burst(bench.api(), our_job, BURSTS[0]))
    bench.clear()
    result = summary(rounds)
    result["ours"]["writes"] = rounds[0]["ours"]["writes"]
    return {**result, "alone": {"versions": alone, "our_jobs": our_jobs}}


def _round(bench: Bench) -> dict[str, Measured]:
    """Measure everybody once, one after the other: a machine's good and bad minutes are shared."""
    found = {"floor": measured(bench.api, FLOOR, bench.clear)}
    with bench.operator() as process:
        found["ours"] = measured(bench.api, OURS, bench.clear)
        found["ours"]["writes"] = _writes(process)
    with bare_watcher.running(bench.cluster.kubeconfig, NAMESPACE):
        found["bare"] = measured(bench.api, OURS, bench.clear)
    print(json.dumps(found), file=sys.stderr)
    return found


def _one_job(bench: Bench) -> dict[str, Any]:
    """Return the Job of one version."""
    asyncio.run(burst(bench.api(), OURS, 1))
    return bench.kube.items(JOBS.format(NAMESPACE))[0]


def _writes(process: OperatorProcess) -> Measured:
    """Return the operator's writes for each version that it was given, by verb and kind."""
    total = STEADY + sum(BURSTS)
    counted: dict[str, float] = {}
    for request, count in _accepted_writes(process).items():
        name = f"{request.verb} {request.resource}"
        counted[name] = counted.get(name, 0) + count
    return {name: round(count / total, 3) for name, count in sorted(counted.items())}


def restart(bench: Bench) -> Measured:
    """Measure a restart with many versions and their Jobs, of which nothing has changed."""
    result: Measured = {}
    for count in MANY:
        with bench.cluster.paused("kube-controller-manager"):
            with bench.operator() as process:
                asyncio.run(_fill(bench, count))
                _wait_until_idle(process)
            with bench.operator() as process:
                result[str(count)] = _after_restart(bench, process, count)
        bench.clear()
    few, many = (result[str(count)]["rss_mb"] for count in MANY)
    result["kb_per_version"] = round(1000 * (many - few) / (MANY[1] - MANY[0]), 2)
    return result


async def _fill(bench: Bench, count: int) -> None:
    """Make versions with Jobs and statuses of 10 KB."""
    async with bench.api() as api, Arrivals(api) as seen:
        await post_all(api, seen, OURS, [f"many-{number}" for number in range(count)])
        await seen.all(count, within_s=900)
        at_once = asyncio.Semaphore(POSTS_AT_ONCE)

        async def report(number: int) -> None:
            async with at_once:
                await api.report(f"many-{number}", large_status())

        await asyncio.gather(*(report(number) for number in range(count)))


def _after_restart(bench: Bench, process: OperatorProcess, count: int) -> Measured:
    before = _all_writes(process)
    started = time.monotonic()
    asyncio.run(_one(bench, f"after-{count}"))
    first_s = time.monotonic() - started
    _wait_until_idle(process)
    return {
        "start_s": round(process.started_in_s, 2),
        "new_version_s": round(first_s, 3),
        "writes_before_it": before,
        "writes_since_it_came": _all_writes(process) - before,
        "rss_mb": round(process.rss_bytes() / 1e6, 1),
        "cpu_s": round(process.cpu_seconds(), 2),
    }


def _wait_until_idle(process: OperatorProcess) -> None:
    """Wait until no version waits for a worker; a scrape of thousands of versions costs too much to ask often."""
    deadline = time.monotonic() + 300
    while True:
        time.sleep(5)
        if process.metric("tintype_operator_queue_depth") == 0:
            return
        assert time.monotonic() < deadline, "the operator has had too much to do for 5 minutes"


async def _one(bench: Bench, name: str) -> None:
    async with bench.api() as api, Arrivals(api) as seen:
        await OURS.post(api, seen, name)
        await seen.all(1)


def _all_writes(process: OperatorProcess) -> float:
    """Return how often it has written anything but its Lease.

    What is refused changes nothing: after each start the operator asks once for a status that only the admission policy
    refuses, a dry run, and for a RoleBinding that is there.
    """
    return sum(count for request, count in _accepted_writes(process).items() if request.resource != "leases")


def _accepted_writes(process: OperatorProcess) -> dict[Request, float]:
    return {
        request: count
        for request, count in process.requests().items()
        if request.verb in WRITES and request.code < REFUSED
    }


def reporting(bench: Bench) -> Measured:
    """Measure the operator while many versions report."""
    with bench.operator() as process:
        asyncio.run(_fill(bench, REPORTING))
        _wait_until_idle(process)
        before, writes, started = process.cpu_seconds(), _all_writes(process), time.monotonic()
        behind = asyncio.run(_report_for(bench))
        took_s = time.monotonic() - started
        result = {
            "versions": REPORTING,
            "cores": round((process.cpu_seconds() - before) / took_s, 3),
            "behind": {what: figures(seconds) | {"max_s": round(max(seconds), 3)} for what, seconds in behind.items()},
            "changes": sum(map(len, behind.values())),
            "writes": _all_writes(process) - writes,
            "rss_mb": round(process.rss_bytes() / 1e6, 1),
        }
    bench.clear()
    return result


async def _report_for(bench: Bench) -> dict[str, list[float]]:
    """Report for a while, and meanwhile see how far behind the operator is."""
    ended = threading.Event()
    watching = asyncio.create_task(asyncio.to_thread(_behind, bench, ended))
    async with bench.api() as api:
        began = time.monotonic()

        async def version(number: int) -> None:
            due = began + REPORT_PERIOD_S * number / REPORTING
            iteration = 0
            while due < began + REPORT_FOR_S:
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                iteration += 100
                await api.report(f"many-{number}", large_status(iteration))
                due += REPORT_PERIOD_S

        await asyncio.gather(*(version(number) for number in range(REPORTING)))
    ended.set()
    return await watching


def _behind(bench: Bench, ended: threading.Event) -> dict[str, list[float]]:
    """Return the seconds from a change of a Pod to the version's Waiting sentence, and to its phase."""
    played = Played(bench.kube, NAMESPACE)
    found: dict[str, list[float]] = {"waiting": [], "phase": []}
    for name in (f"many-{number}" for number in range(REPORTING)):
        if ended.is_set():
            break
        pod = played.pod(name)
        began = time.monotonic()
        played.play(pod, "Pending", {"waiting": {"reason": "ImagePullBackOff", "message": "not found"}})
        played.until_condition(name, "Waiting", "ImagePull")
        waiting = time.monotonic()
        played.run(pod)
        played.until(name, "Training")
        found["waiting"].append(waiting - began)
        found["phase"].append(time.monotonic() - waiting)
    return found


def large_status(iteration: int = 100) -> dict[str, Any]:
    """Return a trainer's status of about 10 KB, as after 50 epochs."""
    entry = {"trainLoss": 0.123456, "validationLoss": 0.234567, "validationAccuracy": 0.912345, "learningRate": 0.00123}
    history = [{"epoch": epoch, "iteration": 20 * epoch, **entry, "seconds": 12.3} for epoch in range(1, 51)]
    progress = {"summary": "epoch 50 of 60", "epoch": 50, "epochs": 60, "iteration": iteration, "iterations": 100_000}
    return {"stage": "Training", "progress": progress, "history": history}


MEASURES: Final[Mapping[str, Callable[[Bench], Measured]]] = {
    "arrivals": arrivals,
    "restart": restart,
    "reporting": reporting,
}
RIVAL: Final = "rival"


def main() -> None:
    """Run the measures and print what they found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=(*MEASURES, RIVAL), default=(*MEASURES, RIVAL))
    chosen = parser.parse_args().only
    result = {}
    with tempfile.TemporaryDirectory() as folder, devcluster.cluster(node=False) as cluster:
        bench = Bench(cluster, Path(folder))
        for name in (name for name in MEASURES if name in chosen):
            print(f"measuring {name}", file=sys.stderr)
            result[name] = MEASURES[name](bench)
            print(json.dumps(result[name]), file=sys.stderr)
        bench.kube.close()
    if RIVAL in chosen:
        print("measuring Kubeflow Trainer", file=sys.stderr)
        result[RIVAL] = rival()
    print(json.dumps({"cores": os.cpu_count(), **result}, indent=1))


if __name__ == "__main__":
    main()
