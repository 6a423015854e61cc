"""Suspending, resuming and stopping versions, and Pods that are ended from outside; kubelet and trainer are played."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from support.kube import MERGE, always, eventually
from support.operator_process import OperatorProcess
from support.played import Played

NAMESPACE = "operator-asked"
NODE = "ghost"
PROGRESS = {"summary": "epoch 1 of 2", "epoch": 1, "epochs": 2, "iteration": 5, "iterations": 10}
BRIEF = {"spec.compute": {"gpus": 0, "terminationGracePeriodSeconds": 10}}


def ask(played: Played, name: str, **policy: object) -> None:
    """Change runPolicy."""
    played.kube.must("PATCH", f"{played.versions}/{name}", {"spec": {"runPolicy": policy}}, MERGE)


@contextmanager
def node(played: Played) -> Iterator[None]:
    """A node without a kubelet, which takes Pods only by hand."""
    made = {"metadata": {"name": NODE}, "spec": {"unschedulable": True}}
    played.kube.must("POST", "api/v1/nodes", made)
    try:
        yield
    finally:
        played.kube.must("DELETE", f"api/v1/nodes/{NODE}")


def placed(played: Played, name: str) -> dict[str, Any]:
    """Return the version's Pod, running on the node, where only a kubelet ends it."""
    pod = played.pod(name)
    pod_name = pod["metadata"]["name"]
    binding = {"target": {"kind": "Node", "name": NODE}, "metadata": {"name": pod_name}}
    played.kube.must("POST", f"{played.pods_path}/{pod_name}/binding", binding)
    played.run(pod)
    return pod


def gone(played: Played, pod: dict[str, Any]) -> None:
    """Be the kubelet: the Pod is no more."""
    played.kube.must("DELETE", f"{played.pods_path}/{pod['metadata']['name']}", gracePeriodSeconds="0")


def test_suspended_and_resumed(played: Played, operator: OperatorProcess) -> None:
    with node(played):
        played.apply("paused", BRIEF)
        pod = placed(played, "paused")
        played.until("paused", "Preparing")
        token = played.token(pod)
        ask(played, "paused", suspend=True)
        said = played.until_condition("paused", "Waiting", "Suspending")
        assert said == f"runPolicy.suspend is true: Pod {pod['metadata']['name']} saves a checkpoint and ends"
        path = f"{played.pods_path}/{pod['metadata']['name']}"
        eventually(lambda: "deletionTimestamp" in played.kube.get(path)["metadata"])
        job = played.job("paused")
        assert job is not None, "it waits for its Pod"
        assert "deletionTimestamp" in job["metadata"]
        assert job["spec"].get("suspend") in (None, False), "that is the queue's"
        answer = played.report(token, "paused", {"stage": "Training", "progress": PROGRESS})
        assert answer.code == 200, "the Pod may report on the checkpoint that it saves"
        operator.restart()
        assert played.status("paused")["phase"] != "Suspended"
        played.end(pod, 75)
        gone(played, pod)
        # What vanishes before its watches have begun, the operator notices when it lists everything anew.
        status = played.until("paused", "Suspended", within_s=60)
        assert "job" not in status
        assert "interruptions" not in status
        eventually(lambda: played.job("paused") is None)
        always(lambda: played.kube.items(played.jobs), lambda jobs: jobs == [], 1)
        assert played.condition("paused", "Waiting")["reason"] == "Suspended"
        assert played.status("paused")["progress"]["iteration"] == 5, "what was learned stays to be seen"

        ask(played, "paused", suspend=False)
        second = played.pod("paused")
        assert second["metadata"]["labels"]["tintype.dev/attempt"] == "2"
        assert second["metadata"]["name"].startswith("paused-2-")
        status = played.status("paused")
        assert (status["attempt"], status["job"]["name"]) == (2, "paused-2")
        assert played.report(token, "paused", {"stage": "Training"}).code >= 400, "that Pod's time is over"
        played.run(second)
        played.until("paused", "Training")
        played.end(second, 0, reason="Completed")
        played.until("paused", "Succeeded")


