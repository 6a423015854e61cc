"""Why nothing runs yet, as a reason and one sentence. Pure."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from tintype_api.constants import JobDeletion
from tintype_operator.conditions import Because
from tintype_operator.facts import ContainerWait, JobFacts, PodFacts, RefusalFacts, VersionFacts, WorkloadFacts
from tintype_operator.reasons import WaitingReason

_PULLING: Final = frozenset({"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"})
_CONFIGURING: Final = frozenset({"CreateContainerConfigError", "CreateContainerError", "RunContainerError"})
_MISSING_SECRET: Final = re.compile(r'secret "([^"]+)" not found')
_MISSING_ACCOUNT: Final = re.compile(r'serviceaccount "([^"]+)" not found')
_QUOTA: Final = re.compile(r"exceeded quota: (?P<quota>[^,]+), (?P<room>.+)", re.DOTALL)
_POD_SECURITY: Final = re.compile(r'violates PodSecurity "(?P<level>[^"]+)": (?P<what>.+)', re.DOTALL)
_ADMISSION: Final = re.compile(r"(admission webhook \"|ValidatingAdmissionPolicy ').+ denied (the )?request", re.DOTALL)
_INSUFFICIENT: Final = re.compile(r"Insufficient (?P<resource>[a-z0-9.-]+/[A-Za-z0-9._-]*[A-Za-z0-9])")
_MISSING_PRIORITY: Final = re.compile(r"no PriorityClass with name (\S+) was found")
_FIRST_DELAY: Final = timedelta(seconds=10)
LONGEST_BACKOFF: Final = timedelta(minutes=1)
"""How long a version without a queue may wait after a crash; another attempt starts then."""
_LONGEST_DELAY: Final = timedelta(minutes=10)
"""The Job controller's back-off: 10 s, doubled with each failure up to 10 minutes."""


def for_container(pod: PodFacts) -> Because:
    """Return why the container of a Pod that has not ended does not run."""
    if pod.wait is not None and pod.wait.reason in _PULLING:
        return _image(pod, pod.wait)
    if pod.wait is not None and pod.wait.reason in _CONFIGURING:
        return _configuration(pod, pod.wait)
    if pod.scheduling_reason == "Unschedulable":
        return _unschedulable(pod)
    if pod.scheduling_reason:
        return Because(
            WaitingReason.SCHEDULING, f"Pod {pod.key.name} is held: {pod.scheduling_message or pod.scheduling_reason}"
        )
    if pod.wait is None:
        return Because(WaitingReason.SCHEDULING, f"Pod {pod.key.name} is waiting for a node")
    return Because(WaitingReason.CONTAINER_STARTING, f"the container of Pod {pod.key.name} is being started")


def for_pod(job: JobFacts, refusal: RefusalFacts | None) -> Because:
    """Return why a Job has no Pod at all; `refusal` is what the API server said when it did not take one."""
    if refusal is None:
        return Because(WaitingReason.POD_PENDING, f"Job {job.key.name} has not made its Pod yet")
    return _refused(job, refusal)


def for_next_pod(job: JobFacts, ended: Sequence[PodFacts], refusal: RefusalFacts | None) -> Because:
    """Return when the Job makes its next Pod, after Pods that ended; at least one."""
    last = _last_end(ended)
    if refusal is not None and datetime.fromisoformat(refusal.seen_at) > last:
        return _refused(job, refusal)
    delay = backoff(len(ended))
    waits = f"Job {job.key.name} waits {round(delay.total_seconds())} s before its next Pod"
    return Because(WaitingReason.BACKOFF, f"{waits}, due at {(last + delay).astimezone(UTC):%H:%M:%S} UTC")


def for_next_attempt(job: JobFacts, ended: Sequence[PodFacts], failures: int) -> Because:
    """Return when the next attempt starts, after one whose Pods ended together; so many crashed in all attempts."""
    if job.failure_reason is None:
        return Because(
            WaitingReason.POD_PENDING, f"Job {job.key.name} has not said yet what follows a Pod that is gone"
        )
    said = f"Job {job.key.name} ended, and all its Pods start anew in the next attempt"
    if failures and ended:
        said += f", due at {_next_attempt(ended, failures).astimezone(UTC):%H:%M:%S} UTC"
    return Because(WaitingReason.BACKOFF, said)


def seconds_until_next_attempt(ended: Sequence[PodFacts], failures: int, now: str) -> float:
    """Return how long the next attempt waits, after one whose Pods ended together; at least one crashed.

    Their ends are told by their nodes' clocks: one that is far ahead of this one's puts nothing off.
    """
    left = _next_attempt(ended, failures) - datetime.fromisoformat(now)
    return left.total_seconds() if left <= 2 * LONGEST_BACKOFF else 0.0


def _next_attempt(ended: Sequence[PodFacts], failures: int) -> datetime:
    return _last_end(ended) + min(backoff(failures), LONGEST_BACKOFF)


def backoff(failures: int) -> timedelta:
    """Return how long the Job controller waits before its next Pod, after so many that failed; at least one."""
    return min(_FIRST_DELAY * (1 << min(failures - 1, 10)), _LONGEST_DELAY)


def _last_end(ended: Sequence[PodFacts]) -> datetime:
    return max(datetime.fromisoformat(pod.ended_at) for pod in ended)


