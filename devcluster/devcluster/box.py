"""The box: a mount, pid, network, uts and ipc namespace in which everything of a cluster with a node lives and ends.

`python -m devcluster.box STATE LOCK OWNER`, as `devcluster.supervisor`, which becomes the first process of the box.
Killing it, or the outer process, ends every process, mount and interface in the box.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

from devcluster import cgroups, kernel, supervisor
from devcluster.errors import DevclusterError
from devcluster.node import KUBELET_ROOT
from devcluster.plan import NODE_NAME, Plan
from devcluster.processes import environment

# Where the node's programs write, whatever they are told. The box sees the first two empty, and what is written to
# the third goes to memory.
_EMPTY = ("/run", "/var/log")
_VEILED = "/var/lib"
_STALE_WIRE_S = 10


def require_root() -> None:
    """Raise DevclusterError for anybody but root."""
    if os.geteuid() != 0:
        raise DevclusterError(f"A node needs root, since a real kubelet does. {kernel.OTHER_WAYS}")


def refuse_hidden(state: Path) -> None:
    """Raise DevclusterError where the box would not see the state folder as the machine does."""
    for folder in (*_EMPTY, _VEILED):
        if state.is_relative_to(folder):
            raise DevclusterError(f"The state folder {state} cannot lie in {folder}: name another with --state.")


def _ip(plan: Plan, lines: list[str], network: int | None = None) -> None:
    """Run a batch of `ip` commands, in the network namespace of the descriptor, or in the present one."""
    done = subprocess.run(
        ["ip", "-batch", "-"],
        input="\n".join(lines),
        env=environment(plan),
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=None if network is None else lambda: kernel.join_network(network),
    )
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()[0]
        raise DevclusterError(f"The kernel refused the box's network ({said}), which a node needs. {kernel.OTHER_WAYS}")


def _remove_stale_wire(plan: Plan) -> None:
    """Wait for the kernel to remove the wire of a box that has just died, and help it to."""
    deadline = time.monotonic() + _STALE_WIRE_S
    while Path("/sys/class/net", plan.interface).exists() and time.monotonic() < deadline:
        stale = ["ip", "link", "delete", plan.interface]
        subprocess.run(stale, env=environment(plan), capture_output=True, check=False)
        time.sleep(0.05)


def _make_network(plan: Plan) -> None:
    """Leave for a network namespace that a wire of two addresses joins to the machine's."""
    _remove_stale_wire(plan)
    machine = os.open("/proc/self/ns/net", os.O_RDONLY)
    kernel.unshare("network")
    outside = [
        f"link add {plan.interface} type veth peer name eth0 netns {os.getpid()}",
        f"address add {plan.host_address}/30 dev {plan.interface}",
        f"link set {plan.interface} up",
    ]
    inside = [
        "link set lo up",
        f"address add {plan.address}/30 dev eth0",
        "link set eth0 up",
        f"route add default via {plan.host_address}",
    ]
    _ip(plan, outside, machine)
    _ip(plan, inside)
    os.close(machine)
    settings = Path("/proc/sys/net/ipv4")
    (settings / "ip_forward").write_text("1")
    # A connection with words unsent outlives its process by minutes, and the network, wire included, with it.
    (settings / "tcp_orphan_retries").write_text("1")


def _make_mounts(plan: Plan) -> None:
    """Leave for a mount namespace in which nothing of what is mounted reaches the machine."""
    kernel.unshare("mount")
    kernel.mount("none", "/", flags=kernel.MS_REC | kernel.MS_PRIVATE)
    for folder in _EMPTY:
        kernel.mount("tmpfs", folder, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "mode=0755")
    upper, work = Path("/run/veil/upper"), Path("/run/veil/work")
    for path in (upper, work):
        path.mkdir(parents=True)
    kernel.mount("overlay", _VEILED, "overlay", 0, f"lowerdir={_VEILED},upperdir={upper},workdir={work}")
    for path in (plan.state / "kubelet", Path(KUBELET_ROOT)):
        path.mkdir(exist_ok=True)
    kernel.mount(str(plan.state / "kubelet"), KUBELET_ROOT, flags=kernel.MS_BIND)
    cgroups.enter(plan.number)


def enter(plan: Plan) -> None:
    """Make the box around the calling process; its next child is the box's first process."""
    cgroups.create(plan.number)
    for namespace in ("uts", "ipc"):
        kernel.unshare(namespace)
    kernel.set_host_name(NODE_NAME)
    _make_network(plan)
    _make_mounts(plan)
    kernel.unshare("pid")


def _first_process(plan: Plan) -> int:
    """Be the first process of the box; it dies with the outer one, which it sees as process 0."""
    kernel.die_with_parent(0)
    flags = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
    kernel.mount("proc", "/proc", "proc", flags)
    return supervisor.run(plan)


def main() -> int:
    """Make the box and wait for its first process."""
    plan = supervisor.read_arguments()
    try:
        enter(plan)
    except DevclusterError as error:
        supervisor.report(error=str(error))
        return 1
    pid = os.fork()
    if pid == 0:
        os._exit(_first_process(plan))
    supervisor.report(outer=os.getpid(), init=pid)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status) & 0xFF


if __name__ == "__main__":
    sys.exit(main())
