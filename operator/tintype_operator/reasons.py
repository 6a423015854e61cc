"""Reasons that only the operator gives: why nothing runs yet, and what it tells in Events."""

from enum import StrEnum


class WaitingReason(StrEnum):
    """Reasons of the condition Waiting."""

    STARTED = "Started"
    """Nothing is waited for any more."""
    ENDED = "Ended"
    """The version ended, so nothing is waited for."""
    SUSPENDING = "Suspending"
    """runPolicy.suspend is true, and what runs is about to end."""
    SUSPENDED = "Suspended"
    """runPolicy.suspend is true, and nothing runs."""
    QUEUED = "Queued"
    """The Job is in a queue, which has not let it go yet."""
    QUEUE_MISSING = "QueueMissing"
    """There is no such queue, or no such priority in it."""
    JOB_REFUSED = "JobRefused"
    """The API server did not take the Job; it is tried again."""
    EARLIER_RUN = "EarlierRunEnds"
    """An earlier attempt, or an earlier ModelVersion of this name, has not quite gone."""
    WEIGHTS = "InitialWeights"
    """The version whose weights it starts from is not published yet."""
    POD_PENDING = "PodNotCreated"
    """The Job controller has not made the Pod."""
    POD_REFUSED = "PodRefused"
    """The API server did not take the Pod."""
    QUOTA = "QuotaExceeded"
    """A ResourceQuota of the namespace has no room for the Pod."""
    POD_SECURITY = "PodSecurity"
    """The namespace's Pod Security level refuses the Pod."""
    ADMISSION = "AdmissionRefused"
    """A webhook or policy of the cluster refuses the Pod."""
    BACKOFF = "Backoff"
    """The Job controller lets time pass before the next Pod."""
    UNSCHEDULABLE = "Unschedulable"
    """No node takes the Pod, such as for want of a free GPU."""
    SCHEDULING = "Scheduling"
    """The Pod has no node yet."""
    IMAGE_PULL = "ImagePull"
    """The image cannot be pulled."""
    CONTAINER_CONFIG = "ContainerConfig"
    """The container cannot be made, such as for want of a Secret."""
    CONTAINER_STARTING = "ContainerStarting"
    """The container is being started."""


class EventReason(StrEnum):
    """Reasons of Events that tell of no condition."""

    JOB_CREATED = "JobCreated"
