import json
import os
import tempfile
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from devcluster import leftovers
from devcluster.identity import find


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_scratch_folder_lasts_as_long_as_its_block(temporary: Path) -> None:
    with leftovers.scratch_state() as state:
        state.mkdir()
        leftovers.remove_leftovers()
        assert state.exists()
    assert list(temporary.iterdir()) == []


def test_the_scratch_folder_of_a_killed_process_is_removed(temporary: Path) -> None:
    me = find(os.getpid())
    assert me is not None
    (temporary / "devcluster-dead" / "state").mkdir(parents=True)
    (temporary / "devcluster-dead" / "owner.json").write_text(json.dumps(asdict(replace(me, started=1))))
    (temporary / "devcluster-of-others").mkdir()
    leftovers.remove_leftovers()
    assert [path.name for path in temporary.iterdir()] == ["devcluster-of-others"]
