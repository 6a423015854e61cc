"""A control plane whose parts are killed, and whether faults are tried in full."""

from collections.abc import Iterator

import pytest

import devcluster


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --full."""
    parser.addoption("--full", action="store_true", help="try faults in full, as `make faults` does, not a sample")


@pytest.fixture(scope="session")
def full(request: pytest.FixtureRequest) -> bool:
    """Whether faults are tried in full."""
    return bool(request.config.getoption("--full", default=False))


@pytest.fixture(scope="session")
def fragile() -> Iterator[devcluster.Cluster]:
    """A control plane of which nobody expects that it stands."""
    with devcluster.cluster(node=False) as cluster:
        yield cluster
