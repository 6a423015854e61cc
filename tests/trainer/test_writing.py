"""Files that --output names are written whole or not at all."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tintype_api.errors import UserError
from tintype_trainer.commands.writing import write_output

STOPPED_HALF_WAY = """
import resource, sys
from tintype_api.errors import UserError
from tintype_trainer.commands.writing import write_output

resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_output(sys.argv[1], bytes(100_000))
except UserError as error:
    print(error.message)
"""
"""A limit on the size of files ends a write half-way, as a full disk does."""


def test_a_file_takes_the_place_of_an_earlier_one_behind_its_link(tmp_path: Path) -> None:
    file, link = tmp_path / "report.html", tmp_path / "latest.html"
    file.write_bytes(b"earlier")
    link.symlink_to(file)
    write_output(str(link), b"new")
    assert file.read_bytes() == b"new"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["latest.html", "report.html"]


def test_a_write_that_fails_half_way_leaves_the_earlier_file(tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_bytes(b"earlier")
    command = [sys.executable, "-c", STOPPED_HALF_WAY, str(file)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said == f"--output: {file} cannot be written (File too large); choose another\n"
    assert file.read_bytes() == b"earlier"
    assert list(tmp_path.iterdir()) == [file]


def test_a_pipe_takes_it_as_it_comes(tmp_path: Path) -> None:
    pipe, found = tmp_path / "pipe", list[bytes]()
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: found.append(pipe.read_bytes()), daemon=True)
    reader.start()
    write_output(str(pipe), b"new")
    reader.join(10)
    assert found == [b"new"]


@pytest.mark.parametrize("place", ["missing/report.html", "folder"])
def test_a_place_that_takes_no_file_is_named(place: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserError, match=rf"^--output: {tmp_path / place} cannot be written \(.*\); choose another$"):
        write_output(str(tmp_path / place), b"new")
    assert not (tmp_path / "missing").exists()
