import os
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

import devcluster
from devcluster import cgroups, clusters, lifetime, numbers
from devcluster.plan import Plan
from support.kube import PODS, Kube, eventually
from support.s3 import s3_client

NAMESPACE = "devcluster"
RESTRICTED = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
CONTAINER_RESTRICTED = {
    "readOnlyRootFilesystem": True,
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
}


@pytest.fixture(scope="module")
def kube(node_cluster: devcluster.Cluster) -> Iterator[Kube]:
    """The API server, with a namespace that enforces Pod Security "restricted"."""
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    with closing(Kube(node_cluster.kubeconfig)) as kube:
        kube.must("POST", "api/v1/namespaces", {"metadata": {"name": NAMESPACE, "labels": labels}})
        account = f"api/v1/namespaces/{NAMESPACE}/serviceaccounts/default"
        eventually(lambda: kube.find(account))
        yield kube


def _create(kube: Kube, name: str, command: list[str], *, namespace: str = NAMESPACE, **resources: str) -> None:
    container = {
        "name": "c",
        "image": "tintype-trainer:dev",
        "command": command,
        "securityContext": CONTAINER_RESTRICTED,
        "resources": {"limits": resources},
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
    }
    spec = {
        "runtimeClassName": "tintype-dev",
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 1,
        "securityContext": RESTRICTED,
        "containers": [container],
        "volumes": [{"name": "tmp", "emptyDir": {}}],
    }
    kube.must("POST", PODS.format(namespace), {"metadata": {"name": name}, "spec": spec})


def _state(kube: Kube, name: str, kind: str, namespace: str = NAMESPACE) -> dict[str, Any]:
    """Wait until the container is `running` or `terminated`; return what its status says of that."""

    def statuses() -> list[dict[str, Any]]:
        found = kube.get(f"{PODS.format(namespace)}/{name}").get("status", {}).get("containerStatuses", [])
        return [status["state"] for status in found]

    state = eventually(statuses, lambda found: any(kind in state for state in found), within_s=120)
    result: dict[str, Any] = state[0][kind]
    return result


def _kubectl(cluster: devcluster.Cluster, *arguments: str) -> str:
    command = [str(cluster.programs / "kubectl"), "--namespace", NAMESPACE, *arguments]
    done = subprocess.run(
        command, env={**os.environ, **cluster.environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return str(done.stdout)


def test_a_restricted_pod_runs_the_projects_python(kube: Kube, node_cluster: devcluster.Cluster) -> None:
    _create(kube, "python", ["python", "-c", "import torch, sys; print(torch.__version__, sys.prefix)"])
    assert _state(kube, "python", "terminated")["exitCode"] == 0, _kubectl(node_cluster, "logs", "python")
    assert _kubectl(node_cluster, "logs", "python").split()[1] == str(Path(sys.prefix).absolute())


def test_a_pod_reaches_the_api_server_by_its_service_and_s3(kube: Kube, node_cluster: devcluster.Cluster) -> None:
    program = f"""
    import os, ssl, urllib.request
    tls = ssl.create_default_context(cafile="/var/run/secrets/kubernetes.io/serviceaccount/ca.crt")
    urllib.request.urlopen("https://%s/version" % os.environ["KUBERNETES_SERVICE_HOST"], context=tls, timeout=20)
    urllib.request.urlopen("{node_cluster.s3_endpoint}/healthz", timeout=20)
    """
    _create(kube, "network", ["python", "-c", textwrap.dedent(program)])
    assert _state(kube, "network", "terminated")["exitCode"] == 0, _kubectl(node_cluster, "logs", "network")


def test_memory_beyond_the_limit_is_oomkilled(kube: Kube) -> None:
    _create(kube, "oom", ["python", "-c", "bytearray(300 << 20)"], memory="64Mi")
    state = _state(kube, "oom", "terminated")
    assert (state["reason"], state["exitCode"]) == ("OOMKilled", 137)


def test_exit_code_and_termination_message_are_in_the_status(kube: Kube) -> None:
    _create(kube, "message", ["sh", "-c", "echo interrupted > /dev/termination-log; exit 75"])
    state = _state(kube, "message", "terminated")
    assert (state["exitCode"], state["message"]) == (75, "interrupted\n")


def test_exec_works_and_the_machines_folders_are_read_only(kube: Kube, node_cluster: devcluster.Cluster) -> None:
    _create(kube, "exec", ["sleep", "600"])
    _state(kube, "exec", "running")
    script = f"id -u; touch /tmp/here && echo written; touch {sys.prefix}/here || echo refused"
    output = _kubectl(node_cluster, "exec", "exec", "--", "sh", "-c", script)
    assert output.split() == ["65532", "written", "refused"]


def test_gpus_are_scheduled_and_an_eviction_ends_a_pod(kube: Kube) -> None:
    node = kube.get("api/v1/nodes/node1")["status"]
    assert (node["capacity"]["nvidia.com/gpu"], node["allocatable"]["nvidia.com/gpu"]) == ("1", "1")
    for name in ("gpu", "waits"):
        _create(kube, name, ["sleep", "600"], **{"nvidia.com/gpu": "1"})
        if name == "gpu":
            _state(kube, "gpu", "running")
    path = PODS.format(NAMESPACE)
    conditions = eventually(lambda: kube.get(f"{path}/waits")["status"].get("conditions", []))
    assert "Insufficient nvidia.com/gpu" in conditions[0]["message"]
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "gpu", "namespace": NAMESPACE}}
    kube.must("POST", f"{path}/gpu/eviction", eviction)
    _state(kube, "waits", "running")
    kube.must("DELETE", f"{path}/waits", gracePeriodSeconds="0")


