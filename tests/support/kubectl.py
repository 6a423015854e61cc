"""A kubectl that says what a test wants, as a program on PATH."""

import os
import sys
from pathlib import Path

import pytest

_PROGRAM = """#!{python}
import os, sys
folder = {folder!r}
with open(os.path.join(folder, "called"), "a") as called:
    called.write(" ".join(sys.argv[1:]) + "\\n")
number = len(open(os.path.join(folder, "called")).readlines())
last = max(int(name[6:]) for name in os.listdir(folder) if name.startswith("answer"))
answer = os.path.join(folder, "answer" + str(min(number, last)))
code, error, text = open(answer).read().split("\\0")
sys.stdout.write(text)
sys.stdout.flush()
sys.stderr.write(error)
sys.exit(int(code))
"""


class Kubectl:
    """What it answers, one answer a call, the last one again and again; and how it was called."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0

    def answers(self, *texts: str) -> None:
        """Say these, one a call."""
        for text in texts:
            self._say(0, "", text)

    def refuses(self, error: str) -> None:
        """Fail with this on standard error."""
        self._say(1, error, "")

    @property
    def called(self) -> list[str]:
        """The arguments of each call."""
        return (self._folder / "called").read_text().splitlines()

    def _say(self, code: int, error: str, text: str) -> None:
        self._count += 1
        (self._folder / f"answer{self._count}").write_text(f"{code}\0{error}\0{text}")


@pytest.fixture
def kubectl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kubectl:
    """A kubectl of the test's own."""
    folder = tmp_path / "kubectl"
    folder.mkdir()
    program = folder / "kubectl"
    program.write_text(_PROGRAM.format(python=sys.executable, folder=str(folder)))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return Kubectl(folder)
