"""What the operator decides, from objects as the API server sends them: starting, following and waiting."""

from dataclasses import replace
from typing import Any

import pytest

from support.decisions import DIGEST, STARTED, SUCCEEDED, decided, facts, settled, told
from support.operator_objects import (
    JOB_UID,
    NOW,
    UID,
    job,
    pod,
    refusal,
    running,
    stored_version,
    terminated,
    waiting,
)
from tintype_api.constants import Condition, Phase
from tintype_api.spec.run import Storage
from tintype_operator.apierror import ApiError
from tintype_operator.conditions import Because
from tintype_operator.decide import decide
from tintype_operator.decisions import CreateJob, Facts, LookUpJob, Rest
from tintype_operator.observe import observe_job, observe_version
from tintype_operator.obstacles import Obstacle, conflict, refused


def test_a_new_version_gets_its_job_before_anything_else() -> None:
    decision = decided(facts())
    assert isinstance(decision, CreateJob)
    assert (decision.name, decision.attempt) == ("bottles-1-1", 1)
    assert decision.version.metadata.uid == UID
    assert decision.version.spec.training.batch_size == 32


def test_storage_of_the_settings_fills_what_the_spec_leaves_out() -> None:
    version = stored_version({"spec.storage.region": "eu-west-1"})
    decision = decide(facts(version), Storage(region="us-east-1", credentials_secret="s3"), NOW)
    assert isinstance(decision, CreateJob)
    assert decision.version.spec.storage == Storage(region="eu-west-1", credentials_secret="s3")


def test_the_first_status_names_job_model_and_why_nothing_runs() -> None:
    settle = settled(facts(jobs=(job(),)))
    assert settle.status.phase == Phase.PENDING
    assert settle.status.observed_generation == 1
    assert settle.status.attempt == 1
    assert settle.status.job is not None
    assert settle.status.job.to_wire() == {"name": "bottles-1-1", "uid": JOB_UID}
    assert settle.status.model is not None
    assert settle.model_label == settle.status.model
    assert settle.access == "default"
    assert told(settle, Condition.WAITING) == ("True", "PodNotCreated", "Job bottles-1-1 has not made its Pod yet")


def test_a_pod_may_report_as_soon_as_it_exists() -> None:
    settle = settled(facts(jobs=(job(),), pods=(pod(),)))
    assert settle.status.job is not None
    assert settle.status.job.pod_uid == "pod-1"
    assert settle.status.phase == Phase.PENDING


def test_a_pod_of_another_job_is_not_followed() -> None:
    settle = settled(facts(jobs=(job(),), pods=(pod(job_uid="other"),)))
    assert settle.status.job is not None
    assert settle.status.job.pod_uid is None


@pytest.mark.parametrize(
    ("stage", "phase"),
    [
        (None, Phase.PREPARING),
        ("Preparing", Phase.PREPARING),
        ("Training", Phase.TRAINING),
        ("Evaluating", Phase.EVALUATING),
        ("Publishing", Phase.PUBLISHING),
        ("Dreaming", Phase.PREPARING),
    ],
)
def test_the_phase_follows_the_stage_while_the_container_runs(stage: str | None, phase: Phase) -> None:
    status = STARTED | ({} if stage is None else {"stage": stage})
    settle = settled(facts(stored_version(status=status), jobs=(job(),), pods=(pod(phase="Running", state=running()),)))
    assert settle.status.phase == phase
    assert settle.status.start_time == "2026-11-24T11:59:20Z"


@pytest.mark.parametrize(("reporter", "phase"), [("pod-0", Phase.PREPARING), ("pod-1", Phase.TRAINING)])
def test_a_pod_that_has_not_reported_is_preparing_whatever_another_was_doing(reporter: str, phase: Phase) -> None:
    version = stored_version(status=STARTED | {"stage": "Training", "podUID": reporter})
    settle = settled(facts(version, jobs=(job(),), pods=(pod(phase="Running", state=running()),)))
    assert settle.status.phase == phase


def test_nothing_changes_when_nothing_changed() -> None:
    version = stored_version(status=STARTED | {"stage": "Training"}, labels={"tintype.dev/model": DIGEST})
    given = facts(version, jobs=(job(),), pods=(pod(phase="Running", state=running()),))
    settle = settled(given)
    assert settle.status == given.version.status
    assert (settle.model_label, settle.patch, settle.delete, settle.again) == (DIGEST, None, (), False)


