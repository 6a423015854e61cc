"""The operator's decisions, asked of objects as the API server sends them."""

from typing import Any

from support.operator_objects import (
    JOB_UID,
    NOW,
    stored_version,
)
from tintype_api.constants import Condition
from tintype_api.spec.run import Storage
from tintype_operator.conditions import find
from tintype_operator.decide import decide
from tintype_operator.decisions import Decision, Facts, Settle
from tintype_operator.observe import observe_job, observe_pod, observe_refusal, observe_version, observe_workload

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
    workloads: tuple[dict[str, Any], ...] = (),
) -> Facts:
    return Facts(
        observe_version(version or stored_version()),
        tuple(observe_job(one) for one in jobs),
        tuple(observe_pod(one) for one in pods),
        tuple(observe_refusal(one) for one in refusals),
        tuple(observe_workload(one) for one in workloads),
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
