"""Two operators at once: one works and the other stands by, whatever happens to either."""

import signal
from collections.abc import Iterator

import pytest

import devcluster
from support.kube import JOBS, Kube, always, eventually
from support.operator_process import OperatorProcess, install
from support.played import Played

NAMESPACE = "operator-lease"
LEADS = "tintype_operator_leader"


@pytest.fixture(scope="module")
def two(
    control_plane: devcluster.Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[OperatorProcess, OperatorProcess]]:
    """One that works and one that stands by."""
    kube = Kube(control_plane.kubeconfig)
    kubeconfig = install(control_plane, kube, [NAMESPACE], tmp_path_factory.mktemp("chart"), {})
    folders = [tmp_path_factory.mktemp("operator") for _ in range(2)]
    first, second = (OperatorProcess(kubeconfig, [NAMESPACE], folder / "log.txt") for folder in folders)
    first.start()
    second.start(until="stands by")
    yield first, second
    for each in (first, second):
        each.stop()
        assert "Traceback" not in each.said()
    kube.must("DELETE", f"apis/tintype.dev/v1alpha1/namespaces/{NAMESPACE}/modelversions")
    kube.close()


@pytest.fixture
def played(control_plane: devcluster.Cluster) -> Iterator[Played]:
    kube = Kube(control_plane.kubeconfig)
    yield Played(kube, NAMESPACE)
    kube.close()


def leaders(*operators: OperatorProcess) -> list[float]:
    return [each.metric(LEADS) for each in operators]


def test_one_works_and_both_are_well(two: tuple[OperatorProcess, OperatorProcess], played: Played) -> None:
    first, second = two
    assert leaders(first, second) == [1, 0]
    assert [each.http("/healthz")[0] for each in two] == [200, 200]
    played.apply("quiet")
    eventually(lambda: played.job("quiet"))
    assert "quiet" in first.said()
    assert "quiet" not in second.said()
    assert second.metric('tintype_operator_api_requests_total{code="201"') == 0


def test_a_frozen_leader_is_replaced_and_does_nothing_when_it_wakes(
    two: tuple[OperatorProcess, OperatorProcess], played: Played
) -> None:
    first, second = two
    first.send(signal.SIGSTOP)
    played.apply("frozen")
    eventually(lambda: played.job("frozen"), within_s=20)
    assert second.metric(LEADS) == 1
    first.send(signal.SIGCONT)
    eventually(lambda: "lost the Lease" in first.said())
    always(lambda: leaders(first, second), lambda found: found == [0, 1], 3)
    assert "frozen: created Job" not in first.said()
    assert len(played.kube.items(JOBS.format(NAMESPACE), labelSelector="tintype.dev/modelversion=frozen")) == 1


def test_a_leader_that_dies_is_replaced_within_20_seconds(
    two: tuple[OperatorProcess, OperatorProcess], played: Played
) -> None:
    first, second = two
    second.kill()
    played.apply("died")
    eventually(lambda: played.job("died"), within_s=20)
    second.start(until="stands by")
    assert leaders(first, second) == [1, 0]


def test_a_leader_that_ends_gives_way_at_once(two: tuple[OperatorProcess, OperatorProcess], played: Played) -> None:
    first, second = two
    first.stop()
    eventually(lambda: second.metric(LEADS) == 1, within_s=5)
    played.apply("given-way")
    eventually(lambda: played.job("given-way"), within_s=5)
    first.start(until="stands by")
