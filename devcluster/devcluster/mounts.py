"""What containers of the development runtime see of this machine, read-only."""

import sys
from collections.abc import Iterable
from pathlib import Path, PurePath

_SYSTEM_FOLDERS = ("/usr", "/bin", "/lib", "/lib64", "/etc/ssl/certs")


def outermost(paths: Iterable[PurePath]) -> tuple[str, ...]:
    """Return the paths that lie in none of the others, sorted."""
    unique = sorted(set(paths))
    return tuple(str(path) for path in unique if not any(parent in unique for parent in path.parents))


def checkout() -> Path:
    """Return the root of the checkout that this package is run from."""
    return Path(__file__).resolve().parents[2]


def development_mounts() -> tuple[str, ...]:
    """Return the system's folders, the Python that runs this, its environment and the checkout."""
    python = Path(sys.executable).resolve().parents[1]
    folders = [*map(Path, _SYSTEM_FOLDERS), Path(sys.base_prefix), python, Path(sys.prefix).absolute(), checkout()]
    return outermost(folder for folder in folders if folder.exists())
