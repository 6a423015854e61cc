"""Starting and ending the supervisor of a cluster, from outside."""

import contextlib
import json
import os
import shutil
import signal
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

from devcluster.errors import DevclusterError
from devcluster.files import write_whole
from devcluster.identity import Process, find
from devcluster.leftovers import remove_sockets
from devcluster.plan import Plan
from devcluster.progress import Say

_GONE_TIMEOUT_S = 30.0
_POLL_S = 0.02


def start(plan: Plan, lock: int, *, kept: bool, say: Say) -> None:
    """Start the supervisor and return once the cluster is ready.

    Unless kept, the cluster dies with the calling thread. Raises DevclusterError where it does not become ready;
    nothing is left running then.
    """
    owner = 0 if kept else os.getpid()
    module = "devcluster.box" if plan.node else "devcluster.supervisor"
    outer, reports = _spawn([sys.executable, "-m", module, str(plan.state), str(lock), str(owner)], lock, plan)
    _record(plan, outer)
    try:
        _follow_reports(reports, plan, say)
    except BaseException:
        kill(plan)
        raise


def _record(plan: Plan, *pids: int) -> None:
    """Write down the processes whose death ends the cluster: the supervisor, and in a box also its outer process."""
    processes = [process for process in map(find, pids) if process]
    write_whole(plan.state / "processes.json", json.dumps([asdict(process) for process in processes]))


def read_processes(state: Path) -> list[Process]:
    """Return the processes recorded in a state folder, the supervisor last; none where none are."""
    path = state / "processes.json"
    return [Process(**process) for process in json.loads(path.read_text())] if path.exists() else []


def _spawn(command: list[str], lock: int, plan: Plan) -> tuple[int, BinaryIO]:
    """Start a process in a session of its own; returns its id and its standard output.

    Not by subprocess, which warns of every process that outlives the object that it is to the starter.
    """
    reading, writing = os.pipe()
    plan.log("supervisor").parent.mkdir(exist_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_DUP2, writing, 1),
        (os.POSIX_SPAWN_OPEN, 2, str(plan.log("supervisor")), flags, 0o644),
    ]
    os.set_inheritable(lock, True)
    try:
        pid = os.posix_spawn(command[0], command, os.environ, file_actions=actions, setsid=True)
    finally:
        os.set_inheritable(lock, False)
        os.close(writing)
    return pid, os.fdopen(reading, "rb")


def _follow_reports(reports: BinaryIO, plan: Plan, say: Say) -> None:
    """Read the supervisor's reports until it is ready."""
    with reports:
        for line in reports:
            report = json.loads(line)
            if "init" in report:
                _record(plan, report["outer"], report["init"])
            if "progress" in report:
                say(report["progress"])
            if "error" in report:
                raise DevclusterError(report["error"])
            if "ready" in report:
                return
    raise DevclusterError(
        f"The cluster's supervisor ended before the cluster was ready; {plan.log('supervisor')} says why."
    )


def is_alive(state: Path) -> bool:
    """Say whether the cluster of a state folder runs, or is being started."""
    return any(process.runs() for process in read_processes(state))


def kill(plan: Plan) -> None:
    """End the cluster at once and return when all of it is gone; nothing happens where it is gone already.

    Raises DevclusterError where it does not go.
    """
    processes = read_processes(plan.state)
    for process in reversed(processes):
        if process.runs():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
    deadline = time.monotonic() + _GONE_TIMEOUT_S
    while is_alive(plan.state):
        if time.monotonic() > deadline:
            raise DevclusterError(f"The cluster in {plan.state} did not end within {_GONE_TIMEOUT_S:.0f} s.")
        time.sleep(_POLL_S)
    for process in processes:
        with contextlib.suppress(ChildProcessError):  # it is a child of ours only where we have started it
            os.waitpid(process.pid, os.WNOHANG)
    remove_sockets(plan)


def remove_data(state: Path) -> None:
    """Remove all that a cluster has written but its logs, which people read after it has failed."""
    for path in state.iterdir():
        if path.name == "logs":
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
