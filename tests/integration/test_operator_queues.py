"""Versions in a queue, on a real API server; Kueue is played: its resources are there, its controller is the test."""

from collections.abc import Iterator
from typing import Any

import pytest

import devcluster
from support.kube import MERGE, Kube, always, eventually
from support.operator_process import OperatorProcess
from support.played import Played

NAMESPACE = "operator-queues"
GROUP = "kueue.x-k8s.io"
CRDS = "apis/apiextensions.k8s.io/v1/customresourcedefinitions"
LABEL = "kueue.x-k8s.io/queue-name"
ANYTHING = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
KINDS = (
    ("Workload", "workloads", "Namespaced"),
    ("LocalQueue", "localqueues", "Namespaced"),
    ("WorkloadPriorityClass", "workloadpriorityclasses", "Cluster"),
)


@pytest.fixture(scope="module")
def queues(control_plane: devcluster.Cluster, operator: OperatorProcess) -> Iterator[str]:
    """The resources of Kueue, an operator that has found them, and the path of the namespace's Workloads."""
    kube = Kube(control_plane.kubeconfig)
    for kind, plural, scope in KINDS:
        version = {"name": "v1beta2", "served": True, "storage": True, "schema": {"openAPIV3Schema": ANYTHING}}
        names = {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": f"{kind}List"}
        spec = {"group": GROUP, "scope": scope, "names": names, "versions": [version]}
        metadata = {"name": f"{plural}.{GROUP}", "annotations": {"api-approved.kubernetes.io": "unapproved, played"}}
        kube.must("POST", CRDS, {"metadata": metadata, "spec": spec})
    namespaced = f"apis/{GROUP}/v1beta2/namespaces/{NAMESPACE}"
    eventually(lambda: kube.request("GET", f"{namespaced}/workloads").code == 200)
    eventually(lambda: kube.request("GET", f"apis/{GROUP}/v1beta2/workloadpriorityclasses").code == 200)
    operator.restart()
    yield namespaced
    for _, plural, _ in KINDS:
        kube.must("DELETE", f"{CRDS}/{plural}.{GROUP}")
    kube.close()


def make(played: Played, path: str, kind: str, name: str, **rest: Any) -> None:  # noqa: ANN401 - as JSON
    document = {"apiVersion": f"{GROUP}/v1beta2", "kind": kind, "metadata": {"name": name}, **rest}
    played.kube.must("POST", path, document)


def hold(played: Played, job: dict[str, Any], suspended: bool) -> None:
    """Be Kueue: hold a Job, or let it go."""
    path = f"{played.jobs}/{job['metadata']['name']}"
    played.kube.must("PATCH", path, {"spec": {"suspend": suspended}}, MERGE)


def test_a_queue_that_is_not_there_is_named(played: Played, queues: str) -> None:
    played.apply("nowhere", {"spec.runPolicy": {"queueName": "later", "queuePriorityClassName": "low"}})
    assert played.until_condition("nowhere", "Waiting", "QueueMissing") == (
        f"runPolicy.queueName: LocalQueue later is not in namespace {NAMESPACE}; create it, or suspend this version "
        "and name another"
    )
    assert played.job("nowhere") is None
    make(played, f"{queues}/localqueues", "LocalQueue", "later")
    job = eventually(lambda: played.job("nowhere"), within_s=60)
    assert job is not None
    labels = job["metadata"]["labels"]
    assert (labels[LABEL], labels["kueue.x-k8s.io/priority-class"]) == ("later", "low")


def test_a_version_waits_in_its_queue_is_preempted_and_goes_on(played: Played, queues: str) -> None:
    make(played, f"{queues}/localqueues", "LocalQueue", "team")
    played.apply("queued", {"spec.runPolicy": {"queueName": "team"}})
    job = eventually(lambda: played.job("queued"))
    assert job is not None
    hold(played, job, suspended=True)
    played.until("queued", "Queued")
    job_uid = job["metadata"]["uid"]
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": "queued-1", "uid": job_uid, "controller": True}
    held = {"type": "QuotaReserved", "status": "False", "reason": "Pending", "message": "no quota"}
    workload = {"metadata": {"name": "job-queued-1", "ownerReferences": [owner]}, "status": {"conditions": [held]}}
    make(played, f"{queues}/workloads", "Workload", "job-queued-1", **workload)
    eventually(lambda: played.condition("queued", "Waiting")["message"] == "queue team holds Job queued-1: no quota")
    always(lambda: played.job("queued"), lambda job: job and job["spec"]["suspend"], 1)

    hold(played, job, suspended=False)
    pod = played.pod("queued")
    played.run(pod)
    played.until("queued", "Preparing")
    hold(played, job, suspended=True)
    played.until("queued", "Queued")
    hold(played, job, suspended=False)
    eventually(lambda: played.status("queued")["job"].get("podUID") not in (None, pod["metadata"]["uid"]))
    again = played.pod("queued")
    status = played.status("queued")
    assert status["attempt"] == 1
    assert "failures" not in status
    played.run(again)
    played.until("queued", "Preparing")
    played.end(again, 0, reason="Completed")
    played.until("queued", "Succeeded")


def test_a_queue_changes_only_while_nothing_runs(played: Played, queues: str) -> None:
    for name in ("first", "second"):
        make(played, f"{queues}/localqueues", "LocalQueue", name)
    played.apply("moved", {"spec.runPolicy": {"queueName": "first"}})
    eventually(lambda: played.job("moved"))
    path = f"{played.versions}/moved"
    other = {"spec": {"runPolicy": {"queueName": "second"}}}
    refused = played.kube.request("PATCH", path, other, MERGE)
    assert refused.code == 422
    assert "runPolicy.queueName can change only while nothing runs" in refused.message
    played.kube.must("PATCH", path, {"spec": {"runPolicy": {"suspend": True}}}, MERGE)
    played.until("moved", "Suspended")
    played.kube.must("PATCH", path, other, MERGE)
    played.kube.must("PATCH", path, {"spec": {"runPolicy": {"suspend": False}}}, MERGE)
    job = eventually(lambda: played.kube.find(f"{played.jobs}/moved-2"))
    assert job is not None
    assert job["metadata"]["labels"][LABEL] == "second"
