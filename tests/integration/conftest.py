"""Real clusters for the tests of this folder, one of each kind for the whole run."""

from collections.abc import Iterator

import pytest

import devcluster


@pytest.fixture(scope="session")
def control_plane() -> Iterator[devcluster.Cluster]:
    """A real control plane with S3, without a node."""
    with devcluster.cluster(node=False) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def node_cluster() -> Iterator[devcluster.Cluster]:
    """A real control plane with S3 and a node that claims one GPU; needs root."""
    with devcluster.cluster(node=True, gpus=1) as cluster:
        yield cluster
