"""What one cluster is: where its files lie, its number, and the addresses and ports that follow from the number."""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from devcluster.files import write_whole

NODE_NAME = "node1"
SERVICE_RANGE = "10.0.0.0/24"
API_SERVICE_ADDRESS = "10.0.0.1"
DNS_ADDRESS = "10.0.0.10"
CLUSTER_DOMAIN = "cluster.local"
POD_RANGE = "10.244.0.0/24"
REGION = "us-east-1"

_PORT_NAMES = (
    "etcd",
    "etcd_peer",
    "apiserver",
    "s3",
    "s3_grpc",
    "master",
    "master_grpc",
    "volume",
    "volume_grpc",
    "filer",
    "filer_grpc",
)
_FIRST_PORT = 21000
_PORTS_EACH = 20


@dataclass(frozen=True)
class Plan:
    """Everything that the processes of one cluster are started from."""

    state: Path
    programs: Path
    number: int
    node: bool
    gpus: int
    access_key: str
    secret_key: str
    mounts: tuple[str, ...] = ()  # what Pods of the development runtime see of this machine, read-only
    addons: tuple[str, ...] = ()  # which of programs.ADDONS run on the node
    images: tuple[str, ...] = ()  # files of `docker save` that the node has beside its own images

    @property
    def address(self) -> str:
        """The one address at which people and Pods reach the API server and S3."""
        return f"10.254.{self.number}.2" if self.node else "127.0.0.1"

    @property
    def host_address(self) -> str:
        """The machine's own address on the wire to the box."""
        return f"10.254.{self.number}.1"

    @property
    def interface(self) -> str:
        """The machine's end of the wire to the box."""
        return f"tintype{self.number}"

    @property
    def server(self) -> str:
        """The URL of the API server."""
        return f"https://{self.address}:{self.port('apiserver')}"

    @property
    def s3_endpoint(self) -> str:
        """The URL of the S3 server, the same for people and Pods."""
        return f"http://{self.address}:{self.port('s3')}"

    @property
    def admin_kubeconfig(self) -> Path:
        """The kubeconfig that may do everything."""
        return self.state / "admin.kubeconfig"

    def port(self, name: str) -> int:
        """Return the port of one server; numbers give ports that no other number has."""
        return _FIRST_PORT + self.number * _PORTS_EACH + _PORT_NAMES.index(name)

    def ports(self) -> tuple[int, ...]:
        """Return all ports."""
        return tuple(self.port(name) for name in _PORT_NAMES)

    def log(self, name: str) -> Path:
        """Return the log file of one process."""
        return self.state / "logs" / f"{name}.log"

    def write(self) -> None:
        """Write the plan into its state folder, readable by its owner only, since it holds the S3 keys."""
        values = {name: str(value) if isinstance(value, Path) else value for name, value in asdict(self).items()}
        write_whole(self.state / "plan.json", json.dumps(values, indent=1))

    @classmethod
    def read(cls, state: Path) -> "Plan":
        """Read the plan of a state folder; FileNotFoundError where there is none."""
        values = json.loads((state / "plan.json").read_text())
        known = {field.name: values[field.name] for field in fields(cls)}
        paths = {name: Path(known[name]) for name in ("state", "programs")}
        lists = {name: tuple(known[name]) for name in ("mounts", "addons", "images")}
        return cls(**{**known, **paths, **lists})
