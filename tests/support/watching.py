"""A real Prometheus that scrapes the operator and the training Pods of a platform, as the chart's monitors say."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from support.dashboards import RULES
from support.kube import eventually
from support.operator_process import SYSTEM, rendered_chart
from support.platform import Platform
from support.prometheus import Prometheus, prometheus
from support.scraping import discovered, scrape_configs


@contextmanager
def watching(platform: Platform, folder: Path, interval: str) -> Iterator[Prometheus]:
    """Yield a Prometheus with the chart's rules once it scrapes the operator; its data stay in the folder."""
    values: dict[str, object] = {"monitoring.serviceMonitor": True, "monitoring.podMonitor": True}
    rendered = [one for one in yaml.safe_load_all(rendered_chart(platform.cluster, [], values)) if one]
    (service,) = [one for one in rendered if one["kind"] == "Service"]
    platform.tools.run("kubectl", "apply", "--filename=-", stdin=json.dumps(service))
    configuration = {
        "global": {"evaluation_interval": "2s"},
        "rule_files": [str(RULES)],
        "scrape_configs": scrape_configs(rendered, folder, interval),
    }
    enter = ("nsenter", f"--net=/proc/{_api_server(platform)}/ns/net")
    try:
        with (
            discovered(platform.cluster.kubeconfig, folder),
            prometheus(folder, configuration, platform.cluster.plan.address, enter) as server,
        ):
            eventually(lambda: "up" in server.targets().values(), within_s=30)
            yield server
    finally:
        platform.tools.run("kubectl", f"--namespace={SYSTEM}", "delete", "service", service["metadata"]["name"])


def _api_server(platform: Platform) -> int:
    """Return a process that lives in the network of the cluster's box, as this machine numbers it."""
    state = str(platform.cluster.plan.state).encode()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        words = path.read_bytes().split(b"\0")
        if words[0].endswith(b"kube-apiserver") and any(state in word for word in words):
            return int(path.parent.name)
    raise AssertionError("the API server of the cluster does not run")
