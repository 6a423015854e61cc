"""What goes wrong around the operator, and what it says of it in status; on a real API server, without a node."""

from typing import Any

import devcluster
from support.kube import VERSIONS, Kube, always, eventually
from support.operator_process import OperatorProcess
from support.played import Played
from tintype_operator.observe import observe_job, observe_refusal
from tintype_operator.waiting import for_pod

NAMESPACE = "operator-trouble"
POLICIES = "apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"
POLICY_BINDINGS = "apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings"


def test_what_the_trainer_said_last_is_why_the_version_failed(played: Played) -> None:
    played.apply("said")
    pod = played.pod("said")
    played.run(pod)
    played.end(pod, 65, '{"exitCode": 65, "reason": "DataError", "message": "line 7 is no JSON; correct it"}')
    played.until("said", "Failed")
    failed = played.condition("said", "Failed")
    assert (failed["status"], failed["reason"], failed["message"]) == (
        "True",
        "DataError",
        "line 7 is no JSON; correct it",
    )
    always(lambda: len(played.pods("said")), lambda count: count == 1, 1)
    assert not played.condition("said", "Retrying")


def test_a_killed_trainer_is_named_and_tried_again(played: Played) -> None:
    played.apply("heavy", {"spec.compute": {"gpus": 0, "memory": "2Gi"}})
    first = played.pod("heavy")
    played.run(first)
    token = played.token(first)
    played.end(first, 137, reason="OOMKilled")
    message = played.until_condition("heavy", "Retrying", "OOMKilled")
    assert message == (
        "the trainer was killed for using more than compute.memory 2Gi; raise it or lower training.batchSize "
        "(1 of 3 retries used)"
    )
    assert "waits 10 s before its next Pod" in played.until_condition("heavy", "Waiting", "Backoff")
    assert played.status("heavy")["phase"] == "Pending"
    stale = played.report(token, "heavy", {"stage": "Training"})
    assert stale.code >= 400
    second = played.pod("heavy")
    assert second["metadata"]["uid"] != first["metadata"]["uid"]
    stale = played.report(token, "heavy", {"stage": "Training"})
    assert "only the Pod of the version's current attempt may report on it" in stale.message
    played.run(second)
    played.until("heavy", "Preparing")
    assert played.condition("heavy", "Retrying")["status"] == "False"
    played.end(second, 0, reason="Completed")
    played.until("heavy", "Succeeded")


def test_too_many_failures_name_the_last(played: Played) -> None:
    played.apply("crashing", {"spec.runPolicy": {"backoffLimit": 0}})
    pod = played.pod("crashing")
    played.run(pod)
    played.end(pod, 1)
    played.until("crashing", "Failed")
    failed = played.condition("crashing", "Failed")
    assert failed["reason"] == "Crashed"
    assert failed["message"] == (
        "the trainer failed once, more often than runPolicy.backoffLimit 0 allows; the last time: the trainer ended "
        f"with exit code 1; see kubectl logs {pod['metadata']['name']} -n {NAMESPACE}"
    )


def test_waiting_says_what_is_missing(played: Played) -> None:
    played.apply("no-account", {"spec.podTemplate": {"serviceAccountName": "ghost"}})
    assert played.until_condition("no-account", "Waiting", "PodRefused") == (
        f"ServiceAccount ghost is missing in namespace {NAMESPACE}; "
        "create it, or correct podTemplate.serviceAccountName"
    )
    played.kube.must("POST", f"api/v1/namespaces/{NAMESPACE}/serviceaccounts", {"metadata": {"name": "ghost"}})
    assert played.pod("no-account")["spec"]["serviceAccountName"] == "ghost"
    assert "is waiting for a node" in played.until_condition("no-account", "Waiting", "Scheduling")
    played.apply("no-secret", {"spec.storage": {"credentialsSecret": "s3"}})
    pod = played.pod("no-secret")
    played.play(
        pod, "Pending", {"waiting": {"reason": "CreateContainerConfigError", "message": 'secret "s3" not found'}}
    )
    assert played.until_condition("no-secret", "Waiting", "ContainerConfig") == (
        f"Secret s3 is missing in namespace {NAMESPACE}; create it, or correct storage.credentialsSecret"
    )
    played.run(pod)
    assert played.until_condition("no-secret", "Waiting", "Started", "False") == ""


