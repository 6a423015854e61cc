"""What the API server is asked about a queue, and what its answers mean."""

from typing import Any

import pytest

from support.operator_objects import workload
from tintype_operator.apierror import ApiError
from tintype_operator.client import Resource
from tintype_operator.decisions import LookUpQueue
from tintype_operator.observe import observe_workload
from tintype_operator.queues import find_obstacle, others_before


class Server:
    """An API server that has some objects, refuses to show some kinds, or is broken."""

    def __init__(
        self, version: str | None, names: tuple[str, ...], barred: tuple[str, ...] = (), *, broken: bool = False
    ) -> None:
        self.version, self.names, self.barred, self.broken = version, names, barred, broken

    async def served_version(self, group: str) -> str | None:
        assert group in {"kueue.x-k8s.io", "visibility.kueue.x-k8s.io"}
        return self.version

    def pending(self, resource: Resource, name: str, subresource: str) -> dict[str, Any]:
        """Return the Workloads of a queue, as Kueue's visibility API does."""
        if self.broken:
            raise ApiError(503, "ServiceUnavailable", "away")
        path = resource.path("team-a", name, subresource)
        assert (
            path == f"/apis/visibility.kueue.x-k8s.io/{self.version}/namespaces/team-a/localqueues/team/{subresource}"
        )
        assert subresource == "pendingworkloads"
        places = enumerate(self.names)
        return {"items": [{"metadata": {"name": one}, "positionInLocalQueue": place} for place, one in places]}

    async def get(
        self, resource: Resource, namespace: str | None, name: str, subresource: str | None = None
    ) -> dict[str, Any]:
        if subresource is not None:
            return self.pending(resource, name, subresource)
        assert resource.group_version == f"apis/kueue.x-k8s.io/{self.version}"
        assert (namespace is None) == (resource.plural == "workloadpriorityclasses")
        if self.broken:
            raise ApiError(503, "ServiceUnavailable", "away")
        if resource.plural in self.barred:
            raise ApiError(403, "Forbidden", "not yours")
        if name not in self.names:
            raise ApiError(404, "NotFound", "not found", name=name)
        return {}


@pytest.mark.parametrize(
    ("server", "priority", "words"),
    [
        (Server(None, ()), None, "runPolicy.queueName: the cluster has no Kueue, so no queue team"),
        (Server("v1beta2", ()), "low", "runPolicy.queueName: LocalQueue team is not in namespace team-a"),
        (Server("v1beta1", ("team",)), None, None),
        (
            Server("v1beta2", ("team",)),
            "low",
            "runPolicy.queuePriorityClassName: WorkloadPriorityClass low is not in the cluster",
        ),
        (Server("v1beta2", ("team", "low")), "low", None),
        (Server("v1beta2", ("team",), barred=("workloadpriorityclasses",)), "low", None),
    ],
)
async def test_what_is_not_there_is_named(server: Any, priority: str | None, words: str | None) -> None:  # noqa: ANN401
    obstacle = await find_obstacle(server, "team-a", LookUpQueue("team", priority))
    assert (obstacle is None) is (words is None)
    if obstacle is not None and words is not None:
        assert obstacle.because.message.startswith(words)
        assert not obstacle.final


async def test_an_api_server_that_does_not_answer_is_asked_again() -> None:
    away = Server("v1beta2", (), broken=True)
    with pytest.raises(ApiError, match="away"):
        await find_obstacle(away, "team-a", LookUpQueue("team", None))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("server", "others"),
    [
        (Server("v1beta2", ("first", "job-bottles-1-1-abc", "third")), 1),
        (Server("v1beta2", ("first",)), None),
        (Server(None, ()), None),
        (Server("v1beta2", ("job-bottles-1-1-abc",), broken=True), None),
    ],
)
async def test_the_place_in_a_queue_is_what_kueue_says(server: Any, others: int | None) -> None:  # noqa: ANN401
    assert await others_before(server, "team", observe_workload(workload("no quota"))) == others
