"""`make cluster-demo` on a cluster that it has not made: it installs, trains, and leaves nothing behind."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import devcluster
from demo import seaweedfs
from devcluster.images import Image, archive, layer

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def cluster(images: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[devcluster.Cluster]:
    """A cluster with names for Pods, the images, and SeaweedFS under the name that its makers give it."""
    weed = (Path(sys.prefix) / "bin" / "weed").read_bytes()
    s3 = tmp_path_factory.mktemp("s3") / "seaweedfs.tar"
    s3.write_bytes(archive([Image(seaweedfs.IMAGE, layer({}, {"usr/bin/weed": weed}))]))
    with devcluster.cluster(addons=("coredns",), images=(*images.values(), s3)) as cluster:
        yield cluster


def demo(cluster: devcluster.Cluster, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the demo as a user does, without a terminal."""
    path = f"{cluster.programs}:{os.environ['PATH']}"
    return subprocess.run(
        [sys.executable, "-m", "demo.own_cluster", *arguments],
        cwd=ROOT,
        env={**os.environ, "KUBECONFIG": str(cluster.kubeconfig), "PATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )


def things(cluster: devcluster.Cluster) -> list[str]:
    """Return what there is of the kinds that the demo installs."""
    kinds = "crd,namespace,clusterrole,clusterrolebinding,validatingadmissionpolicy,validatingadmissionpolicybinding"
    command = [str(cluster.programs / "kubectl"), "get", kinds, "--output=name"]
    environment = {**os.environ, **cluster.environment}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.split()


def test_it_refuses_what_it_cannot_do(cluster: devcluster.Cluster) -> None:
    before = things(cluster)
    for arguments, said in (
        (["--context="], "No context is named"),
        (["--context=nowhere"], "There is no context nowhere in the kubeconfig"),
        ([f"--context={context(cluster)}"], "There is no terminal to ask in: say YES=1"),
    ):
        done = demo(cluster, *arguments)
        assert done.returncode == 1
        assert said in done.stdout
        assert "Traceback" not in done.stdout + done.stderr
    assert things(cluster) == before


def test_it_trains_and_leaves_nothing_behind(cluster: devcluster.Cluster) -> None:
    before = things(cluster)
    done = demo(cluster, f"--context={context(cluster)}", "--yes")
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Succeeded" in done.stdout
    assert things(cluster) == before


def context(cluster: devcluster.Cluster) -> str:
    """Return the name of the kubeconfig's context."""
    command = [str(cluster.programs / "kubectl"), "config", "current-context", f"--kubeconfig={cluster.kubeconfig}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
