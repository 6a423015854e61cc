"""What the real API server says of a ModelVersion, and who may write its status."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import devcluster
from support.modelversions import REFUSALS, Refusal, modelversion

CRDS = Path(__file__).parents[2] / "crds"
TINTYPE = Path(sys.executable).with_name("tintype")

Kubectl = Callable[..., subprocess.CompletedProcess[str]]
Apply = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def kubectl(control_plane: devcluster.Cluster) -> Kubectl:
    def call(*words: str, document: object = None) -> subprocess.CompletedProcess[str]:
        text = None if document is None else json.dumps(document)
        return subprocess.run(
            ["kubectl", *words],
            input=text,
            env={**os.environ, **control_plane.environment},
            check=False,
            capture_output=True,
            text=True,
        )

    applied = call("apply", "--server-side", "--force-conflicts", "-f", str(CRDS))
    assert applied.returncode == 0, applied.stderr
    assert "Warning" not in applied.stderr
    waited = call("wait", "--for=condition=Established", "crd/modelversions.tintype.dev", "--timeout=30s")
    assert waited.returncode == 0, waited.stderr
    return call


@pytest.fixture
def applied(kubectl: Kubectl) -> Iterator[Apply]:
    """Return a function that applies the smallest ModelVersion with changes; it is deleted afterwards."""

    def apply(changes: dict[str, Any] | None = None) -> subprocess.CompletedProcess[str]:
        return kubectl("apply", "-f", "-", document=modelversion(changes))

    yield apply
    kubectl("delete", "mv", "--all", "--wait=true")


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.name)
def test_apply_refuses_in_plain_words(refusal: Refusal, applied: Apply) -> None:
    answer = applied(refusal.changes)
    assert answer.returncode != 0
    assert refusal.on_server in answer.stderr.replace('\\"', '"')


def test_smallest_version_gets_its_defaults(applied: Apply, kubectl: Kubectl) -> None:
    assert applied().stderr == ""
    spec = json.loads(kubectl("get", "mv", "bottles-1", "-o", "json").stdout)["spec"]
    assert spec["training"]["schedule"] == {"type": "Auto", "warmupSteps": 0}
    assert spec["compute"]["terminationGracePeriodSeconds"] == 120
    assert spec["runPolicy"] == {
        "suspend": False,
        "stop": False,
        "preflight": "Auto",
        "backoffLimit": 3,
        "maxInterruptions": 20,
        "ttlSecondsAfterFinished": 86400,
    }


def _fixed_fields() -> list[tuple[str, Any, Any]]:
    return [
        ("view", None, {"name": "other", "type": "Classification"}),
        ("concepts", None, ["glass", "metal"]),
        ("dataset", None, {"uri": "s3://datasets/other.jsonl"}),
        ("training", {"epochs": 3}, {"epochs": 4}),
        ("imageResizer", {"type": "Fixed", "width": 64, "height": 64}, None),
        ("augmentations", [{"type": "HorizontalFlip"}], []),
        ("output", None, {"uri": "s3://elsewhere"}),
        ("storage", {"region": "eu-west-1"}, {"region": "us-east-1"}),
        ("compute", {"gpus": 1}, {"gpus": 0}),
        ("podTemplate", None, {"nodeSelector": {"disk": "fast"}}),
    ]


@pytest.mark.parametrize(("field", "before", "after"), _fixed_fields(), ids=lambda value: str(value)[:20])
def test_everything_but_run_policy_is_fixed(
    field: str,
    before: object,
    after: object,
    applied: Apply,
    kubectl: Kubectl,
) -> None:
    assert applied({f"spec.{field}": before} if before is not None else {}).returncode == 0
    change = {"op": "remove"} if after is None else {"op": "add", "value": after}
    patch = json.dumps([change | {"path": f"/spec/{field}"}])
    answer = kubectl("patch", "mv", "bottles-1", "--type=json", "-p", patch)
    assert answer.returncode != 0
    assert f"{field} is fixed at creation; create another ModelVersion to change it" in answer.stderr


def test_run_policy_can_change(applied: Apply, kubectl: Kubectl) -> None:
    applied()
    assert applied({"spec.runPolicy.backoffLimit": 7}).returncode == 0
    answer = kubectl("get", "mv", "bottles-1", "-o", "jsonpath={.spec.runPolicy.backoffLimit}")
    assert answer.stdout == "7"


def test_an_ended_version_stays_ended(applied: Apply, kubectl: Kubectl) -> None:
    applied()
    status = {"phase": "Failed", "conditions": []}
    assert kubectl(*_status_patch(status)).returncode == 0
    for change in ({"phase": "Training"}, {"phase": None}):
        answer = kubectl(*_status_patch(change))
        assert answer.returncode != 0
        assert "an ended version stays ended" in answer.stderr
    removal = json.dumps([{"op": "remove", "path": "/status"}])
    answer = kubectl("patch", "mv", "bottles-1", "--subresource=status", "--type=json", "-p", removal)
    assert "an ended version stays ended" in answer.stderr


def test_table_and_selectors_serve_people(applied: Apply, kubectl: Kubectl) -> None:
    applied()
    best = {"epoch": 3, "iteration": 9, "selectedBy": "accuracy", "performanceIndicator": 0.875}
    best["performanceIndicatorName"] = "accuracy"
    kubectl(*_status_patch({"phase": "Training", "best": best, "progress": _progress()}))
    header, row = kubectl("get", "mv").stdout.splitlines()
    assert header.split() == ["NAME", "PHASE", "PROGRESS", "INDICATOR", "CHANGE", "AGE"]
    assert "epoch 3 of 6" in row
    assert "0.875" in row
    for selector, count in (("status.phase=Training", 1), ("status.phase=Failed", 0), ("spec.view.name=material", 1)):
        found = kubectl("get", "mv", "--no-headers", "--field-selector", selector).stdout.splitlines()
        assert len(found) == count, selector


def test_the_command_prints_what_is_committed() -> None:
    printed = subprocess.run([TINTYPE, "crd"], check=True, capture_output=True, text=True).stdout
    committed = [document for file in sorted(CRDS.glob("*.yaml")) for document in yaml.safe_load_all(file.read_text())]
    assert list(yaml.safe_load_all(printed)) == committed


def _progress() -> dict[str, object]:
    return {"summary": "epoch 3 of 6", "epoch": 3, "epochs": 6, "iteration": 9, "iterations": 18}


def _status_patch(status: dict[str, Any]) -> tuple[str, ...]:
    return ("patch", "mv", "bottles-1", "--subresource=status", "--type=merge", "-p", json.dumps({"status": status}))
