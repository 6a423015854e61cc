"""From the states of a version in a cluster to what a console shows: the view of `tintype run`. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import ValidationError

from tintype_api.constants import TERMINAL_PHASES, Condition, Phase, Stage
from tintype_api.errors import UserError, data_error
from tintype_api.status import ModelVersionStatus

SENTENCES: Final = (Condition.WAITING, Condition.RETRYING)
STAGES: Final = frozenset(stage.value for stage in Stage)


def status_of(document: Mapping[str, Any]) -> ModelVersionStatus:
    """Return the status of a ModelVersion; fields that a newer tintype has added are passed over.

    Raises:
        UserError: exit 65 where it is none that this tintype knows.
    """
    try:
        return ModelVersionStatus.model_validate(document.get("status") or {}, extra="ignore")
    except ValidationError as error:
        raise _unknown(document) from error


def notes(before: ModelVersionStatus, now: ModelVersionStatus) -> Iterator[str]:
    """Yield what the operator says that it did not say before: a phase in which no Pod runs, and why nothing runs."""
    phase = now.phase
    if phase and phase != before.phase and phase not in STAGES and phase not in TERMINAL_PHASES:
        yield phase.lower() + (f", attempt {now.attempt}" if now.attempt and now.attempt > 1 else "")
    for kind in SENTENCES:
        sentence = _sentence(now, kind)
        if sentence and sentence != _sentence(before, kind):
            yield f"{kind.lower()}: {sentence}"


def steps(before: ModelVersionStatus, now: ModelVersionStatus) -> Iterator[ModelVersionStatus]:
    """Yield what a console is to be shown one after the other: one state for each new epoch, the last being `now`.

    The stage is what the operator says: after a Pod was lost, the trainer's own field still has that one's.
    """
    stage = Stage(now.phase.value) if now.phase and now.phase.value in STAGES else None
    shown = now.model_copy(update={"stage": stage})
    known = before.history[-1].iteration if before.history else 0
    new = [place for place, entry in enumerate(now.history) if entry.iteration > known]
    for place in new[:-1]:
        progress = now.progress and now.progress.model_copy(update={"examples_per_second": None})
        # What is known only of the whole comes with the last.
        yield shown.model_copy(update={"history": now.history[: place + 1], "progress": progress, "metrics": None})
    yield shown


def is_urgent(before: ModelVersionStatus, now: ModelVersionStatus) -> bool:
    """Return whether there is more to tell than a step."""
    return any(
        getattr(before, name) != getattr(now, name) for name in ("phase", "stage", "dataset", "history", "artifacts")
    )


def ending(name: str, status: ModelVersionStatus) -> tuple[str, bool] | None:
    """Return the last sentence of a version that has ended, and whether it ended well; None while it has not."""
    if status.phase not in TERMINAL_PHASES:
        return None
    well = status.phase is not Phase.FAILED
    sentence = _sentence(status, Condition.COMPLETE if well else Condition.FAILED)
    words = {Phase.SUCCEEDED: "has succeeded", Phase.STOPPED: "was stopped", Phase.FAILED: "has failed"}
    said = f"{name} {words[status.phase]}"
    return (f"{said}: {sentence}" if sentence else said), well


def _sentence(status: ModelVersionStatus, kind: Condition) -> str | None:
    return next((each.message for each in status.conditions if each.type == kind and each.status == "True"), None)


def _unknown(document: Mapping[str, Any]) -> UserError:
    name = (document.get("metadata") or {}).get("name", "the ModelVersion")
    return data_error(f"{name}: its status is none that this tintype knows; use the tintype of the cluster's operator")
