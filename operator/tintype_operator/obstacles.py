"""Why a Job cannot be created now, or ever. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from tintype_api.constants import Condition, Phase, Reason
from tintype_operator.apierror import ApiError
from tintype_operator.conditions import Because, find
from tintype_operator.facts import JobFacts, PodFacts, VersionFacts
from tintype_operator.reasons import WaitingReason


@dataclass(frozen=True)
class Obstacle:
    """Why a Job could not be created; `final` where trying again cannot help."""

    because: Because
    final: bool = False


def earlier_run(pods: Iterable[PodFacts], own: JobFacts | None) -> Obstacle | None:
    """Return what is left of an earlier run of this name, if anything is.

    Args:
        pods: The Pods that carry the version's name, none of them of a Job that may be followed.
        own: A Job of the version itself that is being deleted, if there is one.
    """
    if own is not None:
        return _earlier(f"Job {own.key.name} is being deleted")
    running = sorted(pod.key.name for pod in pods if not pod.finished)
    if not running:
        return None
    return _earlier(f"Pod {running[0]} of an earlier run of this name still runs")


def conflict(version: VersionFacts, existing: JobFacts) -> Obstacle | None:
    """Return why a Job of the wanted name stands in the way; None where it is the version's own."""
    if existing.deleting:
        return _earlier(f"Job {existing.key.name} of an earlier run is being deleted")
    if existing.owner_uid == version.uid:
        return None
    if existing.owner_uid is not None and existing.version == version.key.name:
        return _earlier(f"Job {existing.key.name} belongs to an earlier ModelVersion of this name")
    said = (
        f"Job {existing.key.name} in namespace {existing.key.namespace} is not of this ModelVersion; "
        "delete that Job and then this ModelVersion, or choose another name"
    )
    return Obstacle(Because(Reason.NAME_CONFLICT, said), final=True)


def taken_service(name: str, namespace: str) -> Obstacle:
    """Return the obstacle of a Service that is not of the version and has the name of the one that it needs."""
    said = (
        f"Service {name} in namespace {namespace} is not of this ModelVersion, whose Pods cannot find each other "
        "without one of that name; delete it, or choose another name"
    )
    return Obstacle(Because(WaitingReason.NAME_TAKEN, said))


def unpublished_weights(version: VersionFacts, source: VersionFacts | None) -> Obstacle | None:
    """Return why the weights of another version cannot be started from; None where they can, or none are asked for.

    Args:
        version: The version that is to start.
        source: The version that its training.initialWeights.modelVersion names, if there is one.
    """
    if version.weights_from is None:
        return None
    named = f"training.initialWeights.modelVersion: ModelVersion {version.weights_from}"
    if source is None:
        return _no_weights(f"{named} does not exist; create it, or delete this ModelVersion and name another")
    if not source.ended:
        return _no_weights(f"{named} is not published yet; training starts when it is")
    complete = find(source.status.conditions, Condition.COMPLETE)
    untrained = complete is not None and complete.reason == Reason.NOTHING_TO_PUBLISH
    if source.published or not (untrained or source.status.phase is Phase.FAILED):
        return None
    said = f"{named} ended without being published; apply this ModelVersion anew with other weights"
    return Obstacle(Because(Reason.NOT_FOUND, said), final=True)


def _no_weights(said: str) -> Obstacle:
    return Obstacle(Because(WaitingReason.WEIGHTS, said))


def no_queue(field: str, kind: str, name: str, namespace: str | None) -> Obstacle:
    """Return the obstacle of a queue, or of a priority in it, that does not exist."""
    where = f"namespace {namespace}" if namespace else "the cluster"
    said = f"{field}: {kind} {name} is not in {where}; create it, or suspend this version and name another"
    return Obstacle(Because(WaitingReason.QUEUE_MISSING, said))


def no_kueue(name: str) -> Obstacle:
    """Return the obstacle of a queue in a cluster without queues."""
    said = f"runPolicy.queueName: the cluster has no Kueue, so no queue {name}; install it, or suspend and remove it"
    return Obstacle(Because(WaitingReason.QUEUE_MISSING, said))


def refused(name: str, error: ApiError) -> Obstacle:
    """Return the obstacle when the API server did not take the Job.

    Only fields that the Job's own validation names are final, since the spec cannot change: webhooks, quotas, rights
    and servers that do not answer may all change.
    """
    if error.code == 422 and error.fields and all(field.startswith("spec.") for field in error.fields):
        said = f"no Job can be made of this spec: {error.message}; correct it and apply it anew"
        return Obstacle(Because(Reason.INVALID_SPEC, said), final=True)
    return Obstacle(Because(WaitingReason.JOB_REFUSED, f"Job {name} is not accepted yet: {error.message}"))


def _earlier(what: str) -> Obstacle:
    return Obstacle(Because(WaitingReason.EARLIER_RUN, f"{what}; training starts when it is gone"))
