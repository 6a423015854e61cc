"""What is asked of Kueue: whether a queue and a priority in it are there, and how many are before a Job in its queue.

Kueue itself says nothing of a priority that is not there, and nobody tells when the order of a queue changes.
"""

from typing import Final

from tintype_operator.apierror import ApiError
from tintype_operator.client import KUEUE_GROUP, KUEUE_VISIBILITY_GROUP, Client, Resource
from tintype_operator.decisions import LookUpQueue
from tintype_operator.facts import WorkloadFacts
from tintype_operator.obstacles import Obstacle, no_kueue, no_queue

_FORBIDDEN: Final = 403


async def find_obstacle(client: Client, namespace: str, wanted: LookUpQueue) -> Obstacle | None:
    """Return why a Job would wait in a queue for ever; None where it would not, or where this operator may not look.

    An operator of some namespaces alone has no right to look at priorities, which are the cluster's.

    Raises:
        ApiError: where the API server does not answer.
    """
    version = await client.served_version(KUEUE_GROUP)
    if version is None:
        return no_kueue(wanted.name)
    queues = Resource(f"apis/{KUEUE_GROUP}/{version}", "localqueues")
    if not await _may_be_there(client, queues, namespace, wanted.name):
        return no_queue("runPolicy.queueName", "LocalQueue", wanted.name, namespace)
    priorities = Resource(f"apis/{KUEUE_GROUP}/{version}", "workloadpriorityclasses")
    if wanted.priority is None or await _may_be_there(client, priorities, None, wanted.priority):
        return None
    return no_queue("runPolicy.queuePriorityClassName", "WorkloadPriorityClass", wanted.priority, None)


async def others_before(client: Client, queue: str, workload: WorkloadFacts) -> int | None:
    """Return how many wait before a Workload in its LocalQueue; None where Kueue does not say, or not to everybody."""
    try:
        version = await client.served_version(KUEUE_VISIBILITY_GROUP)
        if version is None:
            return None
        queues = Resource(f"apis/{KUEUE_VISIBILITY_GROUP}/{version}", "localqueues")
        pending = await client.get(queues, workload.key.namespace, queue, "pendingworkloads")
    except ApiError:
        # It is a detail of a sentence that stands without it.
        return None
    found = (one for one in pending.get("items", []) if one["metadata"]["name"] == workload.key.name)
    position = next((one.get("positionInLocalQueue", 0) for one in found), None)
    return position if isinstance(position, int) else None


async def _may_be_there(client: Client, resource: Resource, namespace: str | None, name: str) -> bool:
    try:
        await client.get(resource, namespace, name)
    except ApiError as error:
        if error.not_found:
            return False
        if error.code != _FORBIDDEN:
            raise
    return True
