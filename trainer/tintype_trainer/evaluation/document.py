"""What evaluation.json holds. A number that no example allows is null. docs/metrics.md has the formulas."""

import json
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from tintype_api.constants import API_VERSION
from tintype_api.model import Model
from tintype_api.spec.view import ViewType
from tintype_api.status import Best

Share = Annotated[float, Field(ge=0, le=1)]
Pixels = tuple[float, float, float, float]
MAP_FIELD = "mAP"


class ThresholdsFrom(StrEnum):
    """Where the thresholds of an evaluation come from."""

    VALIDATION = "Validation"
    """They are best on the validation set, so that its own figures at them are a little too good."""
    DEFAULT = "Default"
    """There is no validation set."""
    VERSION = "Version"
    """They are those of the published version."""


class IntervalDocument(Model):
    """A 95 % interval by resampling images."""

    lower: float
    upper: float
    resamples: int


class Rates(Model):
    """Precision, recall and F1 of several concepts together."""

    precision: Share | None
    recall: Share | None
    f1: Share | None


class ReliabilityBin(Model):
    """Decisions whose score is above `lower` and at most `upper`; the first bin has 0 as well."""

    lower: float
    upper: float
    count: int
    score: float
    """Their mean score."""
    right: Share
    """The share of them that is right."""


class CalibrationDocument(Model):
    """How far scores are from shares of right ones."""

    error: Share
    """Expected calibration error over fifteen bins of equal width."""
    bins: tuple[ReliabilityBin, ...]
    """Those that are not empty."""


class CurveDocument(Model):
    """Precision and recall at falling thresholds, at most 200 of them."""

    thresholds: tuple[float, ...]
    precision: tuple[float, ...]
    recall: tuple[float, ...]


class LrpDocument(Model):
    """Optimal localisation recall precision error; 0 is best."""

    error: Share
    threshold: float | None
    """Where it is reached; null where nothing is right at any threshold."""
    localisation: float | None
    false_positives: float | None
    false_negatives: float


class ConceptEvaluation(Model):
    """One concept over a split."""

    name: str
    support: int
    """Examples that it holds of; in Detection its boxes."""
    threshold: float
    """From which score on it is decided for; in Classification the highest score decides, and this only rejects."""
    true_positives: int
    false_positives: int
    false_negatives: int
    precision: Share | None
    recall: Share | None
    f1: Share | None
    average_precision: Share | None
    """Without interpolation (Classification: against the other concepts); in Detection COCO's, IoU 0.50:0.05:0.95."""
    average_precision50: Annotated[Share | None, Field(alias="averagePrecision50")] = None
    average_precision75: Annotated[Share | None, Field(alias="averagePrecision75")] = None
    mean_overlap: Share | None = None
    """Detection: mean IoU of the right detections at the threshold."""
    lrp: LrpDocument | None = None
    calibration: CalibrationDocument | None = None
    """Tagging: of this concept's scores."""
    curve: CurveDocument | None = None


class ConfusionMatrix(Model):
    """Counts of annotated (rows) and decided (columns) concepts.

    Classification has one more column, "none", for scores below the threshold; Detection has a last column "missed"
    and a last row "nothing there".
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


class LikelyError(Model):
    """A decision that is wrong by its annotation and of which the network is sure: the annotation may be wrong."""

    id: str
    """Of the example, as in predictions.jsonl.gz."""
    annotated: str | None
    """The concept that is annotated; null where none is."""
    predicted: str | None
    """The concept that was decided for; null where an annotated one was decided against."""
    score: float
    """How sure the network is of its decision."""
    box: Pixels | None = None
    """Detection: x0 y0 x1 y1 in pixels of the picture."""


class SplitEvaluation(Model):
    """One split, evaluated."""

    examples: int
    loss: float | None
    accuracy: Share | None
    """As the view defines it; Tagging at 0.5, Detection at a score and an IoU of 0.5."""
    accuracy_interval: IntervalDocument | None
    mean_average_precision: Annotated[Share | None, Field(alias=MAP_FIELD)] = None
    mean_average_precision_interval: Annotated[IntervalDocument | None, Field(alias="mAPInterval")] = None
    mean_average_precision50: Annotated[Share | None, Field(alias="mAP50")] = None
    mean_average_precision75: Annotated[Share | None, Field(alias="mAP75")] = None
    exact_match: Share | None = None
    """Tagging: share of examples all of whose decisions are right, at 0.5."""
    mean_overlap: Share | None = None
    """Detection: mean IoU of the right detections at the thresholds."""
    mean_optimal_lrp: Annotated[Share | None, Field(alias="meanOptimalLRP")] = None
    """Detection: mean of the optimal LRP over the concepts that have boxes."""
    thresholds_chosen_here: bool
    """Whether the thresholds are the best on this very split, so that figures at them are a little too good."""
    concepts_without_examples: tuple[str, ...]
    micro: Rates
    macro: Rates
    """Over the concepts that have examples."""
    per_concept: tuple[ConceptEvaluation, ...]
    confusion_matrix: ConfusionMatrix | None = None
    calibration: CalibrationDocument | None = None
    """Classification: of the highest score. Detection: of detections, right at IoU 0.5."""
    likely_errors: tuple[LikelyError, ...]
    """Wrong decisions, the surest first, at most 50."""


class Evaluation(Model):
    """What evaluation.json holds."""

    api_version: Literal["tintype.dev/v1alpha1"] = API_VERSION
    kind: Literal["Evaluation"] = "Evaluation"
    view: ViewType
    concepts: tuple[str, ...]
    best: Best | None = None
    """The epoch that was evaluated; absent where a published version was evaluated on other data."""
    note: str | None = None
    """What a reader has to know, such as that there is no validation set."""
    thresholds: dict[str, float]
    thresholds_from: ThresholdsFrom
    validation: SplitEvaluation | None = None
    test: SplitEvaluation | None = None
    """At the thresholds that validation chose: the honest figures."""
    train: SplitEvaluation | None = None
    """Where the spec asks for predictions of the training set; each example once, without augmentation."""
    dataset: SplitEvaluation | None = None
    """Where a published version was evaluated on other data."""

    def to_bytes(self) -> bytes:
        """Return the content of evaluation.json; it has no field that is not there."""
        document = self.model_dump(mode="json", by_alias=True, exclude_unset=True)
        document = {"apiVersion": self.api_version, "kind": self.kind, **document}
        if self.best is not None:
            document["best"] = self.best.to_wire()
        return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False).encode() + b"\n"


def schema_json() -> bytes:
    """Return the JSON schema of evaluation.json."""
    schema = Evaluation.model_json_schema(by_alias=True, mode="serialization")
    return json.dumps(schema, indent=1, ensure_ascii=False).encode() + b"\n"
