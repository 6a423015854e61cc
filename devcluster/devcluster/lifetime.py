"""Starting and ending the supervisor of a cluster, from outside."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

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
    plan.log("supervisor").parent.mkdir(exist_ok=True)
    with plan.log("supervisor").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", module, str(plan.state), str(lock), str(owner)],
            pass_fds=(lock,),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
    try:
        init = _follow_reports(process, plan, say)
    except BaseException:
        process.kill()
        process.wait()
        _remove_stray_files(plan)
        raise
    # It outlives this call: whoever started it reaps it, so that no zombie stays and Python does not complain.
    threading.Thread(target=process.wait, name="reaper of the supervisor", daemon=True).start()
    processes = Processes(process.pid, init or process.pid)
    (plan.state / "processes.json").write_text(json.dumps({"outer": processes.outer, "init": processes.init}))
    return processes


def _follow_reports(process: "subprocess.Popen[bytes]", plan: Plan, say: Say) -> int:
    """Read the supervisor's reports until it is ready; returns the process id of the box's first process, or 0."""
    assert process.stdout is not None
    init = 0
    with process.stdout as reports:
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
