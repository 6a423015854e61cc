"""The termination message: one JSON object by which the outcome of a Pod survives it."""

import json
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
    document = {"exitCode": outcome.exit_code, "reason": outcome.reason, "message": outcome.message, "stage": stage}
    text = json.dumps(document, ensure_ascii=False)
    excess = len(text.encode()) - TERMINATION_MESSAGE_BYTES
    if excess <= 0:
        return text
    return termination_message(Outcome(outcome.exit_code, outcome.reason, _cut(outcome.message, excess)), stage)


def write_termination_message(path: Path, outcome: Outcome, stage: Stage | None) -> None:
    """Write the message to the file that Kubernetes reads when the container has ended."""
    path.write_text(termination_message(outcome, stage), encoding="utf-8")


def _cut(message: str, excess_bytes: int) -> str:
    encoded = message.removesuffix(ELLIPSIS).encode()
    return encoded[: -(excess_bytes + len(ELLIPSIS))].decode(errors="ignore") + ELLIPSIS
