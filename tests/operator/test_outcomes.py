"""Every way in which a Pod ends: its reason, whether it is tried again, and a sentence that says what to do."""

import json
from typing import Any

import pytest

from support.operator_objects import disrupted, pod, terminated
from tintype_operator.observe import observe_pod
from tintype_operator.outcomes import outcome

MEMORY = "the trainer was killed for using more than compute.memory 16Gi; raise it or lower training.batchSize"
LOG = "see kubectl logs bottles-1-1-abcde -n team-a"
ENDS = "2026-11-24T12:00:00Z"


def failed(exit_code: int, **end: Any) -> dict[str, Any]:  # noqa: ANN401 - as JSON
    return pod(phase="Failed", state=terminated(exit_code, **end))


def said(reason: str, message: str) -> str:
    return json.dumps({"exitCode": 1, "reason": reason, "message": message})


@pytest.mark.parametrize(
    ("ended", "reason", "final", "interrupted", "sentence"),
    [
        (failed(1), "Crashed", False, False, f"the trainer ended with exit code 1; {LOG}"),
        (failed(64), "InvalidSpec", True, False, f"the trainer ended with exit code 64 (InvalidSpec); {LOG}"),
        (failed(65), "DataError", True, False, f"the trainer ended with exit code 65 (DataError); {LOG}"),
        (failed(66), "NotFound", True, False, f"the trainer ended with exit code 66 (NotFound); {LOG}"),
        (failed(78), "EnvironmentError", True, False, f"the trainer ended with exit code 78 (EnvironmentError); {LOG}"),
        (failed(65, message=said("DataError", "line 7 is no JSON")), "DataError", True, False, "line 7 is no JSON"),
        (
            failed(1, message=said("GPUOutOfMemory", "set training.batchSize to 8")),
            "GPUOutOfMemory",
            False,
            False,
            "set training.batchSize to 8",
        ),
        (failed(1, message=said("Hung", "the trainer hangs")), "Hung", False, False, "the trainer hangs"),
        (failed(137, reason="OOMKilled"), "OOMKilled", False, False, MEMORY),
        (failed(137), "Killed", False, False, f"the trainer was killed by signal 9 (SIGKILL); {LOG}"),
        (failed(139), "Killed", False, False, f"the trainer was killed by signal 11 (SIGSEGV); {LOG}"),
        (
            pod(phase="Failed", state=terminated(137), ends_by=ENDS),
            "Killed",
            False,
            False,
            "Pod bottles-1-1-abcde was told to end and had not saved its checkpoint when its time was over; "
            "raise compute.terminationGracePeriodSeconds",
        ),
        (failed(75), "Interrupted", False, True, "Pod bottles-1-1-abcde was told to end"),
        (
            pod(phase="Failed", state=terminated(137), conditions=disrupted("EvictionByEvictionAPI"), ends_by=ENDS),
            "Evicted",
            False,
            True,
            "Pod bottles-1-1-abcde was evicted, as kubectl drain does",
        ),
        (
            pod(phase="Failed", conditions=disrupted("DeletionByPodGC"), message="PodGC: node not found"),
            "NodeLost",
            False,
            True,
            "Pod bottles-1-1-abcde was deleted, since its node is gone: PodGC: node not found",
        ),
        (
            pod(phase="Failed", reason="UnexpectedAdmissionError", message="no device is left"),
            "UnexpectedAdmissionError",
            False,
            False,
            "Pod bottles-1-1-abcde failed before its container ended: no device is left",
        ),
        (
            pod(phase="Failed"),
            "Crashed",
            False,
            False,
            "Pod bottles-1-1-abcde failed before its container ended; "
            "see kubectl describe pod bottles-1-1-abcde -n team-a",
        ),
    ],
)
def test_how_a_pod_ended(ended: dict[str, Any], reason: str, final: bool, interrupted: bool, sentence: str) -> None:
    found = outcome(observe_pod(ended), "16Gi")
    assert (found.because.reason, found.because.message) == (reason, sentence)
    assert (found.final, found.interrupted) == (final, interrupted)
