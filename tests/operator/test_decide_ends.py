"""What the operator decides when a Job has ended, or one of its Pods has."""

from dataclasses import replace
from typing import Any

import pytest

from support.decisions import STARTED, SUCCEEDED, decided, facts, settled, told
from support.operator_objects import (
    NOW,
    job,
    pod,
    running,
    stored_version,
    terminated,
)
from tintype_api.constants import Condition, Phase
from tintype_operator.conditions import find
from tintype_operator.decisions import LookUpJob, LookUpPods


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
    given = facts(stored_version(status=STARTED), jobs=(failed,), pods=(pod(phase="Failed", state=end),))
    settle = settled(replace(given, pods_looked_up=True))
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