def test_a_quota_is_waited_for(played: Played) -> None:
    quotas = f"api/v1/namespaces/{NAMESPACE}/resourcequotas"
    played.kube.must("POST", quotas, {"metadata": {"name": "none"}, "spec": {"hard": {"count/jobs.batch": "0"}}})
    eventually(lambda: played.kube.get(f"{quotas}/none").get("status", {}).get("hard"))
    try:
        played.apply("no-quota")
        message = played.until_condition("no-quota", "Waiting", "JobRefused")
        assert message.startswith("Job no-quota-1 is not accepted yet: ")
        assert "exceeded quota: none" in message
        assert played.status("no-quota")["phase"] == "Pending"
    finally:
        played.kube.must("DELETE", f"{quotas}/none")
    played.pod("no-quota")


def test_a_quota_for_pods_is_named(played: Played) -> None:
    quotas = f"api/v1/namespaces/{NAMESPACE}/resourcequotas"
    hard = {"hard": {"requests.nvidia.com/gpu": "0"}}
    played.kube.must("POST", quotas, {"metadata": {"name": "gpus"}, "spec": hard})
    eventually(lambda: played.kube.get(f"{quotas}/gpus").get("status", {}).get("hard"))
    try:
        played.apply("no-gpus", {"spec.compute": {"gpus": 1}, "spec.runPolicy": {"preflight": "Never"}})
        message = played.until_condition("no-gpus", "Waiting", "QuotaExceeded")
        assert message == (
            f"ResourceQuota gpus of namespace {NAMESPACE} has no room for a Pod of Job no-gpus-1 (requested: "
            "requests.nvidia.com/gpu=1, used: requests.nvidia.com/gpu=0, limited: requests.nvidia.com/gpu=0); "
            "it starts once others have ended, or have the quota raised"
        )
    finally:
        played.kube.must("DELETE", f"{quotas}/gpus")
    played.pod("no-gpus")
    played.until_condition("no-gpus", "Waiting", "Scheduling")


def test_a_policy_of_the_cluster_that_refuses_pods_is_named(played: Played) -> None:
    pods = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
    only = f"request.namespace == '{NAMESPACE}' && object.metadata.labels['tintype.dev/modelversion'] == 'refused'"
    policy = {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": [pods]},
        "matchConditions": [{"name": "only", "expression": only}],
        "validations": [{"expression": "false", "message": "Pods need a cost centre"}],
    }
    binding = {"policyName": "cost-centre", "validationActions": ["Deny"]}
    played.kube.must("POST", POLICIES, {"metadata": {"name": "cost-centre"}, "spec": policy})
    played.kube.must("POST", POLICY_BINDINGS, {"metadata": {"name": "cost-centre"}, "spec": binding})
    try:
        eventually(lambda: _is_refused(played))
        played.apply("refused")
        message = played.until_condition("refused", "Waiting", "AdmissionRefused")
        assert message.startswith("the cluster's admission refuses the Pod of Job refused-1: ")
        assert "Pods need a cost centre" in message
        assert message.endswith("; ask who set it up, or correct podTemplate")
    finally:
        played.kube.must("DELETE", f"{POLICY_BINDINGS}/cost-centre")
        played.kube.must("DELETE", f"{POLICIES}/cost-centre")
    played.pod("refused")
    played.until_condition("refused", "Waiting", "Scheduling")


def _is_refused(played: Played) -> bool:
    """Whether the policy answers already, which takes it some seconds."""
    metadata = {"name": "refused", "labels": {"tintype.dev/modelversion": "refused"}}
    pod = {"metadata": metadata, "spec": {"containers": [{"name": "main", "image": "pause"}]}}
    return played.kube.request("POST", played.pods_path, pod, dryRun="All").code == 422


