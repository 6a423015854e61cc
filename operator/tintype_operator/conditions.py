"""Conditions of a ModelVersion: setting one, with a transition time that changes only on transitions. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from tintype_api.constants import Condition
from tintype_api.status import StatusCondition

MESSAGE_LENGTH: Final = 4096
REASON_LENGTH: Final = 256

Conditions = tuple[StatusCondition, ...]


@dataclass(frozen=True)
class Because:
    """A reason, one word for programs, and a message, one sentence for people."""

    reason: str
    message: str


def find(conditions: Iterable[StatusCondition], kind: Condition) -> StatusCondition | None:
    """Return the condition of a type, or None."""
    return next((one for one in conditions if one.type == kind), None)


def holds(conditions: Iterable[StatusCondition], kind: Condition) -> bool:
    """Return whether the condition is there and True."""
    found = find(conditions, kind)
    return found is not None and found.status == "True"


def with_condition(
    conditions: Conditions, kind: Condition, *, true: bool, because: Because, now: str, generation: int
) -> Conditions:
    """Return the conditions with one of them set, in its place or at the end."""
    before = find(conditions, kind)
    status = "True" if true else "False"
    after = StatusCondition(
        type=kind.value,
        status=status,
        reason=because.reason[:REASON_LENGTH],
        message=shortened(because.message, MESSAGE_LENGTH),
        last_transition_time=before.last_transition_time if before and before.status == status else now,
        observed_generation=generation,
    )
    if before is None:
        return (*conditions, after)
    return tuple(after if one is before else one for one in conditions)


def without_truth(
    conditions: Conditions, kind: Condition, *, because: Because, now: str, generation: int
) -> Conditions:
    """Return the conditions with one of them False, if it was ever set."""
    if find(conditions, kind) is None:
        return conditions
    return with_condition(conditions, kind, true=False, because=because, now=now, generation=generation)


def shortened(text: str, length: int) -> str:
    """Return the text, cut with an ellipsis where it is longer than `length` characters."""
    return text if len(text) <= length else text[: length - 1] + "…"
