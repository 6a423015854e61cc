"""The few calls of the Linux kernel that Python has no function for."""

import ctypes
import os
import signal

from devcluster.errors import DevclusterError

_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1

NAMESPACES = {
    "mount": 0x00020000,
    "cgroup": 0x02000000,
    "uts": 0x04000000,
    "ipc": 0x08000000,
    "pid": 0x20000000,
    "network": 0x40000000,
}
MS_NOSUID, MS_NODEV, MS_NOEXEC = 2, 4, 8
MS_BIND, MS_MOVE, MS_REC, MS_PRIVATE = 4096, 8192, 16384, 1 << 18
_MNT_DETACH = 2

OTHER_WAYS = (
    "Two ways do without it: `tintype run FILE` trains without any cluster, "
    "and docs/install/ says how to use a cluster that you have."
)


def _check(result: int, what: str) -> None:
    if result != 0:
        reason = os.strerror(ctypes.get_errno())
        raise DevclusterError(f"The kernel refused {what} ({reason}), which a node needs. {OTHER_WAYS}")


def die_with_parent(parent: int) -> None:
    """Ask to be killed as soon as the parent, or the thread of it that started this process, has ended."""
    _check(_LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "the parent-death signal")
    if os.getppid() != parent:  # it ended before we asked
        os.kill(os.getpid(), signal.SIGKILL)


def unshare(namespace: str) -> None:
    """Leave one of the NAMESPACES for a new one; for `pid`, the next child is the first process of the new one.

    Raises DevclusterError where the kernel refuses.
    """
    _check(_LIBC.unshare(NAMESPACES[namespace]), f"a {namespace} namespace")


def join_network(descriptor: int) -> None:
    """Join the network namespace that a descriptor of /proc/PID/ns/net names."""
    _check(_LIBC.setns(descriptor, NAMESPACES["network"]), "a change of the network namespace")


def mount(source: str, target: str, kind: str = "", flags: int = 0, data: str = "") -> None:
    """Mount; raises DevclusterError where the kernel refuses."""
    arguments = (source.encode(), target.encode(), kind.encode() or None, ctypes.c_ulong(flags), data.encode() or None)
    _check(_LIBC.mount(*arguments), f"the mount of {kind or source} at {target}")


def unmount(target: str) -> None:
    """Unmount, also where it is in use; raises DevclusterError where the kernel refuses."""
    _check(_LIBC.umount2(target.encode(), _MNT_DETACH), f"to unmount {target}")


def set_host_name(name: str) -> None:
    """Set the host name of the present uts namespace."""
    _check(_LIBC.sethostname(name.encode(), len(name)), "a host name")
