"""`make cluster-demo CONTEXT=NAME`, or `python -m demo.own_cluster --context NAME`: the demo on a cluster that one has.

It says what it would install and asks, trains `examples/shapes` on a processor, and removes what it has installed.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import yaml

from demo import seaweedfs
from demo.console import Console, console, duration
from demo.errors import DemoError
from demo.follow import follow
from demo.install import CHART, NAMESPACE, RELEASE, put_release
from demo.tools import Tools
from tintype_api.crd import as_yaml
from tintype_api.errors import UserError

HERE: Final = "tintype-demo"
"""The namespace of the S3 server and of the version."""
_CRD: Final = "modelversions.tintype.dev"
_EXAMPLE: Final = Path(__file__).parents[1] / "examples" / "shapes.yaml"
_KEYS: Final = "s3"


def main() -> int:
    """Run it; return its exit code: 1 with one sentence for what went wrong, 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(prog="demo.own_cluster", description=__doc__)
    parser.add_argument("--context", required=True, help="the kubeconfig's context")
    parser.add_argument("--registry", default="", help="before the names of the two images")
    parser.add_argument("--tag", default="", help="their tag; default: the chart's version")
    parser.add_argument("--s3-image", default=seaweedfs.IMAGE, help="default: %(default)s")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    arguments = parser.parse_args()
    shown = console()
    try:
        with _kubeconfig(arguments.context) as environment, ExitStack() as installed:
            _tell(Tools(None, environment, shown), arguments, installed, shown)
    except (DemoError, UserError) as error:
        shown.say(f"The demo has failed. {error}")
        return 1
    except KeyboardInterrupt:
        shown.say("Interrupted.")
        return 130
    return 0


def _tell(tools: Tools, arguments: argparse.Namespace, installed: ExitStack, shown: Console) -> None:
    started = time.monotonic()
    for line in _plan(tools, arguments.context):
        shown.say(line)
    if not arguments.yes and not _agreed():
        shown.say("Nothing was installed.")
        return
    _make_namespace(tools, installed, shown)
    keys = seaweedfs.install(tools, HERE, arguments.s3_image)
    with seaweedfs.reached(tools, HERE) as endpoint:
        shown.say("Putting drawn circles, squares and triangles into a bucket.")
        seaweedfs.fill(endpoint, keys)
    _install(tools, arguments, keys, installed, shown)
    tools.run("kubectl", "apply", "--filename=-", stdin=as_yaml([_version()]))
    shown.say("kubectl apply -f examples/shapes.yaml, with its data in the bucket")
    follow(tools, lambda: None, _version()["metadata"]["name"], shown)
    shown.say(tools.run("kubectl", "get", "mv").rstrip())
    shown.say(f"The demo took {duration(time.monotonic() - started)}; what it installed is removed now.")


def _plan(tools: Tools, context: str) -> Iterator[str]:
    """Yield what the demo would do; refuse where it would change what is not its own."""
    version = json.loads(tools.run("kubectl", "version", "--output=json"))["serverVersion"]["gitVersion"]
    releases = json.loads(tools.run("helm", "list", "--all-namespaces", "--output=json"))
    for release in releases:
        if release["chart"].startswith("tintype-"):
            raise DemoError(
                f"tintype is installed already, as release {release['name']} in namespace {release['namespace']}: "
                "the demo installs its own and removes it; apply a ModelVersion instead, or choose another cluster."
            )
    if tools.run("kubectl", "get", "namespace", HERE, "--ignore-not-found", "--output=name"):
        raise DemoError(f"The namespace {HERE} exists already: delete it if an earlier demo has left it.")
    yield f"The context {context} is a cluster with Kubernetes {version}. The demo installs, and removes at its end:"
    yield f"  namespace {HERE}: an S3 server with drawn shapes, and one ModelVersion that trains on two processors"
    yield f"  namespace {NAMESPACE}: the operator, by helm release {RELEASE}"
    yield f"  for the whole cluster: the CRD {_CRD}, the admission policy tintype-status, ClusterRoles and a binding"


def _agreed() -> bool:
    if not sys.stdin.isatty():
        raise DemoError("There is no terminal to ask in: say YES=1, or --yes, to install without being asked.")
    return input("Install it? [y/N] ").strip().lower() in {"y", "yes"}


def _make_namespace(tools: Tools, installed: ExitStack, shown: Console) -> None:
    tools.run("kubectl", "create", "namespace", HERE)
    installed.callback(_remove, tools, shown, ["kubectl", "delete", "namespace", HERE])
    tools.run("kubectl", "label", "namespace", HERE, "pod-security.kubernetes.io/enforce=restricted")


def _install(
    tools: Tools, arguments: argparse.Namespace, keys: seaweedfs.Keys, installed: ExitStack, shown: Console
) -> None:
    tools.run("kubectl", "apply", "--filename=-", stdin=json.dumps(keys.as_secret(_KEYS, HERE)))
    image = {"image": {"tag": arguments.tag}}
    values: dict[str, Any] = {
        "imageRegistry": arguments.registry,
        "operator": {**image, "resources": {"requests": {"cpu": "0"}}},
        "trainer": image,
        "storage": {"endpoint": seaweedfs.endpoint(HERE), "region": seaweedfs.REGION, "credentialsSecret": _KEYS},
        "crd": {"keep": False},
    }
    shown.say(f"helm install {RELEASE} helm/tintype --namespace {NAMESPACE} ...")
    tools.run("kubectl", "create", "namespace", NAMESPACE)
    installed.callback(_remove, tools, shown, ["kubectl", "delete", "namespace", NAMESPACE])
    installed.callback(_remove, tools, shown, ["helm", "uninstall", RELEASE, f"--namespace={NAMESPACE}", "--wait"])
    installed.callback(_remove, tools, shown, ["kubectl", "delete", "mv", "--all", f"--namespace={HERE}"])
    put_release(tools, "install", CHART, values)


def _remove(tools: Tools, shown: Console, command: list[str]) -> None:
    shown.say(" ".join(command))
    try:
        tools.run(*command, doing="removing")
    except DemoError as error:
        shown.say(f"It was not removed. {error}")


def _version() -> dict[str, Any]:
    """Return the example with its data and its output in the bucket."""
    document: dict[str, Any] = yaml.safe_load(_EXAMPLE.read_text(encoding="utf-8"))
    document["spec"]["dataset"]["uri"] = f"s3://{seaweedfs.DATASETS}/shapes/shapes.jsonl"
    document["spec"]["output"]["uri"] = f"s3://{seaweedfs.MODELS}"
    return document


@contextmanager
def _kubeconfig(context: str) -> Iterator[Mapping[str, str]]:
    """Yield what names one context, with the demo's namespace, and nothing else to kubectl and helm."""
    if not context:
        raise DemoError("No context is named: say CONTEXT=NAME with one of `kubectl config get-contexts`.")
    command = ["kubectl", "config", "view", "--minify", "--flatten", "--raw", f"--context={context}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise DemoError("kubectl is not on PATH: install it, and helm.") from error
    if done.returncode != 0:
        raise DemoError(f"There is no context {context} in the kubeconfig: {done.stderr.strip()}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "kubeconfig"
        path.touch(mode=0o600)
        path.write_text(done.stdout)
        environment = {"KUBECONFIG": str(path)}
        subprocess.run(
            ["kubectl", "config", "set-context", "--current", f"--namespace={HERE}"],
            env={**os.environ, **environment},
            check=True,
            capture_output=True,
        )
        yield environment


if __name__ == "__main__":
    sys.exit(main())
