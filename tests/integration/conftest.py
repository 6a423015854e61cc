"""Real clusters for the tests of this folder, one of each kind for the whole run, and an operator for a module."""

from collections.abc import Iterator

import pytest

import devcluster
from support.kube import Kube
from support.operator_process import OperatorProcess, install
from support.platform import Platform, installed
from support.played import Played


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


@pytest.fixture(scope="session")
def platform(node_cluster: devcluster.Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """The cluster with the node, tintype installed in it by its chart, and shapes in its bucket."""
    with installed(node_cluster, tmp_path_factory.mktemp("shapes")) as platform:
        yield platform


@pytest.fixture(scope="module")
def operator(
    request: pytest.FixtureRequest, control_plane: devcluster.Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OperatorProcess]:
    """An operator for the module's NAMESPACE, with the chart's VALUES and the SETTINGS that the module may have."""
    namespace = request.module.NAMESPACE
    values, settings = (getattr(request.module, name, {}) for name in ("VALUES", "SETTINGS"))
    folder = tmp_path_factory.mktemp("operator")
    kube = Kube(control_plane.kubeconfig)
    kubeconfig = install(control_plane, kube, [namespace], folder, values)
    process = OperatorProcess(kubeconfig, [namespace], folder / "log.txt", settings)
    process.start()
    yield process
    process.stop()
    assert "Traceback" not in process.said(), process.said()
    kube.must("DELETE", f"apis/tintype.dev/v1alpha1/namespaces/{namespace}/modelversions")
    kube.close()


@pytest.fixture
def played(
    request: pytest.FixtureRequest, control_plane: devcluster.Cluster, operator: OperatorProcess
) -> Iterator[Played]:
    """The module's namespace, with the kubelet and the trainer played."""
    kube = Kube(control_plane.kubeconfig)
    yield Played(kube, request.module.NAMESPACE)
    kube.close()
