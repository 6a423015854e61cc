"""What a user asks of a version that trains on a real node: to be suspended, to go on, to stop."""

import json
from typing import Any

import pytest

from support.kube import JOBS, eventually
from support.platform import NAMESPACE, Platform, condition
from tintype_trainer.output.publishing import verify_manifest

LONG = {"training": {"epochs": 200}, "compute": {"terminationGracePeriodSeconds": 60}}


def ask(platform: Platform, name: str, **policy: object) -> None:
    """`kubectl patch` runPolicy."""
    change = json.dumps({"spec": {"runPolicy": policy}})
    platform.tools.run("kubectl", "patch", "mv", name, "--type=merge", "-p", change)


def until(platform: Platform, name: str, phase: str) -> dict[str, Any]:
    """Wait for a phase; return the status."""
    return eventually(lambda: platform.status(name), lambda status: status.get("phase") == phase, 120)


def _in_second_attempt(platform: Platform, phase: str) -> dict[str, Any]:
    def reached(status: dict[str, Any]) -> bool:
        return (status["attempt"], status["phase"]) == (2, phase)

    return eventually(lambda: platform.status("asked"), reached, within_s=180)


def test_a_training_is_suspended_goes_on_and_is_stopped(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    platform.apply("asked", LONG)
    before = platform.training("asked")
    ask(platform, "asked", suspend=True)
    suspended = until(platform, "asked", "Suspended")
    assert platform.pods("asked") == []
    selector = "tintype.dev/modelversion=asked"
    eventually(lambda: platform.kube.items(JOBS.format(NAMESPACE), labelSelector=selector) == [])
    assert "job" not in suspended
    assert "interruptions" not in suspended, "a suspension is no interruption"
    saved = suspended["checkpoint"]
    # The progress is told every few seconds, a checkpoint at once.
    assert saved["iteration"] >= suspended["progress"]["iteration"] >= before["progress"]["iteration"]

    ask(platform, "asked", suspend=False)
    preparing = _in_second_attempt(platform, "Preparing")
    assert preparing["checkpoint"] == saved
    resumed = _in_second_attempt(platform, "Training")
    assert resumed["job"]["name"] == "asked-2"
    assert resumed["startTime"] == suspended["startTime"]
    assert resumed["progress"]["iteration"] >= saved["iteration"]
    further = eventually(
        lambda: platform.status("asked"),
        lambda status: len(status.get("history", ())) > len(suspended.get("history", ())),
        within_s=120,
    )
    assert further["history"][: len(suspended.get("history", ()))] == suspended.get("history", [])

    ask(platform, "asked", suspend=True)
    again = until(platform, "asked", "Suspended")
    ask(platform, "asked", stop=True, suspend=False)
    status = platform.ended("asked")
    assert status["phase"] == "Stopped", status
    complete = condition(status, "Complete")
    assert (complete["status"], complete["reason"]) == ("True", "Stopped")
    assert complete["message"].startswith("runPolicy.stop ended the training; published s3://")
    assert status["attempt"] == 3
    assert status["progress"]["iteration"] == again["checkpoint"]["iteration"] < status["progress"]["iterations"]
    assert "checkpoint" not in status
    for name, value in platform.cluster.environment.items():
        monkeypatch.setenv(name, value)
    assert verify_manifest(status["artifacts"]["uri"], platform.store()).to_wire() == status["artifacts"]
    assert status["progress"]["summary"].startswith("ended at ")
