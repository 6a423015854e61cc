"""What the operator decides, from objects as the API server sends them."""

from dataclasses import replace
from typing import Any

import pytest

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
from tintype_operator.conditions import Because, find
from tintype_operator.decide import CreateJob, Decision, Facts, LookUpJob, LookUpPods, Rest, Settle, decide
from tintype_operator.observe import observe_job, observe_pod, observe_refusal, observe_version
from tintype_operator.obstacles import Obstacle, conflict, refused

DIGEST = "98b1ed0a1b4d1e0c"
STARTED: dict[str, Any] = {
    "observedGeneration": 1,
    "phase": "Training",
    "model": DIGEST,
    "job": {"name": "bottles-1-1", "uid": JOB_UID, "podUID": "pod-1"},
    "attempt": 1,
    "startTime": "2026-11-24T11:59:20Z",
    "conditions": [
        {
            "type": "Waiting",
            "status": "False",
            "reason": "Started",
            "message": "",
            "lastTransitionTime": "2026-11-24T11:59:20Z",
            "observedGeneration": 1,
        }
    ],
}
SUCCEEDED = STARTED | {"phase": "Succeeded", "completionTime": NOW, "job": {"name": "bottles-1-1", "uid": JOB_UID}}


def facts(
    version: dict[str, Any] | None = None,
    *,
    jobs: tuple[dict[str, Any], ...] = (),
    pods: tuple[dict[str, Any], ...] = (),
    refusals: tuple[dict[str, Any], ...] = (),
) -> Facts:
    return Facts(
        observe_version(version or stored_version()),
        tuple(observe_job(one) for one in jobs),
        tuple(observe_pod(one) for one in pods),
        tuple(observe_refusal(one) for one in refusals),
    )


def decided(given: Facts) -> Decision:
    return decide(given, Storage(), NOW)


def settled(given: Facts) -> Settle:
    decision = decided(given)
    assert isinstance(decision, Settle), decision
    return decision


def told(settle: Settle, kind: Condition) -> tuple[str, str, str]:
    condition = find(settle.status.conditions, kind)
    assert condition is not None, settle.status.conditions
    return condition.status, condition.reason, condition.message


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
            "0/3 nodes are available: 3 Insufficient nvidia.com/gpu; lower spec.compute",
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


def test_waiting_says_why_a_pod_was_refused() -> None:
    message = 'Error creating: pods "bottles-1-1-" is forbidden: exceeded quota: gpus'
    settle = settled(facts(jobs=(job(),), refusals=(refusal(message),)))
    assert told(settle, Condition.WAITING)[1:] == (
        "PodRefused",
        'the Pod of Job bottles-1-1 is refused: pods "bottles-1-1-" is forbidden: exceeded quota: gpus',
    )


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


def test_a_complete_job_succeeds() -> None:
    version = stored_version(status=STARTED | {"stage": "Publishing"})
    done = pod(phase="Succeeded", state=terminated(0, reason="Completed"))
    settle = settled(facts(version, jobs=(job(condition=("Complete", "", "")),), pods=(done,)))
    assert settle.status.phase == Phase.SUCCEEDED
    assert settle.status.completion_time == "2026-11-24T11:59:59Z"
    assert told(settle, Condition.COMPLETE) == ("True", "Published", "published to s3://models/team-a/bottles-1/")
    assert told(settle, Condition.WAITING)[0] == "False"
    assert settle.status.job is not None
    assert settle.status.job.pod_uid is None
    assert settle.patch is None, "the TTL comes after the latch"


def test_a_complete_job_whose_pod_said_that_time_was_up_is_stopped() -> None:
    message = '{"exitCode":0,"reason":"MaxDurationReached","message":"4h of training are over; epoch 7 was published"}'
    done = pod(phase="Succeeded", state=terminated(0, reason="Completed", message=message))
    settle = settled(facts(stored_version(status=STARTED), jobs=(job(condition=("Complete", "", "")),), pods=(done,)))
    assert settle.status.phase == Phase.STOPPED
    assert told(settle, Condition.COMPLETE)[1:] == (
        "MaxDurationReached",
        "4h of training are over; epoch 7 was published",
    )


def test_the_pod_of_a_complete_job_is_looked_up_before_its_end_is_told() -> None:
    given = facts(stored_version(status=STARTED), jobs=(job(condition=("Complete", "", "")),), pods=(pod(),))
    assert isinstance(decided(given), LookUpPods)
    assert settled(replace(given, pods=(), pods_looked_up=True)).status.phase == Phase.SUCCEEDED


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