@pytest.mark.parametrize(
    ("given", "reason", "words"),
    [
        pytest.param(
            pod(
                conditions=[
                    {
                        "type": "PodScheduled",
                        "status": "False",
                        "reason": "Unschedulable",
                        "message": "0/3 nodes are available: 3 Insufficient nvidia.com/gpu.",
                    }
                ]
            ),
            "Unschedulable",
            "no node that may take Pod bottles-1-1-abcde has a free nvidia.com/gpu: 0/3 nodes are available: "
            "3 Insufficient nvidia.com/gpu; it starts once one is free; where no node has any, correct compute.gpuR",
            id="no free GPU",
        ),
        pytest.param(
            pod(
                conditions=[
                    {
                        "type": "PodScheduled",
                        "status": "False",
                        "reason": "Unschedulable",
                        "message": "0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector.",
                    }
                ]
            ),
            "Unschedulable",
            "0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector; lower spec.compute",
            id="no node fits",
        ),
        pytest.param(pod(), "Scheduling", "is waiting for a node", id="not scheduled yet"),
        pytest.param(
            pod(state=waiting("ContainerCreating")), "ContainerStarting", "is being started", id="being started"
        ),
        pytest.param(
            pod(state=waiting("ErrImagePull", "not found")),
            "ImagePull",
            "image registry.example.com/trainer:1 cannot be pulled: not found; correct",
            id="image cannot be pulled",
        ),
        pytest.param(
            pod(state=waiting("ImagePullBackOff", 'Back-off pulling image "x": ErrImagePull: not found')),
            "ImagePull",
            "image registry.example.com/trainer:1 cannot be pulled: not found; correct",
            id="image cannot be pulled, later",
        ),
        pytest.param(
            pod(state=waiting("CreateContainerConfigError", 'secret "s3" not found')),
            "ContainerConfig",
            "Secret s3 is missing in namespace team-a; create it",
            id="no Secret",
        ),
    ],
)
def test_waiting_says_why_a_pod_does_not_run(given: dict[str, Any], reason: str, words: str) -> None:
    settle = settled(facts(jobs=(job(),), pods=(given,)))
    assert settle.status.phase == Phase.PENDING
    status, because, message = told(settle, Condition.WAITING)
    assert (status, because) == ("True", reason)
    assert words in message


@pytest.mark.parametrize(
    ("said", "reason", "sentence"),
    [
        pytest.param(
            'pods "bottles-1-1-" is forbidden: exceeded quota: gpus, requested: requests.nvidia.com/gpu=1, '
            "used: requests.nvidia.com/gpu=4, limited: requests.nvidia.com/gpu=4",
            "QuotaExceeded",
            "ResourceQuota gpus of namespace team-a has no room for a Pod of Job bottles-1-1 (requested: "
            "requests.nvidia.com/gpu=1, used: requests.nvidia.com/gpu=4, limited: requests.nvidia.com/gpu=4); "
            "it starts once others have ended, or have the quota raised",
            id="quota",
        ),
        pytest.param(
            'pods "bottles-1-1-x" is forbidden: violates PodSecurity "restricted:latest": hostPort (container '
            '"sidecar" uses hostPort 80)',
            "PodSecurity",
            "Pod Security restricted:latest of namespace team-a refuses the Pod of Job bottles-1-1: hostPort "
            '(container "sidecar" uses hostPort 80); correct what adds that to Pods, or the namespace\'s '
            "pod-security labels",
            id="Pod Security",
        ),
        pytest.param(
            'admission webhook "images.example.com" denied the request: image is not signed',
            "AdmissionRefused",
            'the cluster\'s admission refuses the Pod of Job bottles-1-1: admission webhook "images.example.com" '
            "denied the request: image is not signed; ask who set it up, or correct podTemplate",
            id="webhook",
        ),
        pytest.param(
            "pods \"bottles-1-1-x\" is forbidden: ValidatingAdmissionPolicy 'night' with binding 'night' denied "
            "request: no Pods at night",
            "AdmissionRefused",
            'the cluster\'s admission refuses the Pod of Job bottles-1-1: pods "bottles-1-1-x" is forbidden: '
            "ValidatingAdmissionPolicy 'night' with binding 'night' denied request: no Pods at night; "
            "ask who set it up, or correct podTemplate",
            id="policy",
        ),
        pytest.param(
            'pods "bottles-1-1-x" is forbidden: maximum memory usage per Container is 1Gi, but limit is 16Gi',
            "PodRefused",
            'the Pod of Job bottles-1-1 is refused: pods "bottles-1-1-x" is forbidden: maximum memory usage per '
            "Container is 1Gi, but limit is 16Gi",
            id="anything else",
        ),
    ],
)
def test_waiting_says_why_a_pod_was_refused(said: str, reason: str, sentence: str) -> None:
    settle = settled(facts(jobs=(job(),), refusals=(refusal(f"Error creating: {said}"),)))
    assert told(settle, Condition.WAITING) == ("True", reason, sentence)


