"""Writing files that others read meanwhile."""

import os
import tempfile
from pathlib import Path


def write_whole(path: Path, content: str) -> None:
    """Write a file, readable by its owner only, that nobody ever sees half written."""
    descriptor, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    with os.fdopen(descriptor, "w") as file:
        file.write(content)
    Path(aside).replace(path)
