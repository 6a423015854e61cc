"""Golden files: what is generated, kept as it was, so that a change of it shows in a review."""

import os
from pathlib import Path

REWRITE_VARIABLE = "TINTYPE_REWRITE_GOLDEN"


def check_golden(path: Path, content: str) -> None:
    """Compare with the file; with TINTYPE_REWRITE_GOLDEN=1 write it instead."""
    if os.environ.get(REWRITE_VARIABLE) == "1":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    assert path.is_file(), f"{path.name} is not there; write it with {REWRITE_VARIABLE}=1"
    assert content == path.read_text(), f"{path.name} differs; where that is meant, write it with {REWRITE_VARIABLE}=1"