def test_waiting_names_a_missing_service_account() -> None:
    message = 'Error creating: pods "x-" is forbidden: error looking up service account team-a/trainer: '
    settle = settled(facts(jobs=(job(),), refusals=(refusal(message + 'serviceaccount "trainer" not found'),)))
    assert told(settle, Condition.WAITING)[2].startswith(
        "ServiceAccount trainer is missing in namespace team-a; create"
    )


def test_waiting_is_over_when_the_container_runs() -> None:
    before = settled(facts(jobs=(job(),), pods=(pod(),))).status.to_wire()
    settle = settled(facts(stored_version(status=before), jobs=(job(),), pods=(pod(state=running()),)))
    assert told(settle, Condition.WAITING) == ("False", "Started", "")


FROM_ANOTHER = {"spec.training.initialWeights": {"modelVersion": "bottles-0"}}


PUBLISHED = {"artifacts": {"uri": "s3://models/team-a/bottles-0"}}


def started_from(source: dict[str, Any] | None) -> Facts:
    other = stored_version(name="bottles-0", uid="other", status=source) if source is not None else None
    return replace(facts(stored_version(FROM_ANOTHER)), weights_from=observe_version(other) if other else None)


@pytest.mark.parametrize(
    "source",
    [{"phase": "Succeeded"}, {"phase": "Stopped"}, PUBLISHED | {"phase": "Failed"}],
    ids=["by its plan", "stopped", "crashed after it was published"],
)
def test_weights_of_a_published_version_are_named_by_their_folder(source: dict[str, Any]) -> None:
    decision = decided(started_from(source))
    assert isinstance(decision, CreateJob)
    weights = decision.version.spec.training.initial_weights
    assert weights is not None
    assert weights.to_wire() == {"uri": "s3://models/team-a/bottles-0/"}


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (None, "ModelVersion bottles-0 does not exist; create it"),
        ({"phase": "Training"}, "ModelVersion bottles-0 is not published yet; training starts when it is"),
        (PUBLISHED | {"phase": "Publishing"}, "ModelVersion bottles-0 is not published yet"),
    ],
)
def test_weights_that_are_not_there_yet_are_waited_for(source: dict[str, Any] | None, words: str) -> None:
    settle = settled(started_from(source))
    status, reason, message = told(settle, Condition.WAITING)
    assert (settle.status.phase, settle.again, status, reason) == (Phase.PENDING, True, "True", "InitialWeights")
    assert message.startswith(f"training.initialWeights.modelVersion: {words}")


def test_weights_of_a_version_that_failed_fail() -> None:
    settle = settled(started_from({"phase": "Failed"}))
    assert settle.status.phase == Phase.FAILED
    assert told(settle, Condition.FAILED)[1] == "NotFound"
    assert "bottles-0 ended without being published" in told(settle, Condition.FAILED)[2]


def test_another_job_of_the_same_name_is_not_the_one_that_status_names() -> None:
    given = facts(stored_version(status=STARTED), jobs=(job(uid="another"),))
    assert decided(given) == LookUpJob("bottles-1-1")


def test_jobs_that_status_does_not_name_are_deleted() -> None:
    stray = job(name="bottles-1-7", uid="stray")
    settle = settled(facts(stored_version(status=STARTED), jobs=(job(), stray), pods=(pod(),)))
    assert [one.key.name for one in settle.delete] == ["bottles-1-7"]
    ended = settled(facts(stored_version(status=SUCCEEDED), jobs=(job(condition=("Complete", "", "")), stray)))
    assert [one.key.name for one in ended.delete] == ["bottles-1-7"]
    foreign = job(name="bottles-1-7", uid="stray", owner_uid="someone-else")
    assert settled(facts(stored_version(status=STARTED), jobs=(job(), foreign))).delete == ()


