"""The layout that the rest relies on."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_nothing_in_the_folder_operator_shadows_the_standard_library() -> None:
    assert [path.name for path in (ROOT / "operator").iterdir() if path.suffix == ".py"] == []
    command = [sys.executable, "-c", "import operator; print(operator.__file__)"]
    found = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert str(ROOT / "operator") not in found