def test_a_suspension_taken_back_while_the_operator_is_away_ends_in_the_next_attempt(
    played: Played, operator: OperatorProcess
) -> None:
    with node(played):
        played.apply("hesitant", BRIEF)
        pod = placed(played, "hesitant")
        ask(played, "hesitant", suspend=True)
        played.until_condition("hesitant", "Waiting", "Suspending")
        eventually(lambda: "deletionTimestamp" in (played.job("hesitant") or {}).get("metadata", {}))
        operator.stop()
        ask(played, "hesitant", suspend=False)
        played.end(pod, 75)
        gone(played, pod)
        eventually(lambda: played.job("hesitant") is None)
        operator.start()
        eventually(lambda: played.status("hesitant")["attempt"] == 2)
        assert played.status("hesitant")["phase"] == "Pending"


def test_suspended_from_the_start_and_stopped(played: Played) -> None:
    played.apply("never", {"spec.runPolicy": {"suspend": True}})
    played.until("never", "Suspended")
    assert played.job("never") is None
    ask(played, "never", stop=True)
    played.until("never", "Stopped")
    assert played.condition("never", "Complete")["reason"] == "NothingToPublish"


def test_a_stop_of_a_version_whose_pod_waits_deletes_its_job(played: Played) -> None:
    played.apply("idle")
    played.pod("idle")
    ask(played, "idle", stop=True)
    played.until("idle", "Stopped")
    assert played.condition("idle", "Complete")["reason"] == "NothingToPublish"
    eventually(lambda: played.job("idle") is None)
    eventually(lambda: played.pods("idle") == [])


def test_a_stopped_training_that_published_is_stopped(played: Played) -> None:
    played.apply("enough")
    pod = played.pod("enough")
    played.run(pod)
    ask(played, "enough", stop=True)
    eventually(lambda: played.status("enough")["observedGeneration"] == 2)
    assert played.status("enough")["phase"] == "Preparing"
    played.end(pod, 0, '{"exitCode": 0, "reason": "Stopped", "message": "epoch 3 was published"}', "Completed")
    played.until("enough", "Stopped")
    assert played.condition("enough", "Complete")["message"] == "epoch 3 was published"


def test_a_node_that_does_not_answer_is_left_behind(played: Played) -> None:
    with node(played):
        played.apply("lost", BRIEF)
        pod = placed(played, "lost")
        played.until("lost", "Preparing")
        token = played.token(pod)
        played.kube.must("DELETE", f"{played.pods_path}/{pod['metadata']['name']}")
        status = eventually(lambda: played.status("lost"), lambda status: status["attempt"] == 2, within_s=60)
        assert status["interruptions"] == 1
        assert "only the Pod of" in played.report(token, "lost", {"stage": "Training"}).message
        retrying = played.condition("lost", "Retrying")
        assert (retrying["status"], retrying["reason"]) == ("True", "NodeLost")
        assert f"so its node {NODE} counts as lost" in retrying["message"]
        eventually(lambda: played.job("lost") is None)
        second = played.pod("lost")
        assert second["metadata"]["name"].startswith("lost-2-")
        played.run(second)
        played.until("lost", "Preparing")
        played.end(second, 0, reason="Completed")
        played.until("lost", "Succeeded")


def test_interruptions_are_counted_over_restarts_until_there_are_too_many(
    played: Played, operator: OperatorProcess
) -> None:
    played.apply("evicted", {"spec.runPolicy": {"maxInterruptions": 3}})
    for number in (1, 2, 3):
        pod = played.pod("evicted")
        played.run(pod)
        if number == 2:
            operator.kill()
        played.end(pod, 75)
        if number == 2:
            operator.start()
        eventually(lambda: played.status("evicted").get("interruptions") == number)  # noqa: B023
        if number == 1:
            operator.restart()
            always(lambda: played.status("evicted")["interruptions"], lambda count: count == 1, 1)
    played.until("evicted", "Failed")
    assert played.condition("evicted", "Failed")["reason"] == "TooManyInterruptions"
    eventually(lambda: played.job("evicted") is None)
    always(lambda: played.job("evicted"), lambda job: job is None, 1)
