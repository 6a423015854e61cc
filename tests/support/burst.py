"""Many versions at once, each with a life that is known beforehand; the kubelet and the trainer are played."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from support.kube import JOBS, PODS, VERSIONS, Kube
from support.modelversions import modelversion
from support.played import Played
from tintype_api.constants import TERMINAL_PHASES

LIVES = (
    ((65,), "Failed", {"reason": "DataError", "failures": 1}),
    ((1, 0), "Succeeded", {"failures": 1}),
    ((75, 0), "Succeeded", {"interruptions": 1}),
    *[((0,), "Succeeded", {})] * 7,
)
"""The exit codes of a version's Pods, one after another; its last phase; what else is true of it."""
Expected = dict[str, Any]


class Burst:
    """So many versions in a namespace, applied and played in the background while faults happen."""

    def __init__(self, kubeconfig: Path, namespace: str, count: int) -> None:
        self.namespace = namespace
        self.names = [f"burst-{number}" for number in range(count)]
        self._kube, self._player, self._watcher = (Kube(kubeconfig) for _ in range(3))
        self._stopped = threading.Event()
        self._jobs: dict[str, set[str]] = {}
        self._errors: list[BaseException] = []

    def __enter__(self) -> Self:
        self._threads = [threading.Thread(target=self._run, args=(work,)) for work in (self._play, self._watch_jobs)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join(30)
        for kube in (self._kube, self._player, self._watcher):
            kube.close()

    def apply(self) -> None:
        """Create the versions, whatever the API server says in between."""
        for name in self.names:
            document = modelversion({"spec.compute": {"gpus": 0}}, name=name)
            while not self._created(document):
                time.sleep(0.2)

    def wait(self, within_s: float) -> None:
        """Wait until all have ended."""
        deadline = time.monotonic() + within_s
        while True:
            phases = {name: found.get("status", {}).get("phase") for name, found in self._found().items()}
            left = [name for name in self.names if phases.get(name) not in TERMINAL_PHASES]
            if not left and phases:
                return
            assert not self._errors, self._errors
            assert time.monotonic() < deadline, f"not ended: { {name: phases.get(name) for name in left} }"
            time.sleep(0.5)

    def check(self) -> None:
        """Fail where a version was lost, got a second Job, or did not end as its life has it."""
        found = self._found()
        assert sorted(found) == sorted(self.names)
        assert {name: len(uids) for name, uids in self._jobs.items()} == dict.fromkeys(self.names, 1)
        for number, name in enumerate(self.names):
            _, phase, more = LIVES[number % len(LIVES)]
            status = found[name]["status"]
            seen = {"phase": status["phase"], "reason": _reason(status)} | {key: status.get(key, 0) for key in COUNTS}
            wanted = {"phase": phase, "reason": "Published"} | dict.fromkeys(COUNTS, 0) | more
            assert seen == wanted, name

    def _created(self, document: dict[str, Any]) -> bool:
        try:
            return self._kube.request("POST", VERSIONS.format(self.namespace), document).code in {201, 409}
        except httpx.TransportError:
            return False

    def _found(self) -> dict[str, dict[str, Any]]:
        try:
            answer = self._kube.request("GET", VERSIONS.format(self.namespace))
        except httpx.TransportError:
            return {}
        return {item["metadata"]["name"]: item for item in answer.body.get("items", ())}

    def _run(self, work: Callable[[], None]) -> None:
        while not self._stopped.is_set():
            try:
                work()
            except (httpx.HTTPError, AssertionError, ValueError):
                time.sleep(0.2)  # the API server is away: that is what is tried here
            except BaseException as error:
                self._errors.append(error)
                raise

    def _play(self) -> None:
        """Be the kubelet once: start what waits, and end what runs by its next exit code."""
        played = Played(self._player, self.namespace)
        pods = self._player.items(PODS.format(self.namespace))
        for pod in sorted(pods, key=lambda each: str(each["metadata"]["creationTimestamp"])):
            phase = pod["status"].get("phase")
            if phase == "Pending":
                played.run(pod)
            elif phase == "Running":
                name = pod["metadata"]["labels"]["tintype.dev/modelversion"]
                ended = sum(
                    each["metadata"]["labels"]["tintype.dev/modelversion"] == name
                    and each["status"].get("phase") in {"Succeeded", "Failed"}
                    for each in pods
                )
                codes = LIVES[self.names.index(name) % len(LIVES)][0]
                code = codes[min(ended, len(codes) - 1)]
                played.end(pod, code, reason="Completed" if code == 0 else "Error")
        time.sleep(0.2)

    def _watch_jobs(self) -> None:
        for job in self._watcher.added(JOBS.format(self.namespace), self._stopped):
            name = job["metadata"]["labels"]["tintype.dev/modelversion"]
            self._jobs.setdefault(name, set()).add(job["metadata"]["uid"])


COUNTS = ("interruptions", "failures")


def _reason(status: dict[str, Any]) -> str | None:
    kind = "Complete" if status["phase"] == "Succeeded" else "Failed"
    return next((one["reason"] for one in status["conditions"] if one["type"] == kind), None)
