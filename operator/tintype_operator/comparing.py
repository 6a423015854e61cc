"""Versions of one model beside each other: which was the best, and which have become too many. Pure."""

from collections.abc import Iterable

from tintype_api.status import Comparison
from tintype_operator.facts import VersionFacts
from tintype_operator.settings import HistorySettings

_DIGITS = 6
"""Of the performance indicators that the trainer reports."""


def compare(version: VersionFacts, siblings: Iterable[VersionFacts]) -> Comparison | None:
    """Return how a published version compares with the best that had ended before; None where there is none.

    Only the same performance indicator of the same validation examples compares. Once made, a comparison stays.

    Args:
        version: A version that has ended.
        siblings: The versions of its model.
    """
    indicator = version.figures.performance_indicator
    if version.status.comparison is not None or indicator is None or not version.published:
        return version.status.comparison
    earlier = [one for one in siblings if _compares(version, one)]
    best = _best(earlier)
    if best is None or best.figures.performance_indicator is None:
        return None
    change = round(indicator - best.figures.performance_indicator, _DIGITS)
    return Comparison(best_earlier=best.key.name, change=change)


def surplus(
    siblings: Iterable[VersionFacts], history: HistorySettings, needed: Iterable[str] = ()
) -> tuple[VersionFacts, ...]:
    """Return the ended versions that the history has no room for, oldest first.

    Args:
        siblings: The versions of a model in a namespace.
        history: The settings.
        needed: Names of versions whose weights others are about to start from.
    """
    if history.limit is None:
        return ()
    ended = sorted((one for one in siblings if one.ended and not one.deleting), key=_end)
    beyond = ended[: -history.limit]
    kept = set(needed)
    best = _best([one for one in ended if one.published]) if history.keep_best else None
    return tuple(one for one in beyond if one is not best and one.key.name not in kept)


def _compares(version: VersionFacts, other: VersionFacts) -> bool:
    return (
        other.uid != version.uid
        and other.ended
        and other.published
        and _end(other) <= _end(version)
        and other.validation_digest is not None
        and other.validation_digest == version.validation_digest
        and other.figures.performance_indicator_name == version.figures.performance_indicator_name
    )


def _best(versions: Iterable[VersionFacts]) -> VersionFacts | None:
    """Return the version with the highest indicator, the latest of several; None where none has one."""
    known = [one for one in versions if one.figures.performance_indicator is not None]
    return max(known, key=lambda one: (one.figures.performance_indicator or 0.0, _end(one)), default=None)


def _end(version: VersionFacts) -> tuple[str, str]:
    return version.status.completion_time or version.created_at, version.key.name
