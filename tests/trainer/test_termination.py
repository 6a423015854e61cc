import errno
import json
from pathlib import Path

import pytest
import torch

from tintype_api.constants import Reason, Stage
from tintype_api.errors import data_error
from tintype_trainer.interruption import Interrupted
from tintype_trainer.reporting.failures import is_ours, outcome_of
from tintype_trainer.reporting.termination import Outcome, termination_message, write_termination_message


def test_the_message(tmp_path: Path) -> None:
    write_termination_message(tmp_path / "log", Outcome(65, Reason.DATA_ERROR, "line 3 is wrong"), Stage.PREPARING)
    assert json.loads((tmp_path / "log").read_text()) == {
        "exitCode": 65,
        "reason": "DataError",
        "message": "line 3 is wrong",
        "stage": "Preparing",
    }


@pytest.mark.parametrize("letter", ["x", "ü", "字", '"', "\x01", "🙂"])
def test_a_long_sentence_is_cut_to_four_kibibytes(letter: str) -> None:
    message = termination_message(Outcome(1, Reason.CRASHED, letter * 10_000), None)
    assert 3500 < len(message.encode()) <= 4096
    assert json.loads(message)["message"].startswith(letter * 100)
    assert json.loads(message)["message"].endswith(" ...")


@pytest.mark.parametrize(
    ("error", "exit_code", "reason", "words", "ours"),
    [
        (data_error("line 3 is wrong"), 65, Reason.DATA_ERROR, "line 3 is wrong", False),
        (Interrupted(), 75, Reason.INTERRUPTED, "SIGTERM", False),
        (OSError(errno.ENOSPC, "full", "/cache/x"), 78, Reason.ENVIRONMENT, "/cache/x cannot be written", False),
        (MemoryError(), 1, Reason.CRASHED, "raise compute.memory", False),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), 1, Reason.CRASHED, "compute.memory", False),
        (torch.OutOfMemoryError("CUDA"), 1, Reason.GPU_OUT_OF_MEMORY, "lower training.batchSize", False),
        (KeyError("x"), 1, Reason.CRASHED, "the trainer crashed: KeyError: 'x'", True),
        (ValueError("one\ntwo"), 1, Reason.CRASHED, "the trainer crashed: ValueError: one", True),
        (OSError(errno.EIO, "bad"), 1, Reason.CRASHED, "the trainer crashed: OSError", True),
    ],
)
def test_outcomes(error: Exception, exit_code: int, reason: Reason, words: str, ours: bool) -> None:
    outcome = outcome_of(error)
    assert (outcome.exit_code, outcome.reason, is_ours(error)) == (exit_code, reason, ours)
    assert words in outcome.message
    assert "\n" not in outcome.message
