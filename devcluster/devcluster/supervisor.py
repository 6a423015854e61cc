"""The process that runs a cluster: `python -m devcluster.supervisor STATE LOCK OWNER`.

LOCK is the inherited descriptor that holds the cluster's number; OWNER the process whose death ends the cluster, or 0.
It reports on standard output, one JSON object a line: {"progress": ...}, then {"ready": true} or {"error": ...}, and
closes it.
"""

import json
import os
import sys
import traceback
from pathlib import Path

from devcluster import addons
from devcluster.bringup import start_containerd, start_control_plane, start_node, wait_for_control_plane
from devcluster.errors import DevclusterError
from devcluster.kernel import die_with_parent
from devcluster.plan import Plan
from devcluster.processes import Supervisor


def report(**values: object) -> None:
    """Tell the process that started this one."""
    sys.stdout.write(json.dumps(values) + "\n")
    sys.stdout.flush()


def _close_report() -> None:
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, 1)
    os.close(devnull)


def _bring_up(plan: Plan, supervisor: Supervisor) -> None:
    def say(message: str) -> None:
        report(progress=message)

    if plan.node:
        start_containerd(plan, supervisor)
    client = start_control_plane(plan, supervisor, say)
    if plan.node:
        start_node(plan, client, supervisor, say)
    wait_for_control_plane(plan, client, supervisor)
    addons.install(plan, client, supervisor, say)


def run(plan: Plan) -> int:
    """Run the cluster until it is killed, or a process of it ends; the reason is then in the state folder."""
    supervisor = Supervisor(plan)
    try:
        _bring_up(plan, supervisor)
        report(ready=True)
        _close_report()
        supervisor.supervise()
    except DevclusterError as error:
        (plan.state / "ended.txt").write_text(f"{error}\n")
        report(error=str(error))
    except Exception:
        (plan.state / "ended.txt").write_text(traceback.format_exc())
        raise
    return 1


def read_arguments() -> Plan:
    """Return the plan that the arguments name, and tie this process to its owner."""
    state, _lock, owner = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    if owner:
        die_with_parent(owner)
    return Plan.read(state)


if __name__ == "__main__":
    sys.exit(run(read_arguments()))
