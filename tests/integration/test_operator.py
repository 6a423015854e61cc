"""The operator against a real API server, from a ModelVersion to its end; the kubelet and the trainer are played."""

import json
import os
import subprocess
from typing import Any

import pytest

import devcluster
from support.kube import MERGE, always, eventually
from support.operator_process import OperatorProcess
from support.played import Played

NAMESPACE = "operator-life"


def events_of(played: Played, name: str) -> list[str]:
    found = played.kube.items(
        f"api/v1/namespaces/{NAMESPACE}/events",
        fieldSelector=f"involvedObject.name={name},involvedObject.kind=ModelVersion",
    )
    return sorted(event["reason"] for event in found)


def test_a_version_is_trained_and_ends_once_and_for_all(played: Played, control_plane: devcluster.Cluster) -> None:
    created = played.apply("whole")
    pod = played.pod("whole")
    job = played.job("whole")
    assert job is not None
    owner = job["metadata"]["ownerReferences"][0]
    assert (owner["kind"], owner["uid"]) == ("ModelVersion", created["metadata"]["uid"])
    assert (owner["controller"], owner["blockOwnerDeletion"]) == (True, True)
    assert "ttlSecondsAfterFinished" not in job["spec"]
    status = played.status("whole")
    assert (status["phase"], status["attempt"], status["observedGeneration"]) == ("Pending", 1, 1)
    assert status["job"] == {"name": "whole-1", "uid": job["metadata"]["uid"], "podUID": pod["metadata"]["uid"]}
    eventually(lambda: played.version("whole")["metadata"].get("labels") == {"tintype.dev/model": status["model"]})

    played.run(pod)
    played.until("whole", "Preparing")
    token = played.token(pod)
    for stage in ("Training", "Evaluating", "Publishing"):
        progress = {"summary": "epoch 1 of 2", "epoch": 1, "epochs": 2, "iteration": 5, "iterations": 10}
        answer = eventually(
            lambda: played.report(token, "whole", {"stage": stage, "progress": progress}),  # noqa: B023
            lambda answer: answer.code == 200,
        )
        assert answer.body["status"]["progress"]["epoch"] == 1
        played.until("whole", stage)

    played.end(pod, 0, reason="Completed")
    status = played.until("whole", "Succeeded")
    assert status["startTime"] == "2026-11-24T12:00:00Z"
    assert status["completionTime"]
    assert status["progress"]["epoch"] == 1, "the trainer's fields are the trainer's"
    assert "podUID" not in status["job"]
    complete = played.condition("whole", "Complete")
    assert (complete["reason"], complete["message"]) == ("Published", f"published to s3://models/{NAMESPACE}/whole/")
    wait = ["kubectl", "wait", "-n", NAMESPACE, "mv/whole", "--for=condition=Complete", "--timeout=5s"]
    subprocess.run(wait, env={**os.environ, **control_plane.environment}, check=True, capture_output=True)
    eventually(lambda: played.job("whole"), lambda job: job and job["spec"].get("ttlSecondsAfterFinished") == 86_400)
    assert events_of(played, "whole") == ["JobCreated", "Published"]

    played.kube.must("DELETE", f"{played.jobs}/whole-1", propagationPolicy="Background")
    eventually(lambda: played.job("whole") is None)
    always(lambda: (played.job("whole"), played.status("whole")["phase"]), lambda seen: seen == (None, "Succeeded"), 2)


def test_a_ttl_removes_the_job_and_not_the_version(played: Played) -> None:
    played.apply("brief", {"spec.runPolicy": {"ttlSecondsAfterFinished": 1}})
    pod = played.pod("brief")
    played.run(pod)
    played.end(pod, 0, reason="Completed")
    played.until("brief", "Succeeded")
    eventually(lambda: played.job("brief") is None)
    always(lambda: played.job("brief"), lambda job: job is None, 1.5)


def test_run_policy_reaches_the_running_job(played: Played) -> None:
    played.apply("patched")
    played.pod("patched")
    change = {"spec": {"runPolicy": {"backoffLimit": 9}}}
    played.kube.must("PATCH", f"{played.versions}/patched", change, MERGE)
    eventually(lambda: played.job("patched"), lambda job: job and job["spec"]["backoffLimit"] == 9)
    eventually(lambda: played.status("patched")["observedGeneration"] == 2)


