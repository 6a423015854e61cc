"""runc for containers of the development runtime: mounts outer folders before inner ones, then does as runc does.

containerd mounts what its base spec says before a Pod's own volumes. So a volume at /tmp would hide an environment or a
checkout that lies below it on this machine. Run as a script, without any package, since it starts with each container.
"""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any


def outer_first(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return an OCI runtime specification with its mounts ordered by depth, and otherwise as they were."""
    mounts = sorted(spec["mounts"], key=lambda mount: len(PurePosixPath(mount["destination"]).parts))
    return {**spec, "mounts": mounts}


def bundle(arguments: Sequence[str]) -> Path | None:
    """Return the folder of the container that runc is told to create, or None where it is told something else."""
    if "create" not in arguments:
        return None
    return Path(arguments[arguments.index("--bundle") + 1])


def main() -> None:
    """Reorder the mounts of a container to be created, and become runc."""
    folder = bundle(sys.argv[1:])
    if folder:
        config = folder / "config.json"
        config.write_text(json.dumps(outer_first(json.loads(config.read_text()))))
    os.execvp("runc", ["runc", *sys.argv[1:]])  # noqa: S606


if __name__ == "__main__":
    main()
