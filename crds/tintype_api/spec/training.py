"""How the network is trained."""

from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import Field

from tintype_api.architecture import Optimizer
from tintype_api.model import Model, Rule, exactly_one
from tintype_api.quantity import DURATION_PATTERN
from tintype_api.spec.architectures import NAME_RULE
from tintype_api.spec.common import ConceptName, Seed, Uri

AUTO: Final = "Auto"


class WeightsSource(StrEnum):
    """Where weights come from that are named by no URI."""

    IMAGENET = "ImageNet"
    COCO = "COCO"
    RANDOM = "Random"


class InitialWeights(Model):
    """The weights that training starts from."""

    rules = (exactly_one("training.initialWeights", "source", "model_version", "uri"),)

    source: WeightsSource | None = None
    """ImageNet and COCO: the catalogue's weights for the architecture. Random: drawn with the seed."""
    model_version: Annotated[str | None, Field(pattern=r"^[a-z]([-a-z0-9]*[a-z0-9])?$", max_length=52)] = None
    """The best weights of another ModelVersion of the namespace; the head is kept for the concepts that agree."""
    uri: Uri | None = None
    """A safetensors file with the architecture's own names; a head of another shape is drawn anew.

    Or the folder of a published version, ending in /: its head is kept for the concepts that agree.
    """


class OptimizerSettings(Model):
    """The optimizer and its peak learning rate."""

    type: Optimizer | None = None
    """Momentum (SGD with momentum 0.9), RMSProp, or one of the Adam family; absent: the architecture's own."""
    learning_rate: Annotated[float | None, Field(gt=0, le=100)] = None
    """Peak learning rate at the spec's batch size; absent: the catalogue's, scaled to the batch size."""
    weight_decay: Annotated[float | None, Field(ge=0, le=1)] = None
    """Absent: Momentum 1e-4, RMSProp 1e-5, AdamW 0.01, the others 0."""


class ScheduleType(StrEnum):
    """How the learning rate moves over the planned steps."""

    AUTO = "Auto"
    CONSTANT = "Constant"
    STEP = "Step"
    ONE_CYCLE = "OneCycle"
    COSINE = "Cosine"


class Schedule(Model):
    """The learning rate over the planned steps."""

    rules = (
        Rule(
            cel="self.type == 'Step' || !(has(self.stepEpochs) || has(self.stepFactor))",
            holds=lambda schedule: (
                schedule.type == ScheduleType.STEP or (schedule.step_epochs is None and schedule.step_factor is None)
            ),
            message="training.schedule: stepEpochs and stepFactor are for the type Step; remove them",
        ),
        Rule(
            cel="self.type != 'OneCycle' || self.warmupSteps == 0",
            holds=lambda schedule: schedule.type != ScheduleType.ONE_CYCLE or schedule.warmup_steps == 0,
            message="training.schedule: OneCycle has a rise of its own; remove warmupSteps",
        ),
    )

    type: ScheduleType = ScheduleType.AUTO
    """Auto: x1, x0.1 from 33 %, x0.01 from 66 % for Momentum and RMSProp, one-cycle for the Adam family."""
    warmup_steps: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    """Optimizer steps over which the rate rises from zero; not with a one-cycle schedule."""
    step_epochs: Annotated[float | None, Field(ge=0.1, le=100_000)] = None
    """For Step: the rate is multiplied by stepFactor after each of so many epochs; a third of the training."""
    step_factor: Annotated[float | None, Field(gt=0, le=1)] = None
    """For Step: 0.1 where absent."""


class LossType(StrEnum):
    """Losses."""

    AUTO = "Auto"
    CROSS_ENTROPY = "CrossEntropy"
    FOCAL = "Focal"
    ASYMMETRIC = "Asymmetric"


class ClassWeights(StrEnum):
    """How much each concept counts in the loss."""

    NONE = "None"
    BALANCED = "Balanced"


class ConceptWeight(Model):
    """How much one concept counts in the loss."""

    concept: ConceptName
    weight: Annotated[float, Field(gt=0, le=10_000)]


class Loss(Model):
    """What is minimised; Detection has its detector's own losses."""

    rules = (
        Rule(
            cel="self.classWeights == 'None' || !has(self.conceptWeights)",
            holds=lambda loss: loss.class_weights == ClassWeights.NONE or loss.concept_weights is None,
            message="training.loss takes classWeights Balanced or conceptWeights, not both; remove one of them",
        ),
        Rule(
            cel="!has(self.conceptWeights) || self.conceptWeights.all(w, "
            "self.conceptWeights.exists_one(v, v.concept == w.concept))",
            holds=lambda loss: (
                loss.concept_weights is None
                or len({each.concept for each in loss.concept_weights}) == len(loss.concept_weights)
            ),
            message="training.loss.conceptWeights: each concept may stand only once; remove the duplicate",
        ),
    )

    type: LossType = LossType.AUTO
    """Auto: cross-entropy, in Tagging the mean of binary ones. Focal: Lin et al. 2017.

    Asymmetric, for Tagging: Ridnik et al. 2021.
    """
    class_weights: ClassWeights = ClassWeights.NONE
    """Balanced: by the inverse of each concept's share of the training examples, 1 on average."""
    concept_weights: Annotated[tuple[ConceptWeight, ...] | None, Field(min_length=1, max_length=256)] = None
    """Weights of single concepts; the others have 1."""


