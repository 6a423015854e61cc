"""The S3 server of a cluster, as boto3 sees it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest

from devcluster import Cluster


def s3_client(cluster: Cluster) -> Any:  # noqa: ANN401 - boto3 makes its clients' classes at run time
    """Return a client of the cluster's S3 server, with the cluster's own keys."""
    environment = cluster.environment
    return boto3.client(
        "s3",
        endpoint_url=cluster.s3_endpoint,
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        region_name=environment["AWS_REGION"],
    )


@contextmanager
def s3_environment(cluster: Cluster) -> Iterator[None]:
    """Let this process reach the cluster's S3 server by its environment, as every S3 client reads it."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_ENDPOINT_URL"):
            patch.setenv(name, cluster.environment[name])
        yield
