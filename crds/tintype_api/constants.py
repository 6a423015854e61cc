"""Names that the operator, the trainer, the chart and users share; each stands here once."""

from enum import IntEnum, StrEnum
from typing import Final

GROUP: Final = "tintype.dev"
VERSION: Final = "v1alpha1"
API_VERSION: Final = "tintype.dev/v1alpha1"
KIND: Final = "ModelVersion"
PLURAL: Final = "modelversions"
SINGULAR: Final = "modelversion"
SHORT_NAME: Final = "mv"
OPERATE_VERB: Final = "operate"

OPERATOR_FIELD_MANAGER: Final = "tintype-operator"
TRAINER_FIELD_MANAGER: Final = "tintype-trainer"
SELF_TEST_FIELD_MANAGER: Final = "tintype-self-test"
"""Whoever writes status under this name is refused by the policy, so that the operator can see that it answers."""
OPERATOR_STATUS_FIELDS: Final = (
    "observedGeneration",
    "phase",
    "conditions",
    "model",
    "job",
    "attempt",
    "prepared",
    "failures",
    "interruptions",
    "lastInterrupted",
    "comparison",
    "usage",
    "startTime",
    "completionTime",
)
TRAINER_STATUS_FIELDS: Final = (
    "podUID",
    "stage",
    "dataset",
    "progress",
    "metrics",
    "best",
    "concepts",
    "checkpoint",
    "artifacts",
    "history",
)

TRAINER_CLUSTER_ROLE: Final = "tintype-trainer"
STATUS_POLICY: Final = "tintype-status"

RUNS_FOLDER: Final = "runs"
"""Below a version's prefix in its output; a folder in it for each run, named by the Pod's uid."""
REPORT_FILE: Final = "report.html"

LABEL_MANAGED_BY: Final = "app.kubernetes.io/managed-by"
MANAGED_BY: Final = "tintype"
LABEL_MODELVERSION: Final = f"{GROUP}/modelversion"
LABEL_MODEL: Final = f"{GROUP}/model"
LABEL_ATTEMPT: Final = f"{GROUP}/attempt"
LABEL_QUEUE: Final = "kueue.x-k8s.io/queue-name"
LABEL_QUEUE_PRIORITY: Final = "kueue.x-k8s.io/priority-class"
ANNOTATION_MODELVERSION: Final = f"{GROUP}/modelversion"
"""Pod annotation that holds the resolved ModelVersion as JSON; the trainer reads it from a downwardAPI file."""

MODELVERSION_FILE: Final = "/etc/tintype/modelversion.json"
TERMINATION_MESSAGE_FILE: Final = "/dev/termination-log"
TERMINATION_MESSAGE_BYTES: Final = 4096
CACHE_DIRECTORY: Final = "/var/cache/tintype"

ENV_POD_UID: Final = "TINTYPE_POD_UID"
"""Set in a cluster: the trainer reports to status and writes the termination message only where it is there."""
ENV_CPU_STANDS_FOR_GPU: Final = "TINTYPE_TEST_CPU_STANDS_FOR_GPU"
"""Only for tests on clusters whose GPUs are pretended: the trainer uses the CPU where a GPU is asked for."""

ANNOTATION_INDEX: Final = "batch.kubernetes.io/job-completion-index"
"""Set by Kubernetes on the Pods of an Indexed Job: which of them each is, from 0."""
ENV_LEADER: Final = "TINTYPE_LEADER"
"""With compute.nodes above 1: host name of the Pod of index 0, where the others meet it."""
ENV_NODE_INDEX: Final = "JOB_COMPLETION_INDEX"
"""The same for the Pod itself."""
ENV_OUTCOME_FILE: Final = "TINTYPE_OUTCOME_FILE"
"""Where one process of several leaves its termination message for the one that has started it."""

ENV_WEIGHTS_MIRROR: Final = "TINTYPE_WEIGHTS_MIRROR"
"""URI of a prefix or folder that holds the catalogue's weights, before any other place is asked."""
ENV_WEIGHTS_LICENCES: Final = "TINTYPE_WEIGHTS_LICENCES"
"""Licences of weights that may be used beyond Apache-2.0, MIT and BSD, with commas between them."""
ENV_LIBRARY: Final = "TINTYPE_LIBRARY"
"""Which page of the library each publish writes anew, as LibraryPage has it."""

TRAINER_METRICS_PORT: Final = 9464
OPERATOR_METRICS_PORT: Final = 9465
PROCESSES_PORT: Final = 9466
"""Where the process of rank 0 meets those of other nodes."""

NAME_MAX_LENGTH: Final = 52
NAME_PATTERN: Final = r"^[a-z]([-a-z0-9]*[a-z0-9])?$"
HISTORY_LENGTH: Final = 50


