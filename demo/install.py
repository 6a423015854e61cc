"""Installs the operator from the chart, with the development images where no others are given."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from demo.errors import DemoError
from demo.tools import Tools

NAMESPACE = "tintype-system"
RELEASE = "tintype"
S3_KEYS = "s3"
CHART = Path(__file__).parents[1] / "helm" / "tintype"
DEVELOPMENT_RUNTIME = "tintype-dev"
_START_TIMEOUT_S = 180
_IMAGE = {"image": {"tag": "dev", "pullPolicy": "Never"}, "runtimeClassName": DEVELOPMENT_RUNTIME}
# On a machine of two cores the training asks for both of them, and the operator must leave them.
DEVELOPMENT: Mapping[str, Any] = {"operator": {**_IMAGE, "resources": {"requests": {"cpu": "0"}}}, "trainer": _IMAGE}
"""The chart's values with the thin images whose programs are those of this environment."""


def install(
    tools: Tools, environment: Mapping[str, str], *, chart: Path = CHART, images: Mapping[str, Any] | None = None
) -> None:
    """Install the operator, and the Secret with the S3 keys where the version will be.

    Both namespaces enforce the Pod Security level "restricted".

    Args:
        tools: helm and kubectl.
        environment: Where S3 is, and its keys.
        chart: The chart, a folder or a package.
        images: The chart's values of the operator and of the trainer; None: the development images.

    Raises:
        DemoError: The operator does not start; with the last lines of its log.
    """
    tools.run("kubectl", "create", "namespace", NAMESPACE)
    for namespace in (NAMESPACE, "default"):
        tools.run("kubectl", "label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted")
    tools.run("kubectl", "apply", "--filename=-", stdin=json.dumps(_secret(environment)))
    put_release(tools, "install", chart, release_values(environment, images or DEVELOPMENT))


def release_values(environment: Mapping[str, str], images: Mapping[str, Any]) -> dict[str, Any]:
    """Return the chart's values for a cluster's own S3, with the images."""
    return {**images, "storage": _storage(environment)}


def put_release(tools: Tools, verb: str, chart: Path, values: Mapping[str, Any]) -> None:
    """Install or upgrade the release, and wait until its operator runs."""
    command = ("helm", verb, RELEASE, str(chart), f"--namespace={NAMESPACE}", "--values=-")
    tools.run(*command, stdin=json.dumps(values), doing=f"helm {verb}")
    _wait(tools)


def _wait(tools: Tools) -> None:
    deployment = f"deployment/{RELEASE}-operator"
    rollout = ("rollout", "status", deployment, f"--timeout={_START_TIMEOUT_S}s")
    try:
        tools.run("kubectl", f"--namespace={NAMESPACE}", *rollout, doing="the operator's Pod starts")
    except DemoError as error:
        pods = tools.run("kubectl", f"--namespace={NAMESPACE}", "get", "pods", "--output=wide")
        raise DemoError(f"The operator did not start. {error}\n{pods}{operator_log(tools)}") from error


def operator_log(tools: Tools) -> str:
    """Return the last lines of the operator's log."""
    try:
        return tools.run("kubectl", f"--namespace={NAMESPACE}", "logs", f"deployment/{RELEASE}-operator", "--tail=30")
    except DemoError as error:
        return f"It has no log: {error}"


def _storage(environment: Mapping[str, str]) -> dict[str, str]:
    return {
        "endpoint": environment["AWS_ENDPOINT_URL"],
        "region": environment["AWS_REGION"],
        "credentialsSecret": S3_KEYS,
    }


def _secret(environment: Mapping[str, str]) -> dict[str, Any]:
    keys = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": S3_KEYS, "namespace": "default"},
        "stringData": {key: environment[key] for key in keys},
    }
