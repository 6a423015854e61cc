"""What the operator decides of the Pod without GPU that prepares the data set before the first attempt."""

from typing import Any

import pytest

from support.decisions import decided, facts, settled
from support.operator_objects import JOB_UID, job, pod, running, stored_version, terminated
from tintype_api.constants import Phase
from tintype_api.modelversion import ModelVersion, model_digest, resolve
from tintype_operator.decisions import CreateJob
from tintype_operator.job_manifest import job_manifest
from tintype_operator.settings import TrainerSettings

AUTO = {"spec.runPolicy.preflight": "Auto"}
PREFLIGHT = "bottles-1-preflight"
PREPARING = {"phase": "Preparing", "job": {"name": PREFLIGHT, "uid": JOB_UID, "podUID": "pod-1"}, "attempt": 0}
DONE = job(name=PREFLIGHT, condition=("Complete", "", ""))
RUNS = pod(phase="Running", state=running())
ENDED = pod(phase="Succeeded", state=terminated(0))


@pytest.mark.parametrize(
    ("changes", "name", "attempt"),
    [
        (AUTO, PREFLIGHT, 0),
        ({"spec.compute.gpus": 0} | AUTO, "bottles-1-1", 1),
        ({"spec.runPolicy.preflight": "Never"}, "bottles-1-1", 1),
    ],
)
def test_it_comes_first_where_gpus_are_asked_for(changes: dict[str, Any], name: str, attempt: int) -> None:
    step = decided(facts(stored_version(changes)))
    assert isinstance(step, CreateJob)
    assert (step.name, step.attempt, step.is_preflight) == (name, attempt, attempt == 0)


def test_its_pod_may_report_and_the_version_is_preparing() -> None:
    settle = settled(facts(stored_version(AUTO), jobs=(job(name=PREFLIGHT),), pods=(RUNS,)))
    assert settle.status.job is not None
    assert (settle.status.job.name, settle.status.job.pod_uid) == (PREFLIGHT, "pod-1")
    assert (settle.status.phase, settle.status.attempt, settle.status.prepared) == (Phase.PREPARING, 0, None)


def test_the_first_attempt_follows_it_and_it_goes() -> None:
    version = stored_version(AUTO, status=PREPARING)
    step = decided(facts(version, jobs=(DONE,), pods=(ENDED,)))
    assert isinstance(step, CreateJob)
    assert (step.name, step.attempt, step.is_preflight) == ("bottles-1-1", 1, False)
    settle = settled(facts(version, jobs=(DONE, job(uid="job-2")), pods=(ENDED,)))
    assert settle.status.job is not None
    assert (settle.status.job.name, settle.status.attempt, settle.status.prepared) == ("bottles-1-1", 1, True)
    assert [gone.key.name for gone in settle.delete] == [PREFLIGHT]


def test_what_is_prepared_is_not_prepared_again() -> None:
    status = {"phase": "Pending", "prepared": True}
    step = decided(facts(stored_version(AUTO, status=status)))
    assert isinstance(step, CreateJob)
    assert step.name == "bottles-1-1"


def test_an_obstacle_to_the_first_attempt_does_not_forget_it() -> None:
    changes = AUTO | {"spec.runPolicy.suspend": True}
    settle = settled(facts(stored_version(changes, status=PREPARING), jobs=(DONE,), pods=(ENDED,)))
    assert (settle.status.phase, settle.status.prepared) == (Phase.SUSPENDED, True)


def test_a_suspension_within_it_lets_it_begin_anew() -> None:
    status = {"phase": "Suspended", "attempt": 0}
    step = decided(facts(stored_version(AUTO, status=status)))
    assert isinstance(step, CreateJob)
    assert step.name == PREFLIGHT


def test_data_that_cannot_train_ends_the_version() -> None:
    failed = job(name=PREFLIGHT, failed=1, condition=("Failed", "PodFailurePolicy", "exit code 65"))
    said = '{"exitCode": 65, "reason": "DataError", "message": "dataset: no example of metal; add some"}'
    ended = pod(phase="Failed", state=terminated(65, message=said))
    known = facts(stored_version(AUTO, status=PREPARING), jobs=(failed,), pods=(ended,))
    settle = settled(known)
    assert settle.status.phase == Phase.FAILED
    (condition,) = [one for one in settle.status.conditions if one.type == "Failed"]
    assert (condition.reason, condition.message) == ("DataError", "dataset: no example of metal; add some")


def test_a_stop_needs_not_wait_for_it() -> None:
    changes = AUTO | {"spec.runPolicy.stop": True}
    known = facts(stored_version(changes, status=PREPARING), jobs=(job(name=PREFLIGHT),), pods=(RUNS,))
    settle = settled(known)
    assert settle.status.phase == Phase.STOPPED
    assert [gone.key.name for gone in settle.delete] == [PREFLIGHT]


def test_one_that_hangs_on_a_lost_node_is_done_without() -> None:
    lost = pod(phase="Running", state=running(), ends_by="2026-11-24T11:00:00Z")
    status = {"phase": "Pending", "attempt": 0}
    known = facts(stored_version(AUTO, status=status), jobs=(job(name=PREFLIGHT, deleting=True),), pods=(lost,))
    step = decided(known)
    assert isinstance(step, CreateJob)
    assert step.name == "bottles-1-1"


def test_its_job_asks_for_no_gpu_and_only_prepares() -> None:
    version = resolve(ModelVersion.parse(stored_version(AUTO | {"spec.runPolicy.queueName": "team"})))
    creation = CreateJob(version, PREFLIGHT, 0, model_digest(version.spec), 3)
    manifest = job_manifest(creation, TrainerSettings(image="registry.example.com/trainer:1"))
    (container,) = manifest["spec"]["template"]["spec"]["containers"]
    assert container["command"][-2:] == ["--only", "prepare"]
    assert not [name for side in container["resources"].values() for name in side if "gpu" in name]
    assert manifest["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "team"