@pytest.fixture
def owned(tmp_path: Path) -> Iterator[tuple["subprocess.Popen[str]", Path]]:
    """A process that owns a cluster with a node, ready, and the cluster's state folder."""
    program = """
    import sys, time
    from pathlib import Path
    import devcluster
    with devcluster.cluster(Path(sys.argv[1])):
        print("ready", flush=True)
        time.sleep(600)
    """
    command = [sys.executable, "-c", textwrap.dedent(program), str(tmp_path / "state")]
    owner = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    with owner.stdout:
        assert owner.stdout.readline() == "ready\n"
        yield owner, tmp_path / "state"
    owner.kill()
    owner.wait()


def _processes_in(namespace: str) -> list[int]:
    found = []
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and (process / "ns" / "pid").readlink().name == namespace:
                found.append(int(process.name))
        except OSError:  # it has ended meanwhile, or is of a machine around this one
            continue
    return found


def test_sigkill_of_the_owner_leaves_no_process_mount_or_interface(
    owned: tuple["subprocess.Popen[str]", Path],
) -> None:
    owner, state = owned
    plan, init = Plan.read(state), lifetime.read_processes(state)[-1].pid
    namespace = Path(f"/proc/{init}/ns/pid").readlink().name
    with closing(Kube(plan.admin_kubeconfig)) as kube:
        _create(kube, "running", ["sleep", "600"], namespace="default")
        _state(kube, "running", "running", "default")
    assert len(_processes_in(namespace)) > 8
    assert Path("/sys/class/net", plan.interface).exists()
    groups = _groups(plan.number)
    assert groups

    with closing(_unread_download(clusters.Cluster(plan))):
        owner.send_signal(signal.SIGKILL)
        eventually(lambda: not _processes_in(namespace))
        eventually(lambda: not Path("/sys/class/net", plan.interface).exists())

    eventually(lambda: not numbers.is_held(plan.number))
    assert str(state) not in Path("/proc/self/mountinfo").read_text()
    sentence, runs = clusters.status(state)
    assert (runs, "has ended: it was killed" in sentence) == (False, True)
    assert not [group for group in groups if group.exists()]


def _unread_download(cluster: devcluster.Cluster) -> socket.socket:
    """Begin to read 64 MB from the cluster's S3 server, and read none of it: the server cannot send its words."""
    s3 = s3_client(cluster)
    s3.create_bucket(Bucket="large")
    s3.put_object(Bucket="large", Key="object", Body=bytes(64_000_000))
    url = urlsplit(s3.generate_presigned_url("get_object", {"Bucket": "large", "Key": "object"}))
    assert url.hostname is not None
    connection = socket.create_connection((url.hostname, url.port))
    connection.sendall(f"GET {url.path}?{url.query} HTTP/1.1\r\nHost: {url.netloc}\r\n\r\n".encode())
    assert connection.recv(4096).startswith(b"HTTP/1.1 200")
    return connection


def _groups(number: int) -> list[Path]:
    mount_points = cgroups.mount_points(Path("/proc/self/mountinfo").read_text())
    paths = [Path(mount_point) / cgroups.group_name(number) for mount_point in mount_points]
    return [path for path in paths if path.exists()]


def test_two_boxes_stand_side_by_side(node_cluster: devcluster.Cluster, tmp_path: Path) -> None:
    with devcluster.cluster(tmp_path / "state", gpus=3) as second:
        assert [_gpus(cluster) for cluster in (node_cluster, second)] == ["1", "3"]
        groups = _groups(second.plan.number)
    assert not [group for group in groups if group.exists()]
    assert _gpus(node_cluster) == "1"


def _gpus(cluster: devcluster.Cluster) -> str:
    with closing(Kube(cluster.kubeconfig)) as kube:
        return str(kube.get("api/v1/nodes/node1")["status"]["capacity"]["nvidia.com/gpu"])
