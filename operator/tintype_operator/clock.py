"""Times as Kubernetes writes them."""

from datetime import UTC, datetime


def now() -> str:
    """Return the time in RFC 3339, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def timestamp(time: str) -> float:
    """Return a time as seconds since 1970."""
    return datetime.fromisoformat(time).timestamp()


def seconds_between(earlier: str, later: str) -> float:
    """Return the seconds from one time to another, at least 0."""
    return max(0.0, (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds())
