"""The termination message: one JSON object by which the outcome of a Pod survives it."""

import json
from bisect import bisect
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tintype_api.constants import TERMINATION_MESSAGE_BYTES, Reason, Stage

ELLIPSIS: Final = " ..."


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended.

    Attributes:
        exit_code: The process' exit code.
        reason: As conditions and Events show it.
        message: One sentence.
    """

    exit_code: int
    reason: Reason
    message: str


def termination_message(outcome: Outcome, stage: Stage | None) -> str:
    """Return the message as JSON of at most 4 KiB of UTF-8; a sentence that is too long is cut."""
    whole = _json(outcome, outcome.message, stage)
    if _fits(whole):
        return whole
    too_long = bisect(range(len(outcome.message)), 0, key=lambda end: not _fits(_cut(outcome, end, stage)))
    return _cut(outcome, too_long - 1, stage)


def write_termination_message(path: Path, outcome: Outcome, stage: Stage | None) -> None:
    """Write the message to the file that Kubernetes reads when the container has ended."""
    path.write_text(termination_message(outcome, stage), encoding="utf-8", errors="backslashreplace")


def read_termination_message(path: Path) -> Outcome | None:
    """Return the outcome in a file that `write_termination_message` has written; None where there is none."""
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        return Outcome(said["exitCode"], Reason(said["reason"]), said["message"])
    except (OSError, ValueError, KeyError):
        return None


def _cut(outcome: Outcome, end: int, stage: Stage | None) -> str:
    return _json(outcome, outcome.message[:end] + ELLIPSIS, stage)


def _json(outcome: Outcome, sentence: str, stage: Stage | None) -> str:
    document = {"exitCode": outcome.exit_code, "reason": outcome.reason, "message": sentence, "stage": stage}
    return json.dumps(document, ensure_ascii=False)


def _fits(text: str) -> bool:
    return len(text.encode(errors="backslashreplace")) <= TERMINATION_MESSAGE_BYTES
