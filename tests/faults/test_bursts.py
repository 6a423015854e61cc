"""Many versions, and faults meanwhile: none is lost, none gets a second Job, and each ends as its own life has it."""

import itertools
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import devcluster
from support.burst import Burst
from support.faulty_proxy import FaultyProxy, Troubles
from support.kube import Kube, eventually
from support.operator_process import OperatorProcess, install

NUMBERS = itertools.count()


class Scene:
    """A namespace of the cluster, and operators for it."""

    def __init__(self, cluster: devcluster.Cluster, folder: Path, count: int) -> None:
        self.cluster = cluster
        self.folder = folder
        self.namespace = f"faults-{next(NUMBERS)}"
        kube = Kube(cluster.kubeconfig)
        self.kubeconfig = install(cluster, kube, [self.namespace], folder, {})
        kube.close()
        self.operators: list[OperatorProcess] = []
        self.burst = Burst(cluster.kubeconfig, self.namespace, count)

    def operator(self, kubeconfig: Path | None = None) -> OperatorProcess:
        """Return an operator that is not started."""
        folder = self.folder / f"operator-{len(self.operators)}"
        folder.mkdir()
        operator = OperatorProcess(kubeconfig or self.kubeconfig, [self.namespace], folder / "log.txt")
        self.operators.append(operator)
        return operator

    @contextmanager
    def meanwhile(self, fault: Callable[[threading.Event], None]) -> Iterator[None]:
        """Do something again and again in the background."""
        stopped = threading.Event()
        thread = threading.Thread(target=fault, args=(stopped,))
        thread.start()
        try:
            yield
        finally:
            stopped.set()
            thread.join(120)
        assert not thread.is_alive()

    def survive(self, within_s: float = 300) -> None:
        """Apply the burst, and check how it ends."""
        with self.burst as burst:
            burst.apply()
            burst.wait(within_s)
            burst.check()


@pytest.fixture
def scene(fragile: devcluster.Cluster, tmp_path: Path, full: bool) -> Iterator[Scene]:
    scene = Scene(fragile, tmp_path, 200 if full else 40)
    yield scene
    for operator in scene.operators:
        operator.stop()
        assert "Traceback" not in operator.said(), operator.said()


def test_an_operator_that_is_killed_again_and_again(scene: Scene, full: bool) -> None:
    operator, draw, times = scene.operator(), random.Random(0), 20 if full else 5
    operator.start()
    killed = []

    def kill(_: threading.Event) -> None:
        for number in range(1, times + 1):
            time.sleep(draw.uniform(0.3, 2.5))
            operator.kill()
            killed.append(number)
            operator.start(wait=number == times)

    with scene.meanwhile(kill):
        scene.survive()
    assert len(killed) == times


@pytest.mark.parametrize("program", ["kube-apiserver", "etcd"])
def test_a_control_plane_that_is_away_again_and_again(scene: Scene, program: str, full: bool) -> None:
    scene.operator().start()

    def restart(stopped: threading.Event) -> None:
        for _ in range(5 if full else 2):
            stopped.wait(3)
            with scene.cluster.paused(program):
                time.sleep(4)

    with scene.meanwhile(restart):
        scene.survive()


def test_an_api_server_that_refuses_delays_loses_answers_and_cuts_watches(scene: Scene) -> None:
    with FaultyProxy(scene.kubeconfig, Troubles()) as proxy:
        operator = scene.operator(proxy.kubeconfig_for(scene.kubeconfig, scene.folder / "proxy.kubeconfig"))
        operator.start()
        scene.survive()
        assert proxy.done.keys() == {"slow", "429", "500", "409", "lost", "cut"}
        operator.stop()


def test_two_operators_of_which_the_leader_is_frozen(scene: Scene, full: bool) -> None:
    first, second = scene.operator(), scene.operator()
    first.start()
    second.start(until="stands by")

    def freeze(stopped: threading.Event) -> None:
        leader, other = first, second
        for _ in range(3 if full else 1):
            stopped.wait(1)
            leader.send(signal.SIGSTOP)
            eventually(lambda: other.metric("tintype_operator_leader") == 1, within_s=30)  # noqa: B023
            stopped.wait(1)
            leader.send(signal.SIGCONT)
            leader, other = other, leader

    with scene.meanwhile(freeze):
        scene.survive()