def test_what_pod_security_and_policies_say_is_known(played: Played) -> None:
    """The Pods that the operator makes meet every level, so one of another kind shows how the API server refuses."""
    secure = f"{NAMESPACE}-secure"
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    played.kube.must("POST", "api/v1/namespaces", {"metadata": {"name": secure, "labels": labels}})
    container = {"name": "main", "image": "pause"}
    pod = {"metadata": {"name": "lax"}, "spec": {"containers": [container]}}
    refused = played.kube.request("POST", f"api/v1/namespaces/{secure}/pods", pod)
    assert refused.code == 403
    job = observe_job({"metadata": {"name": "x-1", "namespace": secure}})
    said = {"message": f"Error creating: {refused.message}", "involvedObject": {"name": "x-1", "namespace": secure}}
    because = for_pod(job, observe_refusal(said))
    assert because.reason == "PodSecurity"
    assert because.message.startswith(
        f"Pod Security restricted:latest of namespace {secure} refuses the Pod of Job x-1: allowPrivilegeEscalation"
    )
    played.kube.must("DELETE", f"api/v1/namespaces/{secure}")


def test_a_priority_class_that_is_missing_is_named(played: Played) -> None:
    played.apply("no-priority", {"spec.runPolicy": {"priorityClassName": "urgent"}})
    assert played.until_condition("no-priority", "Waiting", "PodRefused") == (
        "PriorityClass urgent is not in the cluster; create it, or suspend this version and correct "
        "runPolicy.priorityClassName"
    )


def test_a_spec_of_which_no_job_can_be_made_fails(played: Played) -> None:
    played.apply("no-label", {"spec.podTemplate": {"nodeSelector": {"no label!": "x"}}})
    played.until("no-label", "Failed")
    failed = played.condition("no-label", "Failed")
    assert failed["reason"] == "InvalidSpec"
    assert "no Job can be made of this spec" in failed["message"]
    assert "nodeSelector" in failed["message"]


def test_a_job_deleted_by_hand_fails_its_version(played: Played) -> None:
    played.apply("by-hand")
    pod = played.pod("by-hand")
    played.run(pod)
    played.until("by-hand", "Preparing")
    played.kube.must("DELETE", f"{played.jobs}/by-hand-1", propagationPolicy="Background")
    played.until("by-hand", "Failed")
    failed = played.condition("by-hand", "Failed")
    assert failed["reason"] == "JobDeleted"
    assert failed["message"].startswith("Job by-hand-1 was deleted before it ended")
    always(lambda: played.job("by-hand"), lambda job: job is None, 1)


def test_a_job_deleted_by_hand_while_the_operator_is_away_fails_its_version(
    played: Played, operator: OperatorProcess
) -> None:
    played.apply("away")
    played.pod("away")
    operator.stop()
    played.kube.must("DELETE", f"{played.jobs}/away-1", propagationPolicy="Background")
    operator.start()
    played.until("away", "Failed")
    assert played.condition("away", "Failed")["reason"] == "JobDeleted"


def test_a_foreign_job_of_the_name_is_a_conflict(played: Played) -> None:
    container = {"name": "main", "image": "pause"}
    template = {"spec": {"restartPolicy": "Never", "containers": [container]}}
    foreign = {"metadata": {"name": "taken-1"}, "spec": {"template": template}}
    made = played.kube.must("POST", played.jobs, foreign)
    played.apply("taken")
    played.until("taken", "Failed")
    failed = played.condition("taken", "Failed")
    assert failed["reason"] == "NameConflict"
    assert failed["message"].startswith(f"Job taken-1 in namespace {NAMESPACE} is not of this ModelVersion; delete")
    found = played.job("taken")
    assert found is not None
    assert found["metadata"]["uid"] == made["metadata"]["uid"]


