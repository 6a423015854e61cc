"""Real clusters for the tests of this folder, one of each kind for the whole run."""

from collections.abc import Iterator

import pytest

import devcluster


@pytest.fixture(scope="session")
def control_plane() -> Iterator[devcluster.Cluster]:
    """A real control plane with S3, without a node."""
    with devcluster.cluster(node=False) as cluster:
        yield cluster
