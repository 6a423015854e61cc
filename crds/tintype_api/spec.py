"""The spec of a ModelVersion: what a user writes.

Field docstrings become descriptions in the CRD. Fields whose default depends on others are None until `resolve`.
"""

from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import Field

from tintype_api.catalogue import CATALOGUE, DEFAULT_ARCHITECTURE, Optimizer
from tintype_api.model import Model, Rule
from tintype_api.podtemplate import PodTemplate
from tintype_api.quantity import CPU_PATTERN, MEMORY_PATTERN

URI_PATTERN: Final = r"^(s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[^?#]*)?|file:///[^?#]*)$"

Uri = Annotated[str, Field(pattern=URI_PATTERN, max_length=1024)]
ConceptName = Annotated[str, Field(min_length=1, max_length=128)]


class ViewType(StrEnum):
    """The kinds of question that a view can ask."""

    CLASSIFICATION = "Classification"


class View(Model):
    """One question asked of images."""

    name: Annotated[str, Field(min_length=1, max_length=128)]
    """Name of the view, as in the data set."""
    type: ViewType
    """Classification: exactly one concept holds of an image."""


class Split(Model):
    """How many examples are set aside, drawn at random and stratified by concept."""

    rules = (
        Rule(
            cel="has(self.fraction) != has(self.count)",
            holds=lambda split: (split.fraction is None) != (split.count is None),
            message="a split takes exactly one of fraction and count; remove the other",
        ),
    )

    fraction: Annotated[float | None, Field(gt=0, lt=1)] = None
    """Share of the examples."""
    count: Annotated[int | None, Field(ge=1, le=100_000_000)] = None
    """Number of examples."""
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    """Seed of the drawing."""


class Dataset(Model):
    """Where the examples come from."""

    uri: Uri
    """Studio JSON lines (a file), or a folder or prefix that ends in / with one folder per concept; s3:// or file:///."""
    validation: Split | None = None
    """The validation set, which chooses the best epoch; absent: as the file says."""
    test: Split | None = None
    """The test set, read once at the end; absent: as the file says."""


class WeightsSource(StrEnum):
    """Where weights come from that are named by no URI."""

    RANDOM = "Random"


class InitialWeights(Model):
    """The weights that training starts from."""

    rules = (
        Rule(
            cel="has(self.source) != has(self.uri)",
            holds=lambda weights: (weights.source is None) != (weights.uri is None),
            message="training.initialWeights takes exactly one of source and uri; remove the other",
        ),
    )

    source: WeightsSource | None = None
    """Random: drawn with the seed."""
    uri: Uri | None = None
    """A safetensors file with the architecture's own names; a head of another shape is drawn anew."""


class OptimizerSettings(Model):
    """The optimizer and its peak learning rate."""

    type: Optimizer | None = None
    """Momentum (SGD with momentum 0.9), RMSProp, or one of the Adam family; absent: the architecture's own."""
    learning_rate: Annotated[float | None, Field(gt=0, le=100)] = None
    """Peak learning rate at the spec's batch size; absent: the catalogue's, scaled to the batch size."""


class ScheduleType(StrEnum):
    """How the learning rate moves over the planned steps."""

    AUTO = "Auto"
    CONSTANT = "Constant"


class Schedule(Model):
    """The learning rate over the planned steps."""

    type: ScheduleType = ScheduleType.AUTO
    """Auto: x1, x0.1 from 33 %, x0.01 from 66 % for Momentum and RMSProp, one-cycle for the Adam family."""


def _families() -> dict[str, str]:
    """Return the catalogue's names by their first three letters, as the hint that a refusal gives."""
    prefixes = dict.fromkeys(name[:3] for name in CATALOGUE)
    return {
        prefix: f"nearest are {', '.join(name for name in CATALOGUE if name.startswith(prefix))}; "
        for prefix in prefixes
    }


def _unknown_architecture_cel() -> str:
    """Return the message as CEL; a chain of conditions, since the API server counts a filter's cost as too high."""
    chain = "".join(f"self.architecture.startsWith('{prefix}') ? '{hint}' : " for prefix, hint in _families().items())
    lead = '"training.architecture \'" + self.architecture + "\' is not in the catalogue; "'
    return f"{lead} + ({chain}'') + 'see all with `tintype architectures`'"


def _unknown_architecture(training: "Training") -> str:
    lead = f"training.architecture '{training.architecture}' is not in the catalogue; "
    return f"{lead}{_families().get(training.architecture[:3], '')}see all with `tintype architectures`"


