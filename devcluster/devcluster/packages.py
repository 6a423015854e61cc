"""What Debian and Ubuntu package well enough: runc, nftables and iproute2."""

import os
import shutil
import subprocess

from devcluster.errors import DevclusterError
from devcluster.progress import Say

_PACKAGES = {"runc": "runc", "nft": "nftables", "ip": "iproute2"}
_SYSTEM_PATH = "/usr/local/sbin:/usr/sbin:/sbin:" + os.defpath


def missing_packages() -> list[str]:
    """Return the distribution's packages whose programs are not there."""
    return [package for program, package in _PACKAGES.items() if not shutil.which(program, path=_SYSTEM_PATH)]


def ensure_packages(say: Say) -> None:
    """Install what is missing, after saying so.

    Raises DevclusterError where that is not possible.
    """
    packages = missing_packages()
    if not packages:
        return
    names = " ".join(packages)
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise DevclusterError(f"A node needs {names}: install them from your distribution.")
    say(f"Installing {names} from the distribution, by apt-get.")
    for command in (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages],
    ):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise DevclusterError(f"`{' '.join(command)}` failed: {done.stderr.strip()}. Install {names} yourself.")
