"""The demo's output in a terminal and elsewhere, and its command line without root."""

import io
import subprocess
import sys
from pathlib import Path

import pytest
from demo.console import Log, Terminal, duration, size

ROOT = Path(__file__).parents[2]


def test_a_terminal_has_a_line_that_moves() -> None:
    stream = io.StringIO()
    shown = Terminal(stream)
    shown.live("one")
    shown.live("two")
    shown.say("done")
    assert stream.getvalue().split("\r\x1b[K") == ["", "\x1b[?7lone\x1b[?7h", "\x1b[?7ltwo\x1b[?7h", "done\n"]


def test_a_file_gets_whole_lines_only() -> None:
    stream = io.StringIO()
    shown = Log(stream)
    shown.live("one")
    shown.say("done")
    assert stream.getvalue() == "done\n"


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (59.9, "0:59"), (61, "1:01"), (3600, "60:00")])
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (13_100_000, "13.1 MB"), (2.5e9, "2.5 GB")],
)
def test_sizes(size_bytes: float, text: str) -> None:
    assert size(size_bytes) == text


def test_without_root_it_says_what_root_is_for_and_which_ways_do_without() -> None:
    program = (
        f"import os, runpy, sys; sys.path.insert(0, {str(ROOT)!r}); sys.argv = ['demo']; os.geteuid = lambda: 1000;"
    )
    program += "runpy.run_module('demo', run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1
    for part in ("root", "tintype run examples/pv-cells.yaml", "docs/install/"):
        assert part in done.stderr
