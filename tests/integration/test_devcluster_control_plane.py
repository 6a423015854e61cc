import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, TypeAlias

import boto3
import pytest
from botocore.exceptions import ClientError

import devcluster
from devcluster import clusters
from devcluster.apiclient import ApiClient
from support.kube import Kube, eventually
from support.s3 import s3_client

S3: TypeAlias = Any  # boto3 makes its clients' classes at run time


@pytest.fixture
def s3(control_plane: devcluster.Cluster) -> S3:
    return s3_client(control_plane)


@pytest.fixture
def kube(control_plane: devcluster.Cluster) -> Iterator[Kube]:
    with closing(Kube(control_plane.kubeconfig)) as kube:
        yield kube


def _run(
    command: Sequence[str | Path], environment: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    variables = {**os.environ, **(environment or {})}
    return subprocess.run(command, env=variables, capture_output=True, text=True, check=False)


def test_the_api_server_is_kubernetes_1_37(kube: Kube) -> None:
    version = kube.get("version")
    assert (version["major"], version["minor"]) == ("1", "37")


def test_kubectl_of_the_programs_reaches_it(control_plane: devcluster.Cluster) -> None:
    command = [str(control_plane.programs / "kubectl"), "get", "namespaces", "-o", "name"]
    done = _run(command, control_plane.environment)
    assert "namespace/default" in done.stdout, done.stderr


def test_controllers_make_pods_of_a_job(kube: Kube) -> None:
    pod = {"restartPolicy": "Never", "containers": [{"name": "c", "image": "none"}]}
    job = {"metadata": {"generateName": "controllers-"}, "spec": {"template": {"spec": pod}}}
    name = kube.must("POST", "apis/batch/v1/namespaces/default/jobs", job)["metadata"]["name"]
    pods = "api/v1/namespaces/default/pods"
    assert len(eventually(lambda: kube.items(pods, labelSelector=f"job-name={name}"))) == 1


def test_s3_keeps_what_is_put(s3: S3) -> None:
    s3.create_bucket(Bucket="devcluster-kept")
    s3.put_object(Bucket="devcluster-kept", Key="folder/file", Body=b"content")
    assert s3.get_object(Bucket="devcluster-kept", Key="folder/file")["Body"].read() == b"content"


def test_s3_creates_only_where_nothing_is_when_asked_to(s3: S3) -> None:
    s3.create_bucket(Bucket="devcluster-once")
    s3.put_object(Bucket="devcluster-once", Key="file", Body=b"first", IfNoneMatch="*")
    with pytest.raises(ClientError, match="PreconditionFailed"):
        s3.put_object(Bucket="devcluster-once", Key="file", Body=b"second", IfNoneMatch="*")


def test_s3_makes_no_bucket_by_itself_and_knows_no_other_key(s3: S3, control_plane: devcluster.Cluster) -> None:
    with pytest.raises(ClientError, match="NoSuchBucket"):
        s3.put_object(Bucket="devcluster-absent", Key="file", Body=b"content")
    stranger = boto3.client(
        "s3",
        endpoint_url=control_plane.s3_endpoint,
        aws_access_key_id=control_plane.environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key="wrong",
        region_name="us-east-1",
    )
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        stranger.list_buckets()


def test_a_paused_api_server_is_away_and_comes_back(tmp_path: Path) -> None:
    with devcluster.cluster(tmp_path / "state", node=False) as cluster:
        client = ApiClient(cluster.plan)
        with cluster.paused("kube-apiserver"):
            eventually(lambda: not client.answers("/readyz"))
        eventually(lambda: client.answers("/readyz"), within_s=60)
        cluster.check()


def test_a_process_that_ends_by_itself_ends_the_cluster_and_is_named(tmp_path: Path) -> None:
    def use() -> None:
        with devcluster.cluster(tmp_path / "state", node=False) as cluster:
            _kill_child(cluster, "etcd")
            eventually(lambda: not clusters.is_running(cluster.plan.state))

    with pytest.raises(
        devcluster.DevclusterError, match=r"etcd was killed by SIGKILL.*the last line of .*logs/etcd\.log is: "
    ):
        use()


def _kill_child(cluster: devcluster.Cluster, name: str) -> None:
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                arguments = (process / "cmdline").read_bytes().split(b"\0")
            except (FileNotFoundError, ProcessLookupError):
                continue
            if arguments[0] == name.encode() and str(cluster.plan.state).encode() in b" ".join(arguments):
                os.kill(int(process.name), 9)


def test_up_status_and_down_as_a_user_types_them(tmp_path: Path) -> None:
    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return _run([Path(sys.prefix) / "bin" / "devcluster", *arguments, "--state", tmp_path / "state"])

    up = run("up", "--no-node")
    try:
        assert up.returncode == 0, up.stderr
        assert all(line.startswith("export ") for line in up.stdout.splitlines())
        kubectl = ["bash", "-c", f"{up.stdout}\nkubectl get namespace default -o name"]
        assert _run(kubectl).stdout == "namespace/default\n"
        assert "runs: API server https://127.0.0.1" in run("status").stdout
        assert "runs in" in run("up", "--no-node").stderr
    finally:
        down = run("down")
    assert down.returncode == 0, down.stderr
    assert [path.name for path in (tmp_path / "state").iterdir()] == ["logs"]
    assert run("status").returncode == 1
