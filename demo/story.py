"""What the demo does, from an empty folder to a published version."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

import devcluster
from demo import wording
from demo.bucket import MODELS, Bucket
from demo.console import Console, duration, size
from demo.errors import DemoError
from demo.follow import follow
from demo.install import install
from demo.tools import Tools
from devcluster import Cluster, clusters
from tintype_api.status import ModelVersionStatus

EXAMPLE = Path("examples") / "pv-cells.yaml"
ROOT = Path(__file__).parents[1]


def tell(state: Path, epochs: float | None, *, keep: bool, console: Console) -> None:
    """Run the demo.

    Args:
        state: Folder of the cluster's files.
        epochs: Train for so many epochs instead of as the example says.
        keep: Leave the cluster running.
        console: Where to tell.

    Raises:
        DemoError, UserError, DevclusterError: One sentence each.
    """
    started = time.monotonic()
    console.say(f"Starting a Kubernetes of its own on this machine, and an S3 server, in {state}.")
    with _running(state, console, keep=keep) as cluster:
        os.environ.update({key: value for key, value in cluster.environment.items() if key.startswith("AWS_")})
        tools = Tools(cluster.programs, cluster.environment, console)
        bucket = Bucket(cluster.environment)
        console.say("Putting photographs of solar cells and ImageNet weights into the bucket.")
        bucket.fill(console)
        console.say("Installing the operator: helm install tintype helm/tintype --namespace tintype-system ...")
        install(tools, cluster.environment)
        name = _apply(tools, epochs, console)
        status = follow(tools, cluster.check, name, console)
        _report(tools, bucket, status, console)
        console.say(f"The demo took {duration(time.monotonic() - started)}.")


@contextmanager
def _running(state: Path, console: Console, *, keep: bool) -> Iterator[Cluster]:
    if not keep:
        with devcluster.cluster(state, say=console.say) as cluster:
            yield cluster
        return
    cluster = clusters.up(state, kept=True, say=console.say)
    try:
        yield cluster
    finally:
        for line in _how_to_go_on(cluster):
            console.say(line)


def _how_to_go_on(cluster: Cluster) -> Iterator[str]:
    yield "The cluster is kept. To use kubectl, helm and the S3 server:"
    for name in ("KUBECONFIG", "AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"):
        yield f"  export {name}={cluster.environment[name]}"
    yield f"  export PATH={cluster.programs}:$PATH"
    yield "  kubectl get mv --watch"
    yield "To end it:"
    yield f"  .venv/bin/devcluster down --state {cluster.plan.state}"


def _apply(tools: Tools, epochs: float | None, console: Console) -> str:
    document: dict[str, Any] = yaml.safe_load((ROOT / EXAMPLE).read_text(encoding="utf-8"))
    name: str = document["metadata"]["name"]
    if epochs is None:
        console.say(f"kubectl apply -f {EXAMPLE}")
        tools.run("kubectl", "apply", f"--filename={ROOT / EXAMPLE}")
    else:
        console.say(f"kubectl apply -f - (as {EXAMPLE}, but {epochs:g} epochs)")
        document["spec"]["training"]["epochs"] = epochs
        tools.run("kubectl", "apply", "--filename=-", stdin=yaml.safe_dump(document))
    return name


def _report(tools: Tools, bucket: Bucket, status: ModelVersionStatus, console: Console) -> None:
    if status.artifacts is None or status.metrics is None or status.metrics.test is None:
        raise DemoError("The version has succeeded, but its status lacks artifacts or the metrics of the test set.")
    console.say("kubectl get mv")
    console.say(tools.run("kubectl", "get", "mv").rstrip())
    console.say(f"Files in s3://{MODELS}:")
    for found in bucket.files(status.artifacts.uri):
        console.say(f"  {found.uri}  {size(found.size_bytes)}")
    checked = bucket.verify(status.artifacts.uri)
    console.say(
        f"manifest.json names {checked.files} files, {size(checked.size_bytes)}: "
        "each was read back and has the size and the sha256 that it names."
    )
    for line in wording.accuracy(status.metrics.test):
        console.say(line)
