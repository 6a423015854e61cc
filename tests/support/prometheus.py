"""Prometheus and promtool: found, or installed by Debian's package; and a server that scrapes what it is told to."""

import functools
import json
import os
import shutil
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from support.kube import eventually
from support.ports import free_port

PROMETHEUS = "prometheus"
PROMTOOL = "promtool"


@functools.cache
def program(name: str) -> str:
    """Return the path of a program of Debian's package prometheus, installing it where that is needed and possible."""
    found = shutil.which(name)
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        # Its service must not run: the policy refuses to start what is installed.
        policy = Path("/usr/sbin/policy-rc.d")
        ours = not policy.exists()
        if ours:
            policy.write_text("#!/bin/sh\nexit 101\n")
            policy.chmod(0o755)
        try:
            environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
            for command in (
                ["apt-get", "update"],
                ["apt-get", "install", "--yes", "--no-install-recommends", PROMETHEUS],
            ):
                subprocess.run(command, check=False, capture_output=True, env=environment, timeout=300)
        finally:
            if ours:
                policy.unlink()
        found = shutil.which(name)
    assert found, f"{name} is not there and could not be installed; install Debian's package prometheus (as root)"
    return found


def run(name: str, *arguments: str) -> str:
    """Run a program; return all that it says, which is no error."""
    done = subprocess.run([program(name), *arguments], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


class Prometheus:
    """A Prometheus that runs."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}/api/v1"

    def get(self, path: str, **query: str) -> Any:  # noqa: ANN401 - what it answers depends on the path
        """Return the data of an answer."""
        url = f"{self._url}/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(url, timeout=20) as answer:
            return json.load(answer)["data"]

    def query(self, expr: str) -> list[dict[str, Any]]:
        """Return what a query finds now."""
        found: list[dict[str, Any]] = self.get("query", query=expr)["result"]
        return found

    def healthy_targets(self) -> list[str]:
        """Return the jobs of the targets that were scraped well."""
        return [one["labels"]["job"] for one in self.get("targets")["activeTargets"] if one["health"] == "up"]


@contextmanager
def prometheus(folder: Path, configuration: Mapping[str, Any], command: tuple[str, ...] = ()) -> Iterator[Prometheus]:
    """Run a Prometheus in a folder; `command` goes before it, such as to enter a network."""
    port, file = free_port(), folder / "prometheus.yaml"
    file.write_text(yaml.safe_dump(dict(configuration)))
    run(PROMTOOL, "check", "config", str(file))
    arguments = [f"--config.file={file}", f"--storage.tsdb.path={folder / 'data'}"]
    arguments += [f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"]
    with (folder / "log.txt").open("wb") as log:
        server = subprocess.Popen([*command, program(PROMETHEUS), *arguments], stdout=log, stderr=log)
        try:
            eventually(lambda: _answers(port), within_s=30)
            yield Prometheus(port)
        finally:
            server.terminate()
            server.wait(timeout=30)


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False
