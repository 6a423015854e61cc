"""Times as they are stored, readable or not."""

import pytest

from tintype_operator.clock import seconds_between, timestamp


@pytest.mark.parametrize(
    ("earlier", "later", "seconds"),
    [
        ("2026-11-29T12:00:00Z", "2026-11-29T12:01:30Z", 90.0),
        ("2026-11-29T12:00:00Z", "2026-11-29T13:00:01.5+01:00", 1.5),
        ("2026-11-29T12:00:00", "2026-11-29T12:00:02Z", 2.0),
        ("2026-11-29T12:01:00Z", "2026-11-29T12:00:00Z", 0.0),
        ("s3://", "2026-11-29T12:00:00Z", 0.0),
        ("2026-11-29T12:00:00Z", "", 0.0),
    ],
)
def test_seconds_between(earlier: str, later: str, seconds: float) -> None:
    assert seconds_between(earlier, later) == seconds


def test_a_timestamp_is_in_seconds_since_1970_if_it_is_one() -> None:
    assert timestamp("1970-01-01T00:01:00Z") == 60.0
    assert timestamp("s3://") is None
