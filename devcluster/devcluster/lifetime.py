"""Starting and ending the supervisor of a cluster, from outside."""

import contextlib
import json
import os
import shutil
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from devcluster import numbers, s3
from devcluster.errors import DevclusterError
from devcluster.plan import Plan
from devcluster.progress import Say

_GONE_TIMEOUT_S = 30.0
_POLL_S = 0.02


@dataclass(frozen=True)
class Processes:
    """The outer process of a cluster and, in a box, the first process within, both as this machine numbers them."""

    outer: int
    init: int


def start(plan: Plan, lock: int, *, kept: bool, say: Say) -> Processes:
    """Start the supervisor and return once the cluster is ready.

    Unless kept, the cluster dies with the calling thread. Raises DevclusterError where it does not become ready;
    nothing is left running then.
    """
    owner = 0 if kept else os.getpid()
    module = "devcluster.box" if plan.node else "devcluster.supervisor"
    outer, reports = _spawn([sys.executable, "-m", module, str(plan.state), str(lock), str(owner)], lock, plan)
    try:
        init = _follow_reports(reports, plan, say)
    except BaseException:
        os.kill(outer, signal.SIGKILL)
        os.waitpid(outer, 0)
        _remove_stray_files(plan)
        raise
    processes = Processes(outer, init or outer)
    (plan.state / "processes.json").write_text(json.dumps({"outer": processes.outer, "init": processes.init}))
    return processes


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


def _follow_reports(reports: BinaryIO, plan: Plan, say: Say) -> int:
    """Read the supervisor's reports until it is ready; returns the process id of the box's first process, or 0."""
    init: int = 0
    with reports:
        for line in reports:
            report = json.loads(line)
            init = int(report.get("init", init))
            if "progress" in report:
                say(report["progress"])
            if "error" in report:
                raise DevclusterError(report["error"])
            if "ready" in report:
                return init
    raise DevclusterError(
        f"The cluster's supervisor ended before the cluster was ready; {plan.log('supervisor')} says why."
    )


def read_processes(state: Path) -> Processes:
    """Return the processes recorded in a state folder; FileNotFoundError where none are."""
    return Processes(**json.loads((state / "processes.json").read_text()))


def is_alive(state: Path) -> bool:
    """Say whether a process of the cluster recorded in a state folder still runs."""
    return bool(_live(read_processes(state)))


def kill(plan: Plan) -> None:
    """End the cluster at once and return when all of it is gone; nothing happens where it is gone already.

    Raises DevclusterError where it does not go.
    """
    if numbers.is_held(plan.number):
        for pid in _live(read_processes(plan.state)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + _GONE_TIMEOUT_S
    while _live(read_processes(plan.state)) or numbers.is_held(plan.number):
        _reap(read_processes(plan.state).outer)
        if time.monotonic() > deadline:
            raise DevclusterError(f"The cluster in {plan.state} did not end within {_GONE_TIMEOUT_S:.0f} s.")
        time.sleep(_POLL_S)
    _remove_stray_files(plan)


def _reap(pid: int) -> None:
    """Take leave of the outer process where it is a child of ours."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return


def _live(processes: Processes) -> list[int]:
    return [pid for pid in (processes.init, processes.outer) if _is_supervisor(pid)]


def _is_supervisor(pid: int) -> bool:
    """Say whether the process is one of ours that runs: ids are used again, and a zombie has no command line."""
    try:
        return b"devcluster." in Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False


def _remove_stray_files(plan: Plan) -> None:
    for path in s3.stray_sockets(plan):
        path.unlink(missing_ok=True)


def remove_data(state: Path) -> None:
    """Remove all that a cluster has written but its logs, which people read after it has failed."""
    for path in state.iterdir():
        if path.name == "logs":
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
