"""Installs the operator from the chart, with the development images."""

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


def install(tools: Tools, environment: Mapping[str, str]) -> None:
    """Install the operator, and the Secret with the S3 keys where the version will be.

    Both namespaces enforce the Pod Security level "restricted".

    Raises:
        DemoError: The operator does not start; with the last lines of its log.
    """
    tools.run("kubectl", "create", "namespace", NAMESPACE)
    for namespace in (NAMESPACE, "default"):
        tools.run("kubectl", "label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted")
    tools.run("kubectl", "apply", "--filename=-", stdin=json.dumps(_secret(environment)))
    values = json.dumps(_values(environment))
    command = ("helm", "install", RELEASE, str(CHART), f"--namespace={NAMESPACE}", "--values=-")
    tools.run(*command, stdin=values, doing="helm install")
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


def _values(environment: Mapping[str, str]) -> dict[str, Any]:
    image = {"tag": "dev", "pullPolicy": "Never"}
    # On a machine of two cores the training asks for both of them, and the operator must leave them.
    resources = {"requests": {"cpu": "0"}}
    return {
        "operator": {"image": image, "runtimeClassName": DEVELOPMENT_RUNTIME, "resources": resources},
        "trainer": {"image": image, "runtimeClassName": DEVELOPMENT_RUNTIME},
        "storage": {
            "endpoint": environment["AWS_ENDPOINT_URL"],
            "region": environment["AWS_REGION"],
            "credentialsSecret": S3_KEYS,
        },
    }


def _secret(environment: Mapping[str, str]) -> dict[str, Any]:
    keys = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": S3_KEYS, "namespace": "default"},
        "stringData": {key: environment[key] for key in keys},
    }
