"""A control group of its own for each box, in which all its containers have theirs.

With cgroup v1 the box sees its own group, bind-mounted, in place of each hierarchy's root: kubelet's `cgroupRoot` is
ignored without its QoS groups, and containerd takes no parent. The box's own processes stay in the groups of whoever
started it. With cgroup v2 the box gets a cgroup namespace.
"""

import os
import tempfile
import time
from pathlib import Path

from devcluster import kernel, numbers
from devcluster.errors import DevclusterError

_ROOT = Path("/sys/fs/cgroup")
_REMOVAL_TIMEOUT_S = 5.0
_POLL_S = 0.05


def mount_points(mountinfo: str) -> dict[str, str]:
    """Return the mount points of all hierarchies with their kind, `cgroup` or `cgroup2`, from a /proc/PID/mountinfo."""
    found = {}
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        mount_point, kind = before.split()[4], after.split()[0]
        if kind in ("cgroup", "cgroup2"):
            found[mount_point] = kind
    return found


def _hierarchies() -> dict[str, str]:
    found = mount_points(Path("/proc/self/mountinfo").read_text())
    if not found:
        raise DevclusterError(f"No cgroup hierarchy is mounted, and a node needs one. {kernel.OTHER_WAYS}")
    return found


def is_v2(hierarchies: dict[str, str]) -> bool:
    """Say whether the machine has the one hierarchy of cgroup v2, as `stat -fc %T /sys/fs/cgroup` would tell."""
    return hierarchies.get(str(_ROOT)) == "cgroup2"


def group_name(number: int | str) -> str:
    """Return the name of a box's group in each hierarchy."""
    return f"tintype-box-{number}"


def create(number: int) -> None:
    """Make the box's group in each hierarchy; DevclusterError where that is refused."""
    try:
        for mount_point in _hierarchies():
            group = Path(mount_point) / group_name(number)
            group.mkdir(exist_ok=True)
            for setting in ("cpuset.cpus", "cpuset.mems"):
                if (group / setting).exists() and (group.parent / setting).exists():
                    (group / setting).write_text((group.parent / setting).read_text())
    except OSError as error:
        raise DevclusterError(
            f"The kernel refused a control group ({error.strerror}), which a node needs. {kernel.OTHER_WAYS}"
        ) from error


def enter(number: int) -> None:
    """Make the box's group the root of what is seen in the present mount namespace."""
    hierarchies = _hierarchies()
    if is_v2(hierarchies):
        _enter_v2(number)
        return
    # runc believes the first mount of a hierarchy that it finds: the machine's own has to go, not only to be covered.
    with tempfile.TemporaryDirectory(prefix="cgroup-", dir="/run") as aside:
        for mount_point in hierarchies:
            kernel.mount(f"{mount_point}/{group_name(number)}", aside, flags=kernel.MS_BIND)
            kernel.unmount(mount_point)
            kernel.mount(aside, mount_point, flags=kernel.MS_MOVE)


def _enter_v2(number: int) -> None:
    """Not tried on a machine yet: processes and controllers cannot share a group, so the box's own get a leaf."""
    (_ROOT / group_name(number) / "cgroup.procs").write_text(str(os.getpid()))
    kernel.unshare("cgroup")
    kernel.mount("cgroup2", str(_ROOT), "cgroup2")
    leaf = _ROOT / "init"
    leaf.mkdir()
    (leaf / "cgroup.procs").write_text(str(os.getpid()))
    controllers = (_ROOT / "cgroup.controllers").read_text().split()
    (_ROOT / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in controllers))


def remove_dead() -> None:
    """Remove the groups of all boxes that no longer run; they are empty, but the kernel keeps them."""
    for mount_point in mount_points(Path("/proc/self/mountinfo").read_text()):
        for group in Path(mount_point).glob(group_name("*")):
            with numbers.if_free(int(group.name.rpartition("-")[2])) as dead:
                if dead:
                    _remove(group)


def _remove(group: Path) -> None:
    """Remove a group with those below it; waits a little, since it is busy for a moment after its last process."""
    deadline = time.monotonic() + _REMOVAL_TIMEOUT_S
    for folder, _, _ in os.walk(group, topdown=False):
        while True:
            try:
                Path(folder).rmdir()
                break
            except OSError as error:
                if time.monotonic() > deadline:
                    raise DevclusterError(f"The control group {folder} cannot be removed: {error.strerror}.") from error
                time.sleep(_POLL_S)
