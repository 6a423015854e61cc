"""Where a version runs and where it is published."""

from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from tintype_api.model import Model, Rule
from tintype_api.quantity import CPU_PATTERN, MEMORY_PATTERN
from tintype_api.spec.common import Uri

OBJECT_NAME_PATTERN: Final = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"
LABEL_PATTERN: Final = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"


class OutputFormat(StrEnum):
    """What a version is published as, besides its weights."""

    ONNX = "ONNX"


class Output(Model):
    """Where the version is published."""

    uri: Uri
    """Folder or prefix; the version goes to <uri>/<namespace>/<name>/."""
    formats: Annotated[tuple[OutputFormat, ...], Field(max_length=len(OutputFormat))] = ()
    """Besides best.safetensors. ONNX: model.onnx, compared with the trained network before it is published."""
    training_predictions: bool = False
    """Whether the best is evaluated on the training examples, too; each of them is in predictions.jsonl.gz then."""


class Storage(Model):
    """How s3:// is reached; absent fields are as the operator's settings say."""

    endpoint: Annotated[str | None, Field(pattern=r"^https?://[^/?#]+/?$", max_length=253)] = None
    """URL of an S3 server other than AWS."""
    region: Annotated[str | None, Field(min_length=1, max_length=64)] = None
    """Region of the buckets."""
    credentials_secret: Annotated[str | None, Field(pattern=OBJECT_NAME_PATTERN, max_length=253)] = None
    """Secret in the version's namespace with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."""


class Compute(Model):
    """What the training Pod asks of its node."""

    gpus: Annotated[int, Field(ge=0, le=64)] = 1
    """GPUs of each node, with a process for each; 0 trains on the CPU."""
    nodes: Annotated[int, Field(ge=1, le=64)] = 1
    """Nodes that train together, each with a Pod that asks for all that is named here."""
    gpu_resource: Annotated[str, Field(pattern=r"^[a-z0-9.-]+/[A-Za-z0-9._-]+$", max_length=253)] = "nvidia.com/gpu"
    """Name of the resource that the cluster calls a GPU."""
    cpu: Annotated[str, Field(pattern=CPU_PATTERN, max_length=16)] = "4"
    """CPU limit and request; its whole cores are the threads of the training."""
    memory: Annotated[str, Field(pattern=MEMORY_PATTERN, max_length=16)] = "16Gi"
    """Memory limit and request."""
    shared_memory: Annotated[str, Field(pattern=MEMORY_PATTERN, max_length=16)] = "2Gi"
    """Size of /dev/shm, a part of the memory, over which loaders hand pictures to the training."""
    termination_grace_period_seconds: Annotated[int, Field(ge=10, le=3600)] = 120
    """Seconds between SIGTERM and SIGKILL."""

    @property
    def processes_per_node(self) -> int:
        """The processes of a node: one for each GPU, or one where it has none."""
        return max(1, self.gpus)

    @property
    def processes(self) -> int:
        """The processes that train together, on all nodes."""
        return self.processes_per_node * self.nodes


class Preflight(StrEnum):
    """Whether the data set is prepared before a GPU is asked for."""

    AUTO = "Auto"
    NEVER = "Never"


class RunPolicy(Model):
    """How the run is carried out; the one part of the spec that can change later.

    Queue and priority can change only while the version is suspended and nothing runs.
    """

    rules = (
        Rule(
            cel="!has(self.queuePriorityClassName) || has(self.queueName)",
            holds=lambda policy: policy.queue_priority_class_name is None or policy.queue_name is not None,
            message="runPolicy.queuePriorityClassName is for a queue; give runPolicy.queueName, too, or remove it",
        ),
    )

    suspend: bool = False
    """True: the training saves a checkpoint and gives its node up; false lets it go on from there."""
    stop: bool = False
    """True: the training ends at its next step, and its best so far is evaluated and published."""
    preflight: Preflight = Preflight.AUTO
    """Auto: where GPUs are asked for, a Pod without one prepares the data set first, and the training goes on from its
    list, so that data that cannot train never holds a GPU."""
    backoff_limit: Annotated[int, Field(ge=0, le=100)] = 3
    """How many crashes of the trainer are tried again."""
    max_interruptions: Annotated[int, Field(ge=1, le=10_000)] = 20
    """How many times Pods may be ended from outside until the version fails; suspensions do not count."""
    queue_name: Annotated[str | None, Field(pattern=LABEL_PATTERN, max_length=63)] = None
    """LocalQueue of Kueue in which the training waits for its turn."""
    queue_priority_class_name: Annotated[str | None, Field(pattern=LABEL_PATTERN, max_length=63)] = None
    """WorkloadPriorityClass of Kueue: who goes first in the queue, and who gives way."""
    priority_class_name: Annotated[str | None, Field(pattern=OBJECT_NAME_PATTERN, max_length=253)] = None
    """PriorityClass of the Pod: whom the scheduler lets go first on a full node."""
    ttl_seconds_after_finished: Annotated[int, Field(ge=0, le=2**31 - 1)] = 86_400
    """Seconds after which the Job of an ended version is removed; status and output stay."""