def test_delete_and_apply_again_waits_for_the_pod_in_its_grace(played: Played) -> None:
    node = {"metadata": {"name": "ghost"}, "spec": {"unschedulable": True}}
    played.kube.must("POST", "api/v1/nodes", node)
    try:
        played.apply("again")
        pod = played.pod("again")
        path = f"{played.pods_path}/{pod['metadata']['name']}"
        played.kube.must(
            "POST",
            f"{path}/binding",
            {"target": {"kind": "Node", "name": "ghost"}, "metadata": {"name": pod["metadata"]["name"]}},
        )
        played.run(pod)
        played.until("again", "Preparing")
        played.kube.must("DELETE", f"{played.versions}/again", propagationPolicy="Background")
        eventually(lambda: played.kube.find(f"{played.versions}/again") is None)
        played.apply("again")
        message = played.until_condition("again", "Waiting", "EarlierRunEnds")
        assert message.endswith("; training starts when it is gone")
        eventually(lambda: played.job("again") is None)
        eventually(lambda: "deletionTimestamp" in played.kube.get(path)["metadata"])
        assert pod["metadata"]["name"] in played.until_condition("again", "Waiting", "EarlierRunEnds")
        always(lambda: played.job("again"), lambda job: job is None, 1.5)
        played.kube.must("DELETE", path, gracePeriodSeconds="0")
        assert played.pod("again")["metadata"]["uid"] != pod["metadata"]["uid"]
    finally:
        played.kube.must("DELETE", "api/v1/nodes/ghost")


def test_a_job_of_a_version_that_status_does_not_name_is_deleted(played: Played) -> None:
    version = played.apply("twice")
    played.pod("twice")
    job = played.job("twice")
    assert job is not None
    owner = job["metadata"]["ownerReferences"][0]
    container = {"name": "main", "image": "pause"}
    stray: dict[str, Any] = {
        "metadata": {"name": "twice-9", "labels": job["metadata"]["labels"], "ownerReferences": [owner]},
        "spec": {"suspend": True, "template": {"spec": {"restartPolicy": "Never", "containers": [container]}}},
    }
    assert owner["uid"] == version["metadata"]["uid"]
    played.kube.must("POST", played.jobs, stray)
    eventually(lambda: played.kube.find(f"{played.jobs}/twice-9") is None)
    assert played.status("twice")["job"]["name"] == "twice-1"


def test_an_api_server_that_was_away_is_caught_up_with(
    played: Played, operator: OperatorProcess, control_plane: devcluster.Cluster
) -> None:
    played.apply("before")
    pod = played.pod("before")
    with control_plane.paused("kube-apiserver"):
        eventually(lambda: not _answers(played.kube))
        always(lambda: _answers(played.kube), lambda answers: not answers, 3)
    eventually(lambda: _answers(played.kube), within_s=60)
    played.apply("after")
    played.run(pod)
    played.until("before", "Preparing", within_s=60)
    played.pod("after")
    assert operator.http("/healthz") == (200, "ok")


def _answers(kube: Kube) -> bool:
    try:
        return kube.request("GET", VERSIONS.format(NAMESPACE)).code == 200
    except Exception:  # noqa: BLE001 - whatever it is, it is no answer
        return False


def test_a_service_of_another_is_waited_for(played: Played) -> None:
    service = {"metadata": {"name": "grouped-nodes"}, "spec": {"clusterIP": "None", "selector": {"a": "b"}}}
    services = f"api/v1/namespaces/{NAMESPACE}/services"
    played.kube.must("POST", services, service)
    played.apply("grouped", {"spec.compute": {"gpus": 0, "nodes": 2}})
    assert "grouped-nodes" in played.until_condition("grouped", "Waiting", "ServiceTaken")
    assert played.job("grouped") is None
    played.kube.must("DELETE", f"{services}/grouped-nodes")
    job = eventually(lambda: played.job("grouped"), within_s=60)
    assert job is not None
    assert job["spec"]["completions"] == 2
    owner = played.kube.get(f"{services}/grouped-nodes")["metadata"]["ownerReferences"][0]
    assert owner["uid"] == played.version("grouped")["metadata"]["uid"]