class Training(Model):
    """How the network is trained."""

    rules = (
        Rule(
            cel=f"self.architecture in {list(CATALOGUE)}",
            holds=lambda training: training.architecture in CATALOGUE,
            message="training.architecture is not in the catalogue; see all with `tintype architectures`",
            message_cel=_unknown_architecture_cel(),
            explain=_unknown_architecture,
        ),
        Rule(
            cel="!(has(self.epochs) && has(self.iterations))",
            holds=lambda training: training.epochs is None or training.iterations is None,
            message="training takes epochs or iterations, not both; remove one of them",
        ),
    )

    architecture: Annotated[str, Field(min_length=3, max_length=64)] = DEFAULT_ARCHITECTURE
    """A name of the catalogue; `tintype architectures` lists them."""
    initial_weights: InitialWeights = InitialWeights(source=WeightsSource.RANDOM)
    """The weights that training starts from; Random where absent."""
    epochs: Annotated[float | None, Field(ge=0.1, le=100_000)] = None
    """Length in passes over the training examples; 10 where neither epochs nor iterations is given."""
    iterations: Annotated[int | None, Field(ge=1, le=1_000_000_000)] = None
    """Length in optimizer steps."""
    batch_size: Annotated[int | None, Field(ge=1, le=65_536)] = None
    """Examples in a step; absent: the catalogue's."""
    optimizer: OptimizerSettings = OptimizerSettings()
    schedule: Schedule = Schedule()
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    """Seed of everything random: new weights, order of examples, augmentations."""


class ResizerType(StrEnum):
    """How pictures get the network's size."""

    FIXED = "Fixed"
    KEEP_ASPECT_RATIO = "KeepAspectRatio"


Side = Annotated[int | None, Field(ge=16, le=4096)]


class ImageResizer(Model):
    """How pictures get the network's size."""

    rules = (
        Rule(
            cel="self.type != 'Fixed' || (has(self.width) && has(self.height) && !has(self.maxDimension))",
            holds=lambda resizer: (
                resizer.type != ResizerType.FIXED
                or (None not in (resizer.width, resizer.height) and resizer.max_dimension is None)
            ),
            message="imageResizer of type Fixed takes width and height, and no maxDimension",
        ),
        Rule(
            cel="self.type != 'KeepAspectRatio' || (has(self.maxDimension) && !has(self.width) && !has(self.height))",
            holds=lambda resizer: (
                resizer.type != ResizerType.KEEP_ASPECT_RATIO
                or (resizer.max_dimension is not None and resizer.width is None and resizer.height is None)
            ),
            message="imageResizer of type KeepAspectRatio takes maxDimension, and neither width nor height",
        ),
    )

    type: ResizerType
    """Fixed: to width and height. KeepAspectRatio: the larger side to maxDimension, the rest of the square black."""
    width: Side = None
    """Width in pixels, for Fixed."""
    height: Side = None
    """Height in pixels, for Fixed."""
    max_dimension: Side = None
    """Side of the square in pixels, for KeepAspectRatio."""


class HorizontalFlip(Model):
    """Mirrors left and right."""

    type: Literal["HorizontalFlip"]
    probability: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Probability at each reading of an example."""


class Output(Model):
    """Where the version is published."""

    uri: Uri
    """Folder or prefix; the version goes to <uri>/<namespace>/<name>/."""


class Storage(Model):
    """How s3:// is reached; absent fields are as the operator's settings say."""

    endpoint: Annotated[str | None, Field(pattern=r"^https?://[^/?#]+/?$", max_length=253)] = None
    """URL of an S3 server other than AWS."""
    region: Annotated[str | None, Field(min_length=1, max_length=64)] = None
    """Region of the buckets."""
    credentials_secret: Annotated[str | None, Field(pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", max_length=253)] = None
    """Secret in the version's namespace with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."""


class Compute(Model):
    """What the training Pod asks of its node."""

    gpus: Annotated[int, Field(ge=0, le=1)] = 1
    """GPUs; 0 trains on the CPU."""
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


class RunPolicy(Model):
    """How the run is carried out; the one part of the spec that can change later."""

    backoff_limit: Annotated[int, Field(ge=0, le=100)] = 3
    """How many crashes of the trainer are tried again."""
    ttl_seconds_after_finished: Annotated[int, Field(ge=0, le=2**31 - 1)] = 86_400
    """Seconds after which the Job of an ended version is removed; status and output stay."""


class ModelVersionSpec(Model):
    """One trained network of a model: a view and its concepts, the examples, the options of training."""

    rules = (
        Rule(
            cel="self.view.type != 'Classification' || size(self.concepts) >= 2",
            holds=lambda spec: spec.view.type != ViewType.CLASSIFICATION or len(spec.concepts) >= 2,
            message="concepts: Classification needs at least two concepts to tell apart; add another",
        ),
        Rule(
            cel="self.concepts.all(c, self.concepts.exists_one(d, d == c))",
            holds=lambda spec: len(set(spec.concepts)) == len(spec.concepts),
            message="concepts: each concept may stand only once; remove the duplicate",
        ),
    )

    view: View
    concepts: Annotated[tuple[ConceptName, ...], Field(min_length=1, max_length=256)]
    """The possible answers; their order is the order of the network's outputs."""
    dataset: Dataset
    training: Training = Training()
    image_resizer: ImageResizer | None = None
    """Absent: Fixed at the architecture's own input size."""
    augmentations: Annotated[tuple[HorizontalFlip, ...], Field(max_length=1)] = ()
    """In the order given; each kind at most once; drawn anew at every reading."""
    output: Output
    storage: Storage = Storage()
    compute: Compute = Compute()
    run_policy: RunPolicy = RunPolicy()
    pod_template: PodTemplate = PodTemplate()
