"""What is sent where a status is written."""

import asyncio
from typing import Any, cast

import pytest

from support.decisions import STARTED, facts
from support.operator_objects import job, stored_version
from tintype_api.constants import Phase
from tintype_operator.access import Access
from tintype_operator.cache import Caches
from tintype_operator.client import Client
from tintype_operator.decisions import JobPatch, Settle
from tintype_operator.metrics import Metrics
from tintype_operator.writer import Writer


class Server:
    """Takes each status, and answers as the API server does."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []

    async def apply_status(self, *_place: object, manager: str) -> dict[str, Any]:
        assert manager == "tintype-operator"
        body = cast("dict[str, Any]", _place[-1])
        self.bodies.append(body)
        answer: dict[str, Any] = stored_version(status=body["status"], resource_version=8)
        return answer

    async def delete(self, *_place: object, propagation: str) -> dict[str, Any]:
        return {"kind": "Status", "status": "Success"} if propagation == "Background" else {"kind": "Job"} | job()

    async def merge(self, *_place: object) -> dict[str, Any]:
        """Answer with the Job as it is by now: complete."""
        return job(backoff_limit=5, condition=("Complete", "", ""), resource_version=9)


def test_a_status_is_for_the_object_that_was_decided_on() -> None:
    """A version of the same name that was applied meanwhile has another resourceVersion; its uid is not compared."""
    server, caches = Server(), Caches()
    version = facts(stored_version(resource_version=7)).version
    status = version.status.model_copy(update={"phase": Phase.PENDING})
    writer = Writer(cast("Client", server), caches, cast("Access", None), Metrics(), lambda _: None)
    settle = Settle(status, model_label=version.model_label)
    assert asyncio.run(writer.settle(version, settle))
    assert server.bodies[0]["metadata"] == {"name": "bottles-1", "namespace": "team-a", "resourceVersion": "7"}
    known = caches.versions.get(version.key)
    assert known is not None
    assert (known.resource_version, known.status.phase) == (8, Phase.PENDING)


@pytest.mark.parametrize("what", ["delete", "delete_after_pods", "patch"])
def test_a_version_is_looked_at_again_when_only_its_job_was_written(what: str) -> None:
    """As after a deletion that had failed at first: the answer takes the Job out of the cache, so no news will come."""
    caches = Caches()
    given = facts(stored_version(status=STARTED), jobs=(job(),))
    version, (own,) = given.version, given.jobs
    caches.jobs.put(own)
    asked: dict[str, Any] = {"delete": (own,), "delete_after_pods": own, "patch": JobPatch(own, backoff_limit=5)}
    settle = Settle(version.status, model_label=version.model_label, **{what: asked[what]})
    writer = Writer(cast("Client", Server()), caches, cast("Access", None), Metrics(), lambda _: None)
    assert asyncio.run(writer.settle(version, settle))
    known = caches.jobs.get(own.key)
    assert (known is None) is (what == "delete")
    assert known is None or known.complete is (what == "patch")
