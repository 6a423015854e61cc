"""Prometheus and promtool: found, or installed by Debian's package; and a server that scrapes what it is told to."""

import functools
import json
import math
import os
import re
import shutil
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
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


def version() -> str:
    """Return the version of Prometheus, for example 2.42.0."""
    found = re.search(r"version (\d+\.\d+\.\d+)", run(PROMETHEUS, "--version"))
    assert found is not None
    return found[1]


class Prometheus:
    """A Prometheus that runs."""

    def __init__(self, address: str) -> None:
        self._url = f"http://{address}/api/v1"

    def get(self, path: str, **query: str) -> Any:  # noqa: ANN401 - what it answers depends on the path
        """Return the data of an answer."""
        url = f"{self._url}/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(url, timeout=20) as answer:
            return json.load(answer)["data"]

    def numbers(self, expr: str, since: float, until: float) -> list[float]:
        """Return the numbers that a query finds in a time, one by one."""
        found = self.get("query_range", query=expr, start=str(since), end=str(until), step="2")["result"]
        numbers = (float(value) for series in found for _, value in series["values"])
        return [number for number in numbers if not math.isnan(number)]

    def targets(self) -> dict[str, str]:
        """Return the health of each target by its job and instance."""
        found = self.get("targets")["activeTargets"]
        return {f"{one['labels']['job']} {one['labels']['instance']}": one["health"] for one in found}

    def rules(self) -> list[dict[str, Any]]:
        """Return its rules, with their health."""
        return [rule for group in self.get("rules")["groups"] for rule in group["rules"]]


@contextmanager
def prometheus(
    folder: Path, configuration: Mapping[str, Any], host: str = "127.0.0.1", command: Sequence[str] = ()
) -> Iterator[Prometheus]:
    """Run a Prometheus in a folder; `command` goes before it, such as to enter the network where `host` is its own."""
    address, file = f"{host}:{free_port()}", folder / "prometheus.yaml"
    file.write_text(yaml.safe_dump(dict(configuration)))
    run(PROMTOOL, "check", "config", str(file))
    arguments = [f"--config.file={file}", f"--storage.tsdb.path={folder / 'data'}"]
    arguments += [f"--web.listen-address={address}", "--log.level=warn"]
    with (folder / "log.txt").open("wb") as log:
        server = subprocess.Popen([*command, program(PROMETHEUS), *arguments], stdout=log, stderr=log)
        try:
            eventually(lambda: _answers(address), within_s=30)
            yield Prometheus(address)
        finally:
            server.terminate()
            server.wait(timeout=30)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://{address}/-/ready", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
