import textwrap
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

import devcluster
from support.kube import JOBS, PODS, Kube, eventually

PROGRAM = """
import os, socket, time
def found(name):
    for _ in range(300):
        try:
            return socket.gethostbyname(name)
        except socket.gaierror:
            time.sleep(0.1)
    raise SystemExit(f"{name} has no address")
other = "names-" + str(1 - int(os.environ["JOB_COMPLETION_INDEX"]))
assert found(other + ".names") == found(other + ".names.default.svc.cluster.local") != found(socket.gethostname())
assert found("kubernetes.default") == os.environ["KUBERNETES_SERVICE_HOST"]
try:
    socket.gethostbyname("elsewhere.example.com")
except socket.gaierror as error:
    assert error.errno == socket.EAI_NONAME, error
else:
    raise SystemExit("a name outside of the cluster has an address")
with socket.create_server(("", 4000)):
    while True:
        try:
            socket.create_connection((other + ".names", 4000), timeout=5).close()
            break
        except OSError:
            time.sleep(0.1)
    time.sleep(3)
"""


@pytest.fixture(scope="module")
def kube() -> Iterator[Kube]:
    """The API server of a cluster with a node and CoreDNS."""
    with devcluster.cluster(addons=("coredns",)) as cluster, closing(Kube(cluster.kubeconfig)) as kube:
        yield kube


def _indexed_job() -> dict[str, Any]:
    container = {"name": "c", "image": "tintype-trainer:dev", "command": ["python", "-c", textwrap.dedent(PROGRAM)]}
    pod = {
        "runtimeClassName": "tintype-dev",
        "restartPolicy": "Never",
        "subdomain": "names",
        "containers": [container],
    }
    spec = {
        "completionMode": "Indexed",
        "completions": 2,
        "parallelism": 2,
        "backoffLimit": 0,
        "template": {"metadata": {"labels": {"app": "names"}}, "spec": pod},
    }
    return {"metadata": {"name": "names"}, "spec": spec}


def test_two_pods_of_an_indexed_job_find_each_other_by_name(kube: Kube) -> None:
    service = {"clusterIP": "None", "selector": {"app": "names"}, "publishNotReadyAddresses": True}
    kube.must("POST", "api/v1/namespaces/default/services", {"metadata": {"name": "names"}, "spec": service})
    kube.must("POST", JOBS.format("default"), _indexed_job())
    conditions = eventually(
        lambda: kube.get(f"{JOBS.format('default')}/names").get("status", {}).get("conditions", []),
        lambda found: any(one["type"] in {"Complete", "Failed"} for one in found),
        within_s=90,
    )
    pods = kube.items(PODS.format("default"))
    assert "Complete" in [one["type"] for one in conditions], [pod["status"] for pod in pods]
    assert len({pod["status"]["podIP"] for pod in pods}) == 2
