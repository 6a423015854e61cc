"""A real Kubernetes on one Linux machine, without Docker: `with devcluster.cluster(node=False) as cluster: ...`."""

from devcluster.clusters import Cluster, cluster
from devcluster.errors import DevclusterError

__all__ = ["Cluster", "DevclusterError", "cluster"]
