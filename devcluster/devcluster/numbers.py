"""One number for each running cluster of this machine, from which its ports, addresses and names follow.

A number is held by an exclusive lock on its file, in a descriptor that the cluster's processes inherit: the kernel
frees it when they are gone, however they ended.
"""

import fcntl
import os
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from devcluster.errors import DevclusterError

NUMBERS = range(1, 61)
# Of the whole machine, since all users share its ports; it holds nothing but empty files.
REGISTRY = Path("/tmp/tintype-devclusters")  # noqa: S108


def _open(path: Path) -> int:
    # Without O_CREAT first: the kernel may refuse it for another user's file in a folder that everyone can write.
    try:
        return os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return os.open(path, os.O_RDONLY | os.O_CREAT, 0o644)


def _try_lock(path: Path) -> int | None:
    descriptor = _open(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def lock_file(number: int, registry: Path = REGISTRY) -> Path:
    """Return the file whose lock holds the number."""
    return registry / f"{number}.lock"


@contextmanager
def if_free(number: int, registry: Path = REGISTRY) -> Iterator[bool]:
    """Say whether no running cluster has this number, and keep it so for the length of the block."""
    path = lock_file(number, registry)
    descriptor = _try_lock(path) if registry.exists() else None
    try:
        yield descriptor is not None or not path.exists()
    finally:
        if descriptor is not None:
            os.close(descriptor)


def is_held(number: int, registry: Path = REGISTRY) -> bool:
    """Say whether a running cluster has this number."""
    with if_free(number, registry) as free:
        return not free


def ports_are_free(ports: Iterable[int]) -> bool:
    """Say whether each port can be listened on at the loopback address."""
    for port in ports:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True


def take(ports_of: Callable[[int], Iterable[int]], registry: Path = REGISTRY) -> tuple[int, int]:
    """Return the lowest free number and the descriptor that holds it.

    Raises DevclusterError where all are taken.
    """
    registry.mkdir(exist_ok=True)
    if registry.stat().st_uid == os.getuid():
        registry.chmod(0o1777)
    for number in NUMBERS:
        descriptor = _try_lock(lock_file(number, registry))
        if descriptor is None:
            continue
        if ports_are_free(ports_of(number)):
            return number, descriptor
        os.close(descriptor)
    raise DevclusterError(
        f"All {len(NUMBERS)} clusters that fit on one machine are running: end one with `devcluster down`."
    )