class Backbone(Model):
    """The network but for its head."""

    freeze_epochs: Annotated[float, Field(ge=0, le=100_000)] = 0
    """So long only the head is trained; the backbone's BatchNorm keeps its statistics."""
    learning_rate_factor: Annotated[float, Field(ge=0, le=100)] = 1
    """The backbone's learning rate, as a multiple of the head's; 0 never trains it."""


class Ema(Model):
    """An exponential moving average of the weights, which is then validated and published."""

    decay: Annotated[float, Field(gt=0, lt=1)] = 0.999
    """At most; at step t it is (1 + t) / (10 + t) where that is less."""


class Precision(StrEnum):
    """How forward passes are computed."""

    AUTO = "Auto"
    FLOAT32 = "Float32"
    BFLOAT16 = "BFloat16"


class SelectBy(StrEnum):
    """The metric of the validation set that chooses the best epoch."""

    AUTO = "Auto"
    ACCURACY = "Accuracy"
    MAP = "mAP"
    LOSS = "Loss"


class EarlyStopping(Model):
    """Ends a training that no longer improves."""

    patience: Annotated[int, Field(ge=1, le=100_000)] = 3
    """Epochs without an improvement of the metric of selectBy after which the training ends."""
    min_delta: Annotated[float, Field(ge=0, le=1_000)] = 0.001
    """The least that counts as an improvement, absolute."""


class Training(Model):
    """How the network is trained."""

    rules = (
        NAME_RULE,
        Rule(
            cel="!(has(self.epochs) && has(self.iterations))",
            holds=lambda training: training.epochs is None or training.iterations is None,
            message="training takes epochs or iterations, not both; remove one of them",
        ),
        Rule(
            cel="!has(self.batchSize) || type(self.batchSize) == string || self.accumulation <= self.batchSize",
            holds=lambda training: (
                not isinstance(training.batch_size, int) or training.accumulation <= training.batch_size
            ),
            message="training.accumulation: a batch cannot be cut into more parts than it has examples; lower it",
        ),
    )

    architecture: Annotated[str | None, Field(min_length=3, max_length=64)] = None
    """A name of the catalogue, or timm/<name>; `tintype architectures` lists them; absent: the view type's own."""
    initial_weights: InitialWeights | None = None
    """The weights that training starts from; absent: ImageNet, in Detection COCO, as far as the catalogue has them."""
    epochs: Annotated[float | None, Field(ge=0.1, le=100_000)] = None
    """Length in passes over the training examples; 10 where neither epochs nor iterations is given."""
    iterations: Annotated[int | None, Field(ge=1, le=1_000_000_000)] = None
    """Length in optimizer steps."""
    batch_size: Annotated[int, Field(ge=1, le=65_536)] | Literal["Auto"] | None = None
    """Examples in a step; Auto: the largest that fits, up to the catalogue's; absent: the catalogue's."""
    accumulation: Annotated[int, Field(ge=1, le=1_024)] = 1
    """Parts into which each batch is cut, one after the other, to save memory; BatchNorm sees the parts."""
    optimizer: OptimizerSettings = OptimizerSettings()
    schedule: Schedule = Schedule()
    loss: Loss = Loss()
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0
    """Share of each label that is spread evenly (Szegedy et al. 2016); not for Detection."""
    backbone: Backbone = Backbone()
    gradient_clip_norm: Annotated[float | None, Field(gt=0, le=1_000_000)] = None
    """The largest norm of the gradient; absent: any."""
    ema: Ema | None = None
    """Absent: none."""
    precision: Precision = Precision.AUTO
    """Auto: bf16 on GPUs that have it, else fp32."""
    select_by: SelectBy = SelectBy.AUTO
    """Auto: Accuracy for Classification, mAP for Tagging and Detection."""
    early_stopping: EarlyStopping | None = None
    """Absent: the training goes to its end."""
    max_duration: Annotated[str | None, Field(pattern=DURATION_PATTERN, max_length=32)] = None
    """The longest that the training may take, such as 4h or 90m; it then ends and publishes the best so far."""
    seed: Seed = 0
    """Seed of everything random: new weights, order of examples, augmentations."""