def for_queue(job: JobFacts, workload: WorkloadFacts | None, others_before: int | None) -> Because:
    """Return why a suspended Job is held.

    Args:
        job: The Job.
        workload: What its queue knows of it, if anything.
        others_before: How many wait before it in the queue, where that is known.
    """
    name = job.key.name
    if job.queue is None and workload is None:
        said = f"Job {name} is suspended, and not by this operator; whoever set its spec.suspend can let it go"
        return Because(WaitingReason.QUEUED, said)
    queue = f"queue {job.queue}" if job.queue else "a queue"
    detail = workload.message.rstrip(".") if workload is not None else ""
    said = f"{queue} holds Job {name}: {detail}" if detail else f"Job {name} waits for its turn in {queue}"
    place = "" if others_before is None else f"; it is number {others_before + 1} in the queue"
    return Because(WaitingReason.QUEUED, f"{said}{place}")


def for_suspension(version: VersionFacts) -> Because:
    """Return why nothing runs of a version that is suspended."""
    said = "runPolicy.suspend is true; set it to false to"
    if version.checkpoint and version.stop:
        return Because(WaitingReason.SUSPENDED, f"{said} evaluate and publish what was trained (runPolicy.stop)")
    start = "go on from the last checkpoint" if version.checkpoint else "train"
    return Because(WaitingReason.SUSPENDED, f"{said} {start}")


def for_deletion(why: JobDeletion, job: str, pods: Sequence[PodFacts]) -> Because:
    """Return what is waited for while the operator deletes a Job; `pods` are those that have not ended."""
    if why is not JobDeletion.SUSPENSION:
        return Because(WaitingReason.EARLIER_RUN, f"Job {job} is being deleted; the next attempt follows")
    what = f"Pod {pods[-1].key.name} saves a checkpoint and ends" if pods else f"Job {job} is being deleted"
    return Because(WaitingReason.SUSPENDING, f"runPolicy.suspend is true: {what}")


def _refused(job: JobFacts, refusal: RefusalFacts) -> Because:
    missing = _MISSING_ACCOUNT.search(refusal.message)
    if missing:
        return Because(
            WaitingReason.POD_REFUSED,
            f"ServiceAccount {missing[1]} is missing in namespace {job.key.namespace}; "
            "create it, or correct podTemplate.serviceAccountName",
        )
    said = refusal.message.removeprefix("Error creating: ")
    return _known_refusal(job, said) or Because(
        WaitingReason.POD_REFUSED, f"the Pod of Job {job.key.name} is refused: {said}"
    )


def _known_refusal(job: JobFacts, said: str) -> Because | None:
    """Return what a refusal of the API server means, where it is one of those that a namespace or cluster sets up."""
    namespace = job.key.namespace
    quota, security = _QUOTA.search(said), _POD_SECURITY.search(said)
    if quota:
        what = f"ResourceQuota {quota['quota']} of namespace {namespace} has no room for a Pod of Job {job.key.name}"
        return Because(
            WaitingReason.QUOTA,
            f"{what} ({quota['room']}); it starts once others have ended, or have the quota raised",
        )
    if security:
        return Because(
            WaitingReason.POD_SECURITY,
            f"Pod Security {security['level']} of namespace {namespace} refuses the Pod of Job {job.key.name}: "
            f"{security['what'].rstrip('.')}; correct what adds that to Pods, or the namespace's pod-security labels",
        )
    priority = _MISSING_PRIORITY.search(said)
    if priority:
        return Because(
            WaitingReason.POD_REFUSED,
            f"PriorityClass {priority[1]} is not in the cluster; create it, or suspend this version and correct "
            "runPolicy.priorityClassName",
        )
    if _ADMISSION.search(said):
        what = f"the cluster's admission refuses the Pod of Job {job.key.name}: {said.rstrip('.')}"
        return Because(WaitingReason.ADMISSION, f"{what}; ask who set it up, or correct podTemplate")
    return None


def _unschedulable(pod: PodFacts) -> Because:
    said = pod.scheduling_message.rstrip(".")
    lacks = _INSUFFICIENT.search(said)
    if lacks:
        return Because(
            WaitingReason.UNSCHEDULABLE,
            f"no node that may take Pod {pod.key.name} has a free {lacks['resource']}: {said}; it starts once one is "
            "free; where no node has any, correct compute.gpuResource or podTemplate.nodeSelector",
        )
    return Because(
        WaitingReason.UNSCHEDULABLE,
        f"no node takes Pod {pod.key.name}: {said}; "
        "lower spec.compute, or correct podTemplate.nodeSelector and podTemplate.tolerations",
    )


def _image(pod: PodFacts, wait: ContainerWait) -> Because:
    # ErrImagePull and ImagePullBackOff alternate, the latter with the former's words inside: one sentence for both.
    detail = wait.message.partition("ErrImagePull: ")[2] or wait.message or wait.reason
    return Because(
        WaitingReason.IMAGE_PULL,
        f"image {pod.image} cannot be pulled: {detail.rstrip('.')}; "
        "correct the operator's trainer image, or add podTemplate.imagePullSecrets",
    )


def _configuration(pod: PodFacts, wait: ContainerWait) -> Because:
    missing = _MISSING_SECRET.search(wait.message)
    if missing:
        return Because(
            WaitingReason.CONTAINER_CONFIG,
            f"Secret {missing[1]} is missing in namespace {pod.key.namespace}; "
            "create it, or correct storage.credentialsSecret",
        )
    return Because(
        WaitingReason.CONTAINER_CONFIG,
        f"the container of Pod {pod.key.name} cannot be made: {wait.message or wait.reason}",
    )
