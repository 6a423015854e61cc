"""How an ended version compares with earlier ones of its model, and which ended ones have become too many."""

from dataclasses import replace
from typing import Any

import pytest

from support.decisions import SUCCEEDED, facts, settled
from support.operator_objects import stored_version
from tintype_operator.comparing import compare, surplus
from tintype_operator.facts import VersionFacts
from tintype_operator.observe import observe_version
from tintype_operator.settings import HistorySettings

NOWHERE: dict[str, Any] = {"artifacts": None}


def ended(
    number: int,
    indicator: float | None,
    digest: str | None = "d",
    of: str = "accuracy",
    **status: Any,  # noqa: ANN401
) -> VersionFacts:
    """Return a version that ended in minute `number`."""
    best = {} if indicator is None else {"performanceIndicator": indicator, "performanceIndicatorName": of}
    given = SUCCEEDED | {
        "completionTime": f"2026-11-24T12:{number:02}:00Z",
        "artifacts": {"uri": "s3://models/x"},
        "best": best,
        "dataset": {"validationDigest": digest},
    }
    known = {name: value for name, value in (given | status).items() if value is not None}
    return observe_version(stored_version(name=f"bottles-{number}", uid=f"uid-{number}", status=known))


VERSION = ended(9, 0.9)


@pytest.mark.parametrize(
    ("earlier", "wanted"),
    [
        pytest.param([ended(1, 0.7), ended(2, 0.85), ended(3, 0.8)], ("bottles-2", 0.05), id="better than the best"),
        pytest.param([ended(1, 0.95)], ("bottles-1", -0.05), id="worse"),
        pytest.param([ended(1, 0.9), ended(2, 0.9)], ("bottles-2", 0.0), id="as good as the latest of the best"),
        pytest.param([ended(1, 0.8, digest="other")], None, id="other validation examples"),
        pytest.param([ended(1, 0.8, digest=None)], None, id="unknown validation examples"),
        pytest.param([ended(1, 0.8, of="mAP")], None, id="another indicator"),
        pytest.param([ended(1, None)], None, id="without an indicator"),
        pytest.param([ended(11, 0.99)], None, id="a later one"),
        pytest.param([ended(1, 0.99, phase="Training")], None, id="one that trains"),
        pytest.param([ended(1, 0.99, **NOWHERE)], None, id="one that was not published"),
        pytest.param([], None, id="the first one"),
        pytest.param([VERSION], None, id="itself"),
    ],
)
def test_a_version_compares_with_the_best_earlier_one(
    earlier: list[VersionFacts], wanted: tuple[str, float] | None
) -> None:
    found = compare(VERSION, [*earlier, VERSION])
    assert (None if found is None else (found.best_earlier, found.change)) == wanted


def test_a_comparison_is_written_once_and_stays() -> None:
    given = replace(facts(), version=VERSION, siblings=(VERSION, ended(1, 0.8)))
    status = settled(given).status
    assert status.to_wire()["comparison"] == {"with": "bottles-1", "change": 0.1}
    later = replace(VERSION, status=status)
    assert settled(replace(given, version=later, siblings=(later, ended(2, 0.85)))).status == status


def test_what_was_not_published_or_measured_does_not_compare() -> None:
    for version in (ended(9, None), ended(9, 0.9, **NOWHERE)):
        assert compare(version, [ended(1, 0.8)]) is None


MANY = [ended(1, 0.8), ended(2, 0.95), ended(3, 0.7), ended(4, 0.9), ended(5, None, phase="Failed", **NOWHERE)]


@pytest.mark.parametrize(
    ("history", "gone"),
    [
        (HistorySettings(), []),
        (HistorySettings(limit=5), []),
        (HistorySettings(limit=3), [1]),
        (HistorySettings(limit=3, keep_best=False), [1, 2]),
        (HistorySettings(limit=1), [1, 3, 4]),
        (HistorySettings(limit=1, keep_best=False), [1, 2, 3, 4]),
    ],
)
def test_the_oldest_beyond_the_limit_go_and_the_best_stays(history: HistorySettings, gone: list[int]) -> None:
    unfinished = [ended(number, 0.1, phase="Training") for number in (0, 6)]
    found = surplus([*reversed(MANY), *unfinished], history)
    assert [one.key.name for one in found] == [f"bottles-{number}" for number in gone]


def test_a_version_whose_weights_another_waits_for_stays() -> None:
    found = surplus(MANY, HistorySettings(limit=1), ["bottles-3"])
    assert [one.key.name for one in found] == ["bottles-1", "bottles-4"]
