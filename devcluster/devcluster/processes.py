"""Starting the processes of a cluster, and noticing when one ends.

One supervisor per cluster; in a box it is the first process, so that it also reaps what containers leave behind.
"""

import os
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from devcluster.errors import DevclusterError
from devcluster.kernel import die_with_parent
from devcluster.plan import Plan

_POLL_S = 0.2
_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def environment(plan: Plan) -> dict[str, str]:
    """Return the environment of every process: nothing of the user's own (proxies, AWS keys, KUBECONFIG) gets in."""
    return {"PATH": f"{plan.programs}:{_SYSTEM_PATH}", "HOME": str(plan.state), "LANG": "C.UTF-8"}


def exit_sentence(name: str, status: int, log: Path) -> str:
    """Say how a process ended, from the status that waitpid gave and the last line of its log."""
    code = os.waitstatus_to_exitcode(status)
    how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
    words = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return f"{name} {how}, which ends the cluster; the last line of {log} is: {words[-1] if words else 'none'}"


@dataclass
class Supervisor:
    """The processes of one cluster, by name."""

    plan: Plan
    _commands: dict[str, Sequence[str]] = field(default_factory=dict)
    _names: dict[int, str] = field(default_factory=dict)  # of those that run, by process id
    _killed: set[int] = field(default_factory=set)  # those of them that were ended to pause them

    def start(self, name: str, command: Sequence[str]) -> None:
        """Start a process that lasts as long as the cluster, its output in a log of its own."""
        self._commands[name] = command
        parent = os.getpid()
        with self.plan.log(name).open("ab") as log:
            process = subprocess.Popen(
                command,
                cwd=self.plan.state,
                env=environment(self.plan),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=lambda: die_with_parent(parent),  # noqa: PLW1509 (the supervisor has one thread)
            )
        self._names[process.pid] = name

    def run(self, *command: str) -> str:
        """Run a short command of the bringing-up to its end and return what it printed.

        Raises DevclusterError with the command's own words where it fails.
        """
        done = subprocess.run(
            command,
            cwd=self.plan.state,
            env=environment(self.plan),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise DevclusterError(f"`{' '.join(command[:3])} ...` failed: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def check(self) -> None:
        """Reap whatever has ended; raises DevclusterError when a process of the cluster has that was not paused."""
        for name, status in self._reaped():
            raise DevclusterError(exit_sentence(name, status, self.plan.log(name)))

    def _reaped(self) -> list[tuple[str, int]]:
        """Return name and status of each process of the cluster that has ended by itself."""
        ended: list[tuple[str, int]] = []
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return ended
            if pid == 0:
                return ended
            name = self._names.pop(pid, None)
            if name is not None and pid not in self._killed:
                ended.append((name, status))
            self._killed.discard(pid)

    def _is_paused(self, name: str) -> bool:
        return pause_file(self.plan.state, name).exists()

    def _follow_pauses(self) -> None:
        """Kill what is to be paused, and start again what is no longer."""
        running = {name: pid for pid, name in self._names.items()}
        for name in self._commands:
            if self._is_paused(name) and name in running:
                self._killed.add(running[name])
                os.kill(running[name], signal.SIGKILL)
            elif not self._is_paused(name) and name not in running:
                self.start(name, self._commands[name])

    def supervise(self) -> None:
        """Look after the processes for ever; raises DevclusterError when one ends that should not."""
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        while True:
            signal.sigtimedwait({signal.SIGCHLD}, _POLL_S)
            self.check()
            self._follow_pauses()


def pause_file(state: Path, name: str) -> Path:
    """Return the file that exists while the process of that name is to be down."""
    return state / f"{name}.paused"
