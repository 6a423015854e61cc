"""Small builders of the objects that the operator watches, as the API server sends them."""

from typing import Any

from support.modelversions import modelversion

UID = "version-uid"
JOB_UID = "job-uid"
LABELS = {"app.kubernetes.io/managed-by": "tintype", "tintype.dev/modelversion": "bottles-1"}
NOW = "2026-11-24T12:00:00Z"

SUCCEEDED_STATUS: dict[str, Any] = {
    "observedGeneration": 1,
    "phase": "Succeeded",
    "model": "98b1ed0a1b4d1e0c",
    "job": {"name": "bottles-1-1", "uid": JOB_UID},
    "attempt": 1,
    "completionTime": NOW,
    "conditions": [],
}


def stored_version(
    changes: dict[str, Any] | None = None,
    *,
    name: str = "bottles-1",
    uid: str = UID,
    generation: int = 1,
    status: dict[str, Any] | None = None,
    labels: dict[str, str] | None = None,
    resource_version: int = 1,
    deleting: bool = False,
) -> dict[str, Any]:
    """Return a ModelVersion as the API server holds it; without a preflight, unless `changes` ask for one."""
    document = modelversion(changes, name=name)
    document["spec"].setdefault("runPolicy", {}).setdefault("preflight", "Never")
    document["metadata"] |= {
        "namespace": "team-a",
        "uid": uid,
        "generation": generation,
        "resourceVersion": str(resource_version),
        "creationTimestamp": "2026-11-24T11:59:00Z",
        "labels": labels or {},
        "managedFields": [{"manager": "kubectl"}],
    }
    if deleting:
        document["metadata"]["deletionTimestamp"] = NOW
    if status is not None:
        document["status"] = status
    return document


def job(
    *,
    name: str = "bottles-1-1",
    uid: str = JOB_UID,
    owner_uid: str | None = UID,
    owner_name: str = "bottles-1",
    failed: int = 0,
    condition: tuple[str, str, str] | None = None,
    backoff_limit: int = 3,
    ttl: int | None = None,
    deleting: bool = False,
    suspended: bool = False,
    queue: str | None = None,
    managed_by: str | None = None,
    resource_version: int = 1,
) -> dict[str, Any]:
    """Return a Job; `condition` is type, reason and message of one that is True."""
    metadata: dict[str, Any] = {
        "name": name,
        "namespace": "team-a",
        "uid": uid,
        "resourceVersion": str(resource_version),
        "labels": LABELS | ({"kueue.x-k8s.io/queue-name": queue} if queue else {}),
    }
    if owner_uid is not None:
        owner = {"apiVersion": "tintype.dev/v1alpha1", "kind": "ModelVersion", "name": owner_name, "uid": owner_uid}
        metadata["ownerReferences"] = [owner | {"controller": True}]
    if deleting:
        metadata["deletionTimestamp"] = NOW
    status: dict[str, Any] = {"failed": failed}
    if condition is not None:
        kind, reason, message = condition
        status["conditions"] = [{"type": kind, "status": "True", "reason": reason, "message": message}]
        if kind == "Complete":
            status["completionTime"] = "2026-11-24T11:59:59Z"
    given = {"ttlSecondsAfterFinished": ttl, "suspend": suspended or None, "managedBy": managed_by}
    spec = {"backoffLimit": backoff_limit} | {name: value for name, value in given.items() if value is not None}
    return {"metadata": metadata, "spec": spec, "status": status}


def pod(
    *,
    name: str = "bottles-1-1-abcde",
    uid: str = "pod-1",
    job_uid: str = JOB_UID,
    phase: str = "Pending",
    state: dict[str, Any] | None = None,
    conditions: list[dict[str, Any]] | None = None,
    created: str = "2026-11-24T11:59:10Z",
    message: str = "",
    reason: str = "",
    ends_by: str | None = None,
) -> dict[str, Any]:
    """Return a Pod of a Job; `state` is its container's, `ends_by` when the grace of its deletion is over."""
    status: dict[str, Any] = {"phase": phase, "conditions": conditions or [], "message": message, "reason": reason}
    if state is not None:
        status["containerStatuses"] = [{"name": "trainer", "state": state}]
    deletion = {} if ends_by is None else {"deletionTimestamp": ends_by}
    return {
        "metadata": {
            **deletion,
            "name": name,
            "namespace": "team-a",
            "uid": uid,
            "resourceVersion": "1",
            "labels": LABELS,
            "creationTimestamp": created,
            "ownerReferences": [{"kind": "Job", "name": "bottles-1-1", "uid": job_uid, "controller": True}],
        },
        "spec": {"nodeName": "node-1", "containers": [{"name": "trainer", "image": "registry.example.com/trainer:1"}]},
        "status": status,
    }


def running() -> dict[str, Any]:
    """Return the state of a container that runs."""
    return {"running": {"startedAt": "2026-11-24T11:59:20Z"}}


def waiting(reason: str, message: str = "") -> dict[str, Any]:
    """Return the state of a container that waits."""
    return {"waiting": {"reason": reason, "message": message}}


def disrupted(reason: str) -> list[dict[str, Any]]:
    """Return the conditions of a Pod that something else ends."""
    return [{"type": "DisruptionTarget", "status": "True", "reason": reason}]


def terminated(
    exit_code: int, *, reason: str = "Error", message: str = "", signal: int = 0, at: str = "2026-11-24T11:59:50Z"
) -> dict[str, Any]:
    """Return the state of a container that ended."""
    ended = {"exitCode": exit_code, "reason": reason, "message": message, "finishedAt": at}
    started = {"startedAt": "2026-11-24T11:59:20Z"}
    return {"terminated": ended | started | ({"signal": signal} if signal else {})}


def refusal(message: str, *, job_uid: str = JOB_UID, seen_at: str = "2026-11-24T11:59:55Z") -> dict[str, Any]:
    """Return the Event about a Pod that the API server did not take."""
    return {
        "metadata": {"name": "bottles-1-1.abc", "namespace": "team-a", "uid": "event-1", "resourceVersion": "1"},
        "involvedObject": {"kind": "Job", "name": "bottles-1-1", "namespace": "team-a", "uid": job_uid},
        "reason": "FailedCreate",
        "message": message,
        "lastTimestamp": seen_at,
    }


def workload(message: str | None, *, job_uid: str = JOB_UID) -> dict[str, Any]:
    """Return what Kueue knows of a Job; `message` is why it has no quota, None once it has."""
    status = {"type": "QuotaReserved", "status": "True" if message is None else "False", "message": message or ""}
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": "bottles-1-1", "uid": job_uid, "controller": True}
    return {
        "metadata": {
            "name": "job-bottles-1-1-abc",
            "namespace": "team-a",
            "uid": "workload-1",
            "resourceVersion": "1",
            "ownerReferences": [owner],
        },
        "status": {"conditions": [status]},
    }
