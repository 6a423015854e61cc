"""kubectl and helm, as a person would type them; none outlives the demo."""

import os
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from demo.console import Console, duration
from demo.errors import DemoError

_POLL_S = 0.5


class Tools:
    """Runs kubectl and helm against one cluster.

    Args:
        programs: Folder of both; None: they are on PATH.
        environment: What names the cluster to them.
        console: Where to show that something takes long.
    """

    def __init__(self, programs: Path | None, environment: Mapping[str, str], console: Console) -> None:
        self._programs = programs
        self._environment = dict(environment)
        self._console = console

    def run(self, *command: str, stdin: str = "", doing: str = "") -> str:
        """Run a command to its end and return what it printed.

        Args:
            command: `kubectl` or `helm`, and its arguments.
            stdin: What it reads.
            doing: What to show while it runs.

        Raises:
            DemoError: It failed; with its last words.
        """
        started = time.monotonic()
        with self.start(*command) as process:
            waiting = stdin
            while True:
                try:
                    out, error = process.communicate(waiting, timeout=_POLL_S)
                    break
                except subprocess.TimeoutExpired:
                    waiting = ""
                    self._console.live(f"  {doing or ' '.join(command)} ({duration(time.monotonic() - started)})")
        if process.returncode != 0:
            raise DemoError(f"`{' '.join(command)}` failed: {(error or out).strip()}")
        return out

    def start(self, *command: str, stderr: int | IO[str] = subprocess.PIPE) -> "subprocess.Popen[str]":
        """Start a command that dies with the calling thread."""
        return subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", self._program(command[0]), *command[1:]],
            env={**os.environ, **self._environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )

    def _program(self, name: str) -> str:
        return name if self._programs is None else str(self._programs / name)
