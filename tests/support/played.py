"""A namespace of a cluster without a node, in which the test plays the kubelet and the trainer."""

from datetime import UTC, datetime
from typing import Any

from support.kube import APPLY, JOBS, PODS, VERSIONS, Answer, Kube, eventually
from support.modelversions import modelversion

STARTED_AT = "2026-11-24T12:00:00Z"


class Played:
    """What tests do and see in one namespace."""

    def __init__(self, kube: Kube, namespace: str) -> None:
        self.kube = kube
        self.namespace = namespace
        self.versions, self.jobs, self.pods_path = (path.format(namespace) for path in (VERSIONS, JOBS, PODS))

    def apply(self, name: str, changes: dict[str, Any] | None = None) -> dict[str, Any]:
        """Create a ModelVersion."""
        return self.kube.must(
            "POST", self.versions, modelversion({"spec.compute": {"gpus": 0}} | (changes or {}), name=name)
        )

    def version(self, name: str) -> dict[str, Any]:
        return self.kube.get(f"{self.versions}/{name}")

    def status(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.version(name).get("status", {})
        return found

    def condition(self, name: str, kind: str) -> dict[str, Any]:
        conditions = self.status(name).get("conditions", [])
        return next((one for one in conditions if one["type"] == kind), {})

    def until(self, name: str, phase: str, within_s: float = 20.0) -> dict[str, Any]:
        """Return the status once it has a phase."""
        return eventually(lambda: self.status(name), lambda status: status.get("phase") == phase, within_s)

    def until_condition(self, name: str, kind: str, reason: str, status: str = "True") -> str:
        """Return the message of a condition once it has a reason."""
        found = eventually(
            lambda: self.condition(name, kind),
            lambda one: one.get("reason") == reason and one.get("status") == status,
        )
        return str(found["message"])

    def job(self, name: str) -> dict[str, Any] | None:
        return self.kube.find(f"{self.jobs}/{name}-1")

    def pods(self, name: str) -> list[dict[str, Any]]:
        """Return the Pods of a version, oldest first."""
        found = self.kube.items(self.pods_path, labelSelector=f"tintype.dev/modelversion={name}")
        return sorted(
            found, key=lambda pod: (pod["metadata"]["creationTimestamp"], pod["status"]["phase"] == "Pending")
        )

    def pod(self, name: str) -> dict[str, Any]:
        """Return the Pod that has not ended, once there is one that status names."""

        def named() -> dict[str, Any] | None:
            uid = self.status(name).get("job", {}).get("podUID")
            left = [pod for pod in self.pods(name) if pod["status"].get("phase") not in {"Succeeded", "Failed"}]
            return next((pod for pod in left if pod["metadata"]["uid"] == uid), None)

        found = eventually(named, within_s=30)
        assert found is not None
        return found

    def play(self, pod: dict[str, Any], phase: str, state: dict[str, Any]) -> None:
        """Be the kubelet: give a Pod's container a state."""
        container = {"name": "trainer", "image": "x", "imageID": "x", "ready": False, "restartCount": 0, "state": state}
        path = f"{self.pods_path}/{pod['metadata']['name']}"
        self.kube.patch_status(path, {"phase": phase, "containerStatuses": [container]})

    def run(self, pod: dict[str, Any]) -> None:
        """Be the kubelet: run a Pod."""
        self.play(pod, "Running", {"running": {"startedAt": STARTED_AT}})

    def end(self, pod: dict[str, Any], exit_code: int, message: str = "", reason: str = "Error") -> None:
        """Be the kubelet: a Pod's container has ended."""
        times = {"startedAt": STARTED_AT, "finishedAt": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
        ended = {"exitCode": exit_code, "message": message, "reason": reason}
        self.play(pod, "Failed" if exit_code else "Succeeded", {"terminated": ended | times})

    def token(self, pod: dict[str, Any]) -> str:
        """Return a token bound to a Pod, as the kubelet mounts it."""
        account = pod["spec"]["serviceAccountName"]
        bound = {"apiVersion": "v1", "kind": "Pod", "name": pod["metadata"]["name"], "uid": pod["metadata"]["uid"]}
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"boundObjectRef": bound}}
        path = f"api/v1/namespaces/{self.namespace}/serviceaccounts/{account}/token"
        answer = self.kube.must("POST", path, request)
        return str(answer["status"]["token"])

    def report(self, token: str, name: str, status: dict[str, Any]) -> Answer:
        """Be the trainer: apply fields of a version's status."""
        trainer = Kube(self.kube.kubeconfig, token)
        try:
            body = {"apiVersion": "tintype.dev/v1alpha1", "kind": "ModelVersion", "status": status}
            path = f"{self.versions}/{name}/status"
            return trainer.request("PATCH", path, body, APPLY, fieldManager="tintype-trainer", force="true")
        finally:
            trainer.close()