def test_backoff_limit_changes_the_running_job() -> None:
    version = stored_version({"spec.runPolicy": {"backoffLimit": 7}}, status=STARTED)
    settle = settled(facts(version, jobs=(job(),), pods=(pod(),)))
    assert settle.patch is not None
    assert (settle.patch.backoff_limit, settle.patch.ttl_seconds) == (7, None)


def test_a_version_that_is_being_deleted_is_left_alone() -> None:
    assert decided(facts(stored_version(deleting=True))) == Rest()
    assert decided(facts(stored_version(deleting=True, status=STARTED))) == Rest()


def test_a_stored_spec_that_cannot_be_trained_fails_in_one_sentence() -> None:
    settle = settled(facts(stored_version({"spec.training": {"architecture": "lost"}})))
    assert settle.status.phase == Phase.FAILED
    _, reason, message = told(settle, Condition.FAILED)
    assert reason == "InvalidSpec"
    assert "training.architecture 'lost' is not in the catalogue" in message


def test_no_job_while_a_pod_of_an_earlier_version_of_this_name_runs() -> None:
    settle = settled(facts(pods=(pod(job_uid="earlier", phase="Running", state=running()),)))
    assert settle.again
    assert settle.status.job is None
    assert told(settle, Condition.WAITING)[1:] == (
        "EarlierRunEnds",
        "Pod bottles-1-1-abcde of an earlier run of this name still runs; training starts when it is gone",
    )
    over = facts(pods=(pod(job_uid="earlier", phase="Failed", state=terminated(75)),))
    assert isinstance(decided(over), CreateJob)


def test_an_own_job_that_is_being_deleted_is_waited_for() -> None:
    settle = settled(facts(jobs=(job(deleting=True),)))
    assert told(settle, Condition.WAITING)[1] == "EarlierRunEnds"
    assert settle.delete == ()


@pytest.mark.parametrize(
    ("existing", "reason", "final"),
    [
        pytest.param(job(), None, None, id="its own"),
        pytest.param(job(deleting=True), "EarlierRunEnds", False, id="its own, being deleted"),
        pytest.param(job(owner_uid="earlier"), "EarlierRunEnds", False, id="an earlier version's"),
        pytest.param(job(owner_uid=None, deleting=True), "EarlierRunEnds", False, id="anyone's, being deleted"),
        pytest.param(job(owner_uid=None), "NameConflict", True, id="nobody's"),
        pytest.param(job(owner_uid="x", owner_name="other"), "NameConflict", True, id="another version's"),
    ],
)
def test_a_job_of_the_wanted_name(existing: dict[str, Any], reason: str | None, final: bool | None) -> None:
    obstacle = conflict(observe_version(stored_version()), observe_job(existing))
    assert (obstacle and obstacle.because.reason, obstacle and obstacle.final) == (reason, final)


def test_a_name_conflict_fails() -> None:
    given = replace(
        facts(), obstacle=Obstacle(Because("NameConflict", "Job x is not of this ModelVersion"), final=True)
    )
    assert settled(given).status.phase == Phase.FAILED


@pytest.mark.parametrize(
    ("error", "final"),
    [
        pytest.param(ApiError(500, "InternalError", 'failed calling webhook "mjob.kb.io"'), False, id="webhook down"),
        pytest.param(ApiError(403, "Forbidden", "exceeded quota: jobs"), False, id="quota"),
        pytest.param(ApiError(422, "Invalid", "denied by a policy"), False, id="admission policy"),
        pytest.param(ApiError(0, "Unreachable", "the API server does not answer"), False, id="no answer"),
        pytest.param(
            ApiError(422, "Invalid", "Job is invalid", ("spec.template.spec.nodeSelector",)), True, id="never valid"
        ),
    ],
)
def test_a_refused_job_is_waited_for_unless_it_can_never_be_taken(error: ApiError, final: bool) -> None:
    obstacle = refused("bottles-1-1", error)
    settle = settled(replace(facts(), obstacle=obstacle))
    kind = Condition.FAILED if final else Condition.WAITING
    assert settle.status.phase == (Phase.FAILED if final else Phase.PENDING)
    assert error.message in told(settle, kind)[2]
    assert settle.again is not final
