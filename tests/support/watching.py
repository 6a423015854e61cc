"""A real Prometheus that scrapes the operator and the training Pods of a platform, by the chart's own monitors."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.kube import eventually
from support.operator_process import SYSTEM
from support.platform import Platform
from support.prometheus import Prometheus, prometheus
from support.prometheus_operator import LABELS, configured, operated

MONITORS = ("serviceMonitor", "podMonitor")


@contextmanager
def watching(platform: Platform, folder: Path, interval: str) -> Iterator[Prometheus]:
    """Yield a Prometheus once it scrapes the operator; the Prometheus Operator has made its configuration of the chart.

    Its data stay in the folder.
    """
    cluster = platform.cluster
    enter = ("nsenter", f"--net=/proc/{_api_server(platform)}/ns/net")
    with (
        operated(cluster, platform.tools, folder) as kube,
        _monitored(platform, interval),
        configured(cluster, kube, folder, len(MONITORS)) as configuration,
        prometheus(folder, configuration, cluster.plan.address, enter) as server,
    ):
        eventually(lambda: "up" in server.targets().values(), within_s=60)
        yield server


@contextmanager
def _monitored(platform: Platform, interval: str) -> Iterator[None]:
    """Switch the chart's monitoring on."""
    release = ("tintype", f"--namespace={SYSTEM}")
    settings = {"interval": interval, "labels": LABELS, **dict.fromkeys((*MONITORS, "rules", "dashboards"), True)}
    values = f"--set-json=monitoring={json.dumps(settings)}"
    platform.tools.run("helm", "upgrade", *release, "--reuse-values", values, str(platform.chart))
    try:
        yield
    finally:
        platform.tools.run("helm", "rollback", *release)


def _api_server(platform: Platform) -> int:
    """Return a process that lives in the network of the cluster's box, as this machine numbers it."""
    state = str(platform.cluster.plan.state).encode()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        words = path.read_bytes().split(b"\0")
        if words[0].endswith(b"kube-apiserver") and any(state in word for word in words):
            return int(path.parent.name)
    raise AssertionError("the API server of the cluster does not run")