@pytest.mark.parametrize(
    ("end", "job_reason", "reason", "words"),
    [
        pytest.param(
            terminated(65, message='{"exitCode":65,"reason":"DataError","message":"line 7 is no JSON; correct it"}'),
            "PodFailurePolicy",
            "DataError",
            "line 7 is no JSON; correct it",
            id="what the trainer said",
        ),
        pytest.param(
            terminated(66), "PodFailurePolicy", "NotFound", "see kubectl logs bottles-1-1-abcde", id="it said nothing"
        ),
        pytest.param(
            terminated(66, message='{"reason": "no reason", "message": "x"}'),
            "PodFailurePolicy",
            "NotFound",
            "exit code 66",
            id="a reason that is no word",
        ),
        pytest.param(
            terminated(137, reason="OOMKilled"),
            "BackoffLimitExceeded",
            "OOMKilled",
            "failed 4 times, more often than runPolicy.backoffLimit 3 allows; the last time: the trainer was killed "
            "for using more than compute.memory 16Gi; raise it or lower training.batchSize",
            id="too much memory too often",
        ),
        pytest.param(
            terminated(137),
            "BackoffLimitExceeded",
            "Killed",
            "the last time: the trainer was killed by signal 9 (SIGKILL)",
            id="killed too often",
        ),
        pytest.param(
            terminated(1),
            "BackoffLimitExceeded",
            "Crashed",
            "the last time: the trainer ended with exit code 1; see kubectl logs",
            id="crashed too often",
        ),
    ],
)
def test_a_failed_job_says_why(end: dict[str, Any], job_reason: str, reason: str, words: str) -> None:
    failed = job(failed=4, condition=("Failed", job_reason, "in Kubernetes' words"))
    settle = settled(facts(stored_version(status=STARTED), jobs=(failed,), pods=(pod(phase="Failed", state=end),)))
    assert settle.status.phase == Phase.FAILED
    assert settle.status.completion_time == NOW
    status, because, message = told(settle, Condition.FAILED)
    assert (status, because) == ("True", reason)
    assert words in message


def test_a_failed_job_without_a_pod_that_says_why_is_looked_into() -> None:
    given = facts(stored_version(status=STARTED), jobs=(job(condition=("Failed", "DeadlineExceeded", "too slow")),))
    assert decided(given) == LookUpPods(given.jobs[0])
    settle = settled(replace(given, pods_looked_up=True))
    assert told(settle, Condition.FAILED)[1:] == ("DeadlineExceeded", "Job bottles-1-1 failed: too slow")


def test_a_failure_that_is_tried_again_shows_in_retrying() -> None:
    version = stored_version(status=STARTED)
    dead = pod(phase="Failed", state=terminated(137, reason="OOMKilled"))
    settle = settled(facts(version, jobs=(job(failed=1),), pods=(dead,)))
    assert settle.status.phase == Phase.PENDING
    assert settle.status.job is not None
    assert settle.status.job.pod_uid is None, "an ended Pod may not report"
    assert told(settle, Condition.RETRYING) == (
        "True",
        "OOMKilled",
        "the trainer was killed for using more than compute.memory 16Gi; raise it or lower training.batchSize "
        "(1 of 3 retries used)",
    )
    assert told(settle, Condition.WAITING)[1:] == (
        "Backoff",
        "Job bottles-1-1 waits 10 s before its next Pod, due at 12:00:00 UTC",
    )
    again = pod(name="bottles-1-1-fghij", uid="pod-2", created=NOW, phase="Running", state=running())
    later = settled(facts(stored_version(status=settle.status.to_wire()), jobs=(job(failed=1),), pods=(dead, again)))
    assert later.status.job is not None
    assert later.status.job.pod_uid == "pod-2"
    assert told(later, Condition.RETRYING)[0] == "False"
    assert later.status.start_time == "2026-11-24T11:59:20Z"


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(pod(phase="Failed", state=terminated(75)), id="told to end"),
        pytest.param(
            pod(
                phase="Failed",
                state=terminated(137),
                conditions=[{"type": "DisruptionTarget", "status": "True"}],
                message="node is drained",
            ),
            id="evicted",
        ),
    ],
)
def test_an_interruption_uses_no_retry(end: dict[str, Any]) -> None:
    settle = settled(facts(stored_version(status=STARTED), jobs=(job(),), pods=(end,)))
    status, reason, message = told(settle, Condition.RETRYING)
    assert (status, reason) == ("True", "Interrupted")
    assert "none of the retries is used" in message


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"job": job(failed=0), "pod": pod(phase="Failed", state=terminated(1))}, id="not counted yet"),
        pytest.param({"job": job(), "pod": pod(phase="Failed", state=terminated(65))}, id="final exit code"),
        pytest.param(
            {"job": job(failed=4), "pod": pod(phase="Failed", state=terminated(1))}, id="more often than allowed"
        ),
        pytest.param(
            {
                "job": job(failed=4, condition=("FailureTarget", "BackoffLimitExceeded", "")),
                "pod": pod(phase="Failed", state=terminated(1)),
            },
            id="about to fail",
        ),
        pytest.param(
            {"job": job(), "pod": pod(phase="Succeeded", state=terminated(0, reason="Completed"))},
            id="about to succeed",
        ),
        pytest.param({"job": job(), "pod": pod(phase="Running", state=terminated(0))}, id="container just ended"),
    ],
)
def test_the_phase_stays_while_the_job_has_yet_to_say_what_follows(given: dict[str, Any]) -> None:
    settle = settled(facts(stored_version(status=STARTED), jobs=(given["job"],), pods=(given["pod"],)))
    assert settle.status.phase == Phase.TRAINING
    assert find(settle.status.conditions, Condition.RETRYING) is None
    assert told(settle, Condition.WAITING)[0] == "False"