def versions_of(played: Played, names: list[str]) -> list[Any]:
    found = [played.version(name) for name in names] + [played.job(name) for name in names]
    return [one and one["metadata"]["resourceVersion"] for one in found]


def test_nothing_is_written_when_nothing_changed(played: Played, operator: OperatorProcess) -> None:
    names = ["still-pending", "still-running", "still-ended"]
    for name in names:
        played.apply(name)
    running, ended = played.pod("still-running"), played.pod("still-ended")
    played.run(running)
    played.until("still-running", "Preparing")
    played.run(ended)
    played.end(ended, 0, reason="Completed")
    played.until("still-ended", "Succeeded")
    eventually(lambda: played.job("still-ended"), lambda job: job and "ttlSecondsAfterFinished" in job["spec"])
    played.pod("still-pending")
    before = versions_of(played, names)

    for ending in (operator.restart, lambda: (operator.stop(), operator.start())):
        ending()
        eventually(lambda: operator.metric('tintype_operator_reconciles_total{result="settled"}') >= len(names))
        eventually(lambda: operator.metric("tintype_operator_queue_depth") == 0)
        always(lambda: versions_of(played, names), lambda seen: seen == before, 1)
    lines = [line for line in operator.http("/metrics")[1].splitlines() if "api_requests_total{" in line]
    reads = ('verb="list"', 'verb="watch"', 'resource="kueue.x-k8s.io",verb="get"')
    kept = ('resource="leases"', 'resource="rolebindings"')
    writes = [line for line in lines if not any(word in line for word in (*reads, *kept))]
    assert [line for line in writes if 'code="422"' not in line] == [], "only the self-test, and bindings that exist"


def test_other_peoples_changes_of_a_version_make_no_write(played: Played) -> None:
    played.apply("touched")
    played.pod("touched")
    note = {"metadata": {"annotations": {"note": "mine"}}}
    after = played.kube.must("PATCH", f"{played.versions}/touched", note, MERGE)["metadata"]["resourceVersion"]
    always(lambda: played.version("touched")["metadata"]["resourceVersion"], lambda seen: seen == after, 1.5)


def test_a_label_of_the_model_that_was_taken_off_comes_back(played: Played) -> None:
    played.apply("labelled")
    played.pod("labelled")
    label = eventually(lambda: played.version("labelled")["metadata"].get("labels", {}).get("tintype.dev/model"))
    off = {"metadata": {"labels": {"tintype.dev/model": None}}}
    played.kube.must("PATCH", f"{played.versions}/labelled", off, MERGE)
    eventually(lambda: played.version("labelled")["metadata"].get("labels") == {"tintype.dev/model": label})


def test_a_killed_operator_makes_no_second_job_and_loses_none(played: Played, operator: OperatorProcess) -> None:
    names = [f"burst-{number}" for number in range(20)]
    for number, name in enumerate(names):
        played.apply(name)
        if number % 5 == 4:
            operator.kill()
            operator.start(wait=number == 14)
    for name in names:
        status = eventually(lambda: played.status(name), lambda status: status.get("job", {}).get("podUID"), 60)  # noqa: B023
        job = played.job(name)
        assert job is not None
        assert status["job"]["uid"] == job["metadata"]["uid"]
        assert len(played.pods(name)) == 1
    jobs = [job["metadata"]["name"] for job in played.kube.items(played.jobs)]
    assert sorted(name for name in jobs if name.startswith("burst-")) == sorted(f"{name}-1" for name in names)
    for number, name in enumerate(names):
        played.end(played.pod(name), 0, reason="Completed")
        if number % 7 == 6:
            operator.kill()
            operator.start(wait=False)
    for name in names:
        played.until(name, "Succeeded", within_s=60)


def test_a_version_waits_for_the_one_whose_weights_it_starts_from(played: Played) -> None:
    played.apply("pupil", {"spec.training": {"initialWeights": {"modelVersion": "teacher"}}})
    said = played.until_condition("pupil", "Waiting", "InitialWeights")
    assert "ModelVersion teacher does not exist" in said
    played.apply("teacher")
    pod = played.pod("teacher")
    eventually(lambda: "is not published yet" in played.condition("pupil", "Waiting")["message"], within_s=3)
    played.run(pod)
    played.until("teacher", "Preparing")
    assert played.job("pupil") is None
    played.end(pod, 0, reason="Completed")
    played.until("teacher", "Succeeded")
    job = eventually(lambda: played.job("pupil"), within_s=3)
    assert job is not None
    annotations = job["spec"]["template"]["metadata"]["annotations"]
    resolved = json.loads(annotations["tintype.dev/modelversion"])
    assert resolved["spec"]["training"]["initialWeights"] == {"uri": f"s3://models/{NAMESPACE}/teacher/"}


