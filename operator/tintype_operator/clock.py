"""Times as Kubernetes writes them."""

from datetime import UTC, datetime


def now() -> str:
    """Return the time in RFC 3339, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def timestamp(time: str) -> float | None:
    """Return a time as seconds since 1970; None where it is none, since a stored status may hold anything."""
    parsed = _parsed(time)
    return None if parsed is None else parsed.timestamp()


def seconds_between(earlier: str, later: str) -> float:
    """Return the seconds from one time to another, at least 0; 0 where either is no time."""
    first, second = _parsed(earlier), _parsed(later)
    return 0.0 if first is None or second is None else max(0.0, (second - first).total_seconds())


def _parsed(time: str) -> datetime | None:
    try:
        parsed = datetime.fromisoformat(time)
    except ValueError:
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