def test_a_job_that_no_cache_has_is_looked_up_before_it_counts_as_deleted() -> None:
    given = facts(stored_version(status=STARTED))
    assert decided(given) == LookUpJob("bottles-1-1")
    settle = settled(replace(given, job_is_gone=True))
    assert settle.status.phase == Phase.FAILED
    assert told(settle, Condition.FAILED)[1:] == (
        "JobDeleted",
        "Job bottles-1-1 was deleted before it ended; delete this ModelVersion and apply it again to train it",
    )


def test_a_deleted_job_whose_version_was_published_has_succeeded() -> None:
    version = stored_version(status=STARTED | {"artifacts": {"uri": "s3://models/team-a/bottles-1/"}})
    assert settled(replace(facts(version), job_is_gone=True)).status.phase == Phase.SUCCEEDED


def test_another_job_of_the_same_name_is_not_the_one_that_status_names() -> None:
    given = facts(stored_version(status=STARTED), jobs=(job(uid="another"),))
    assert decided(given) == LookUpJob("bottles-1-1")


def test_jobs_that_status_does_not_name_are_deleted() -> None:
    stray = job(name="bottles-1-7", uid="stray")
    settle = settled(facts(stored_version(status=STARTED), jobs=(job(), stray), pods=(pod(),)))
    assert [one.key.name for one in settle.delete] == ["bottles-1-7"]
    ended = settled(facts(stored_version(status=SUCCEEDED), jobs=(job(), stray)))
    assert [one.key.name for one in ended.delete] == ["bottles-1-7"]
    foreign = job(name="bottles-1-7", uid="stray", owner_uid="someone-else")
    assert settled(facts(stored_version(status=STARTED), jobs=(job(), foreign))).delete == ()


def test_an_ended_version_only_sets_the_ttl_of_its_job() -> None:
    settle = settled(facts(stored_version(status=SUCCEEDED), jobs=(job(condition=("Complete", "", "")),)))
    assert settle.patch is not None
    assert settle.patch.ttl_seconds == 86_400
    assert settle.access is None
    done = settled(facts(stored_version(status=SUCCEEDED), jobs=(job(condition=("Complete", "", ""), ttl=86_400),)))
    assert done.patch is None
    changed = stored_version({"spec.runPolicy": {"ttlSecondsAfterFinished": 5}}, status=SUCCEEDED, generation=2)
    later = settled(facts(changed, jobs=(job(condition=("Complete", "", ""), ttl=86_400),)))
    assert later.patch is not None
    assert later.patch.ttl_seconds == 5
    assert later.status.observed_generation == 2


@pytest.mark.parametrize("phase", ["Succeeded", "Stopped", "Failed"])
def test_an_ended_version_whose_job_is_gone_is_never_trained_again(phase: str) -> None:
    settle = settled(facts(stored_version(status=SUCCEEDED | {"phase": phase})))
    assert settle.status.phase == phase
    assert (settle.patch, settle.delete) == (None, ())


def test_a_status_of_another_operator_version_keeps_an_ended_version_ended() -> None:
    settle = settled(facts(stored_version(status={"phase": "Failed", "novelty": 1, "attempt": "many"})))
    assert settle.status.phase == Phase.FAILED


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
        "Pod bottles-1-1-abcde of an earlier ModelVersion of this name still runs; training starts when it is gone",
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
