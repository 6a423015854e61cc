"""The first process of a node with several: starts one for each GPU, passes signals on, and tells how they ended."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tintype_api.constants import ENV_OUTCOME_FILE, ExitCode, Reason
from tintype_api.modelversion import ModelVersion
from tintype_trainer.interruption import Cancelled, Interrupted, Interruption
from tintype_trainer.processes.place import Place, port_of, this_node
from tintype_trainer.reporting.termination import Outcome, read_termination_message

COMMAND: Final = (sys.executable, "-m", "tintype_trainer.cli", "run", "-")
PARTING_S: Final = 30.0
"""How long the others may take to end once one has failed."""
LOOK_S: Final = 0.1
SIGNAL_BASE: Final = 128


@dataclass(slots=True)
class _Process:
    place: Place
    popen: subprocess.Popen[bytes]
    outcome_file: Path

    @property
    def outcome(self) -> Outcome:
        """How it ended."""
        return read_termination_message(self.outcome_file) or _untold(self.place, self.popen.returncode)


def launch(version: ModelVersion, options: Sequence[str], interruption: Interruption) -> Outcome:
    """Train a resolved version with as many processes on this node as it has GPUs, and return how they ended.

    Args:
        version: What they train; each reads it from its standard input.
        options: Further words of their command lines.
        interruption: Whose signals are passed on to them.

    Raises:
        UserError: exit 78 where there are other nodes and nothing says where.
    """
    node = this_node(version.spec.compute)
    places = node.places(version.spec.compute, port_of(node, _free_port()), os.getpid())
    document = json.dumps(version.to_wire()).encode()
    with TemporaryDirectory() as folder, interruption.noted():
        processes = [_start(place, options, document, Path(folder)) for place in places]
        try:
            return _outcome(_wait(processes, interruption))
        finally:
            for process in processes:
                process.popen.kill()
                process.popen.wait()


def _start(place: Place, options: Sequence[str], document: bytes, folder: Path) -> _Process:
    outcome_file = folder / f"{place.rank}.json"
    environment = os.environ | place.variables() | {ENV_OUTCOME_FILE: str(outcome_file)}
    # A group of its own: Ctrl-C reaches it once, from this process.
    popen = subprocess.Popen([*COMMAND, *options], stdin=subprocess.PIPE, env=environment, process_group=0)
    assert popen.stdin is not None, "stdin is a pipe"
    try:
        popen.stdin.write(document)
        popen.stdin.close()
    except BrokenPipeError:
        pass  # It has ended already, and _outcome tells how.
    return _Process(place, popen, outcome_file)


def _wait(processes: Sequence[_Process], interruption: Interruption) -> list[_Process]:
    """Wait for all to end, and return them in the order in which they did."""
    ended: list[_Process] = []
    told: set[int] = set()
    until: float | None = None
    while len(ended) < len(processes):
        running = [process for process in processes if process not in ended]
        _pass_on(running, interruption, told)
        ended += [process for process in running if process.popen.poll() is not None]
        if until is None and any(process.popen.returncode for process in ended):
            until = time.monotonic() + PARTING_S
        if until is not None and time.monotonic() > until and not told:
            for process in running:
                process.popen.kill()
        time.sleep(LOOK_S)
    return ended


def _pass_on(running: Sequence[_Process], interruption: Interruption, told: set[int]) -> None:
    number = _signal_of(interruption)
    if number is not None and number not in told:
        told.add(number)
        for process in running:
            process.popen.send_signal(number)


def _signal_of(interruption: Interruption) -> int | None:
    try:
        interruption.check()
    except Interrupted:
        return signal.SIGTERM
    except Cancelled:
        return signal.SIGINT
    return None


def _outcome(ended: Sequence[_Process]) -> Outcome:
    """Return how the training ended: as the process did that failed first for a reason of its own, else as rank 0."""
    outcomes = {process.place.rank: process.outcome for process in ended}
    failed = [outcome for outcome in outcomes.values() if outcome.exit_code]
    own = [outcome for outcome in failed if outcome.reason not in {Reason.PEER_LOST, Reason.PEER_MISSING}]
    return next(iter([*own, *failed]), outcomes[min(outcomes)])


def _untold(place: Place, exit_code: int) -> Outcome:
    """Return the outcome of a process that has left none."""
    if exit_code >= 0:
        code = exit_code or ExitCode.FAILED
        return Outcome(code, Reason.CRASHED, f"process {place.rank} of {place.size} ended with exit code {exit_code}")
    number = signal.Signals(-exit_code)
    said = f"process {place.rank} of {place.size} was killed by signal {number.value} ({number.name})"
    hint = "; if nobody did that, raise compute.memory" if number is signal.SIGKILL else ""
    return Outcome(SIGNAL_BASE + number.value, Reason.KILLED, said + hint)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