class ExitCode(IntEnum):
    """Exit codes of `tintype run`; the operator's podFailurePolicy is made from them."""

    OK = 0
    FAILED = 1
    SPEC = 64
    DATA = 65
    NOT_FOUND = 66
    INTERRUPTED = 75
    ENVIRONMENT = 78


FINAL_EXIT_CODES: Final = (ExitCode.SPEC, ExitCode.DATA, ExitCode.NOT_FOUND, ExitCode.ENVIRONMENT)
"""Exit codes after which no retry can help."""


class LibraryPage(StrEnum):
    """Which versions stand on the page that each publish writes anew."""

    NAMESPACE = "Namespace"
    """Those of the version's own namespace, at <output.uri>/<namespace>/."""
    OUTPUT = "Output"
    """Those of all namespaces, at <output.uri>/."""


class Phase(StrEnum):
    """Where a version is in its life; the last three are terminal and latched."""

    PENDING = "Pending"
    QUEUED = "Queued"
    PREPARING = "Preparing"
    TRAINING = "Training"
    EVALUATING = "Evaluating"
    PUBLISHING = "Publishing"
    SUSPENDED = "Suspended"
    SUCCEEDED = "Succeeded"
    STOPPED = "Stopped"
    FAILED = "Failed"


TERMINAL_PHASES: Final = (Phase.SUCCEEDED, Phase.STOPPED, Phase.FAILED)


class Stage(StrEnum):
    """What the trainer is doing; while its Pod runs, the phase follows it."""

    PREPARING = "Preparing"
    TRAINING = "Training"
    EVALUATING = "Evaluating"
    PUBLISHING = "Publishing"


class JobDeletion(StrEnum):
    """Why the operator deletes the Job of an attempt, after which another one may follow."""

    SUSPENSION = "Suspension"
    """runPolicy.suspend is true."""
    LOST_NODE = "LostNode"
    """Its Pod does not end, so that the Job would wait for ever."""
    BACKOFF = "Backoff"
    """The Job would wait longer before its next Pod than another attempt takes; or it has failed, all its Pods start
    anew in the next attempt, which is not due yet, and anybody may delete it until then."""


class PodOutcome(StrEnum):
    """What a Pod's time was for."""

    PUBLISHED = "Published"
    """It ended well; a preflight's, too."""
    FAILURE = "Failure"
    """It crashed, or could not train."""
    INTERRUPTION = "Interruption"
    """It was ended from outside; a checkpoint keeps a part of its work."""


class Condition(StrEnum):
    """Condition types of a ModelVersion."""

    COMPLETE = "Complete"
    FAILED = "Failed"
    WAITING = "Waiting"
    RETRYING = "Retrying"


class Reason(StrEnum):
    """Reasons in conditions, Events and the trainer's termination message."""

    PUBLISHED = "Published"
    MAX_DURATION_REACHED = "MaxDurationReached"
    """Published, too, though training.maxDuration ended the training before its plan did."""
    STOPPED = "Stopped"
    """Published, too, though runPolicy.stop ended the training before its plan did."""
    NOTHING_TO_PUBLISH = "NothingToPublish"
    """runPolicy.stop came before anything was trained."""
    PREPARED = "Prepared"
    """`tintype run --only prepare` has ended well."""
    INVALID_SPEC = "InvalidSpec"
    DIVERGED = "Diverged"
    """The training loss is no number any more; told in status, since the Pod ends before its metrics are scraped."""
    DATA_ERROR = "DataError"
    NOT_FOUND = "NotFound"
    ACCESS_DENIED = "AccessDenied"
    OUTPUT_TAKEN = "OutputTaken"
    OUTPUT_NOT_WRITABLE = "OutputNotWritable"
    STORAGE_UNREACHABLE = "StorageUnreachable"
    CHECKPOINT_NOT_SAVED = "CheckpointNotSaved"
    ENVIRONMENT = "EnvironmentError"
    INTERRUPTED = "Interrupted"
    EVICTED = "Evicted"
    PREEMPTED = "Preempted"
    NODE_LOST = "NodeLost"
    TOO_MANY_INTERRUPTIONS = "TooManyInterruptions"
    OOM_KILLED = "OOMKilled"
    GPU_OUT_OF_MEMORY = "GPUOutOfMemory"
    HUNG = "Hung"
    KILLED = "Killed"
    PEER_LOST = "PeerLost"
    """Another process of the training ended; why is told by that one."""
    PEER_MISSING = "PeerMissing"
    """Another process of the training did not come."""
    CRASHED = "Crashed"
    JOB_DELETED = "JobDeleted"
    NAME_CONFLICT = "NameConflict"