def test_a_version_fails_with_the_one_whose_weights_it_starts_from(played: Played) -> None:
    played.apply("broken", {"spec.runPolicy": {"backoffLimit": 0}})
    played.apply("heir", {"spec.training": {"initialWeights": {"modelVersion": "broken"}}})
    pod = played.pod("broken")
    played.run(pod)
    played.end(pod, 64)
    played.until("broken", "Failed")
    played.until("heir", "Failed", within_s=3)
    assert played.condition("heir", "Failed")["reason"] == "NotFound"
    assert played.job("heir") is None


def test_time_that_is_up_is_a_stop_that_is_complete(played: Played) -> None:
    played.apply("timed")
    pod = played.pod("timed")
    played.run(pod)
    message = {"exitCode": 0, "reason": "MaxDurationReached", "message": "training.maxDuration 4h is over"}
    played.end(pod, 0, json.dumps(message), reason="Completed")
    played.until("timed", "Stopped")
    assert played.condition("timed", "Complete")["reason"] == "MaxDurationReached"


@pytest.mark.parametrize("policy", ["Foreground", "Background"])
def test_deleting_a_version_deletes_everything_it_owned(policy: str, played: Played, operator: OperatorProcess) -> None:
    name = f"deleted-{policy.lower()}"
    played.apply(name)
    pod = played.pod(name)
    played.run(pod)
    played.until(name, "Preparing")
    shown = f'tintype_version_epoch{{modelversion="{name}"'
    answer = eventually(
        lambda: played.report(
            played.token(pod),
            name,
            {"progress": {"summary": "x", "epoch": 1, "epochs": 2, "iteration": 1, "iterations": 2}},
        ),
        lambda answer: answer.code == 200,
    )
    assert answer.code == 200
    eventually(lambda: operator.metric(shown) == 1)
    played.kube.must("DELETE", f"{played.versions}/{name}", propagationPolicy=policy)
    # Kubernetes' garbage collector looks for new kinds, such as a CRD that has just been installed, each 30 s.
    eventually(lambda: not played.pods(name), within_s=60)
    eventually(lambda: played.job(name) is None)
    eventually(lambda: played.kube.find(f"{played.versions}/{name}") is None)
    eventually(lambda: operator.metric(shown) == 0)
    assert f"{name}: Failed" not in operator.said()


def test_the_largest_version_that_the_crd_admits_gets_its_job(played: Played) -> None:
    selector = {f"{'p' * 250}{number:02d}/{'n' * 63}": "v" * 63 for number in range(16)}
    long_uri = "file:///" + "é" * 1016
    played.apply(
        "l" * 52,
        {
            "spec.view": {"name": "😀" * 128, "type": "Classification"},
            "spec.concepts": [f"{number:03d}" + "😀" * 125 for number in range(256)],
            "spec.dataset": {"uri": long_uri},
            "spec.output": {"uri": long_uri},
            "spec.training": {"initialWeights": {"uri": long_uri}},
            "spec.podTemplate": {
                "nodeSelector": selector,
                "tolerations": [{"key": key, "value": "v" * 63, "operator": "Equal"} for key in selector],
                "imagePullSecrets": [{"name": f"{'s' * 252}{number}"} for number in range(8)],
            },
        },
    )
    pod = played.pod("l" * 52)
    annotation = pod["metadata"]["annotations"]["tintype.dev/modelversion"]
    assert 140_000 < len(annotation.encode()) < 200_000


def test_health_and_metrics(operator: OperatorProcess) -> None:
    assert operator.http("/healthz") == (200, "ok")
    assert operator.metric("tintype_operator_last_watch_event_timestamp_seconds") > 0
    assert operator.metric('tintype_operator_api_requests_total{code="200",resource="jobs",verb="list"}') > 0
