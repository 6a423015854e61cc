"""helm and kubectl as a user types them."""

import json
import os
import subprocess
from typing import Any

from devcluster import Cluster, build
from devcluster.progress import say


class Shell:
    """helm and kubectl against one cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self.kubeconfig = cluster.kubeconfig
        self._environment = {**os.environ, **cluster.environment}
        self._programs = {
            "kubectl": str(cluster.programs / "kubectl"),
            "helm": str(build.ensure(["helm"], say) / "helm"),
        }

    def __call__(self, line: str, *, fails: bool = False, stdin: str = "") -> str:
        name, *arguments = line.split()
        done = subprocess.run(
            [self._programs[name], *arguments],
            env=self._environment,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        assert "Warning" not in done.stderr
        return done.stdout + done.stderr

    def get(self, line: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self(f"kubectl get {line} -o json"))
        return found
