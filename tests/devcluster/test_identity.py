import os
import subprocess

import pytest

from devcluster.identity import Process, find, parse_stat

STAT = "42 (a) b (c) {} 1 42 42 0 -1 4194560 1 0 0 0 5 6 0 0 20 0 1 0 {} 1000 200"


@pytest.mark.parametrize(("state", "process"), [("S", Process(42, 900)), ("Z", None), ("X", None)])
def test_a_process_is_its_id_and_its_start_until_it_ends(state: str, process: Process | None) -> None:
    assert parse_stat(42, STAT.format(state, 900)) == process


def test_another_process_of_the_same_id_is_not_the_same() -> None:
    me = find(os.getpid())
    assert me is not None
    assert me.runs()
    assert not Process(me.pid, me.started - 1).runs()


def test_a_process_that_has_ended_does_not_run_even_before_its_parent_notices() -> None:
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as child:
        process = find(child.pid)
        assert process is not None
        assert process.runs()
        assert child.stdin is not None
        child.stdin.close()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert not process.runs()
    assert find(child.pid) is None
