"""What clusters that were killed leave behind, and the next command removes."""

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from devcluster import cgroups, s3
from devcluster.files import write_whole
from devcluster.identity import Process, find
from devcluster.plan import Plan

_PREFIX = "devcluster-"


@contextmanager
def scratch_state() -> Iterator[Path]:
    """A state folder for the length of a block; one whose process was killed is removed by the next command."""
    with tempfile.TemporaryDirectory(prefix=_PREFIX) as scratch:
        me = find(os.getpid())
        assert me is not None
        write_whole(Path(scratch) / "owner.json", json.dumps(asdict(me)))
        yield Path(scratch) / "state"


def remove_leftovers() -> None:
    """Remove the empty cgroups, sockets and scratch folders of all clusters of this user that no longer run."""
    if os.geteuid() == 0:
        cgroups.remove_dead()
    for owner in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*/owner.json"):
        with contextlib.suppress(FileNotFoundError, PermissionError):  # removed meanwhile, or another user's
            if not Process(**json.loads(owner.read_text())).runs():
                _remove_scratch(owner.parent)


def _remove_scratch(scratch: Path) -> None:
    if (scratch / "state" / "plan.json").exists():
        remove_sockets(Plan.read(scratch / "state"))
    shutil.rmtree(scratch, ignore_errors=True)  # another command may do the same at this moment


def remove_sockets(plan: Plan) -> None:
    """Remove the sockets that the S3 server of a cluster that has ended left in /tmp."""
    for path in s3.stray_sockets(plan):
        path.unlink(missing_ok=True)
