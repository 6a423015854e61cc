"""An S3 server in a namespace of a cluster, for the demo: SeaweedFS in one Pod, gone with it."""

import json
import re
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import boto3

from demo.errors import DemoError
from demo.tools import Tools

IMAGE: Final = "chrislusf/seaweedfs:4.48"
DATASETS: Final = "datasets"
MODELS: Final = "models"
REGION: Final = "us-east-1"
_NAME: Final = "s3"
_PORT: Final = 8333
_ROOT: Final = Path(__file__).parents[1]


@dataclass(frozen=True)
class Keys:
    """The keys of the one who may do everything on the server."""

    access: str
    secret: str

    def as_secret(self, name: str, namespace: str) -> dict[str, Any]:
        """Return the Secret that training Pods read."""
        data = {"AWS_ACCESS_KEY_ID": self.access, "AWS_SECRET_ACCESS_KEY": self.secret}
        return _object("v1", "Secret", name, namespace) | {"stringData": data}


def endpoint(namespace: str) -> str:
    """Return the server's URL as Pods see it."""
    return f"http://{_NAME}.{namespace}.svc:{_PORT}"


def install(tools: Tools, namespace: str, image: str) -> Keys:
    """Install the server, wait until it runs, and return its keys."""
    keys = Keys(f"demo{secrets.token_hex(5)}", secrets.token_hex(20))
    for manifest in _manifests(namespace, image, keys):
        tools.run("kubectl", "apply", "--filename=-", stdin=json.dumps(manifest))
    rollout = ("rollout", "status", f"deployment/{_NAME}", f"--namespace={namespace}", "--timeout=180s")
    tools.run("kubectl", *rollout, doing="the S3 server starts")
    return keys


@contextmanager
def reached(tools: Tools, namespace: str) -> Iterator[str]:
    """Yield the server's URL as this machine sees it."""
    command = ("kubectl", "port-forward", f"service/{_NAME}", f":{_PORT}", f"--namespace={namespace}")
    with tools.start(*command) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            port = re.search(r"127\.0\.0\.1:(\d+)", line)
            if port is None:
                raise DemoError(f"The S3 server of the cluster cannot be reached: {line.strip() or 'no answer'}.")
            yield f"http://127.0.0.1:{port[1]}"
        finally:
            process.kill()


def fill(url: str, keys: Keys) -> None:
    """Draw the shapes and put them into a bucket."""
    client = boto3.client(
        "s3",
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id=keys.access,
        aws_secret_access_key=keys.secret,
    )
    for bucket in (DATASETS, MODELS):
        client.create_bucket(Bucket=bucket)
    with tempfile.TemporaryDirectory() as folder:
        draw = [sys.executable, str(_ROOT / "examples" / "shapes" / "draw.py"), folder]
        subprocess.run(draw, check=True, capture_output=True)
        for file in Path(folder).rglob("*.*"):
            client.upload_file(str(file), DATASETS, f"shapes/{file.relative_to(folder)}")


def _manifests(namespace: str, image: str, keys: Keys) -> Iterator[dict[str, Any]]:
    identity = {
        "name": "demo",
        "credentials": [{"accessKey": keys.access, "secretKey": keys.secret}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    config = json.dumps({"identities": [identity]})
    yield _object("v1", "Secret", "s3-identities", namespace) | {"stringData": {"identities.json": config}}
    ports = [{"name": "s3", "port": _PORT}]
    yield _object("v1", "Service", _NAME, namespace) | {"spec": {"selector": {"app": _NAME}, "ports": ports}}
    template = {"metadata": {"labels": {"app": _NAME}}, "spec": _pod(image)}
    spec = {"selector": {"matchLabels": {"app": _NAME}}, "template": template}
    yield _object("apps/v1", "Deployment", _NAME, namespace) | {"spec": spec}


def _pod(image: str) -> dict[str, Any]:
    server = ["server", "-dir=/data", "-ip.bind=0.0.0.0", "-master.telemetry=false", "-filer", "-s3"]
    # Each bucket takes several volumes; by default few large ones fit on a disk.
    server += ["-master.volumeSizeLimitMB=128", "-volume.max=100"]
    container = {
        "name": _NAME,
        "image": image,
        "command": ["weed", *server, f"-s3.port={_PORT}", "-s3.config=/etc/seaweedfs/identities.json"],
        "readinessProbe": {"tcpSocket": {"port": _PORT}, "periodSeconds": 1},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "data", "mountPath": "/data"},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - a volume of the Pod's own
            {"name": "identities", "mountPath": "/etc/seaweedfs", "readOnly": True},
        ],
    }
    user = 65_532
    return {
        "automountServiceAccountToken": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": user,
            "fsGroup": user,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": [
            {"name": "data", "emptyDir": {}},
            {"name": "tmp", "emptyDir": {}},
            {"name": "identities", "secret": {"secretName": "s3-identities"}},
        ],
    }


def _object(version: str, kind: str, name: str, namespace: str) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": namespace}}
