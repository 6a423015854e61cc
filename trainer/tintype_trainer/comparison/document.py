"""What `tintype compare --json` prints."""

import json
from enum import StrEnum
from typing import Literal

from tintype_api.constants import API_VERSION
from tintype_api.model import Model
from tintype_api.spec.view import ViewType
from tintype_trainer.evaluation.document import IntervalDocument


class Better(StrEnum):
    """Which of two versions is better by more than chance."""

    FIRST = "First"
    SECOND = "Second"
    NEITHER = "Neither"


class TestName(StrEnum):
    """How chance was judged."""

    __test__ = False
    """It is no test of pytest's."""
    MCNEMAR = "McNemarExact"
    BOOTSTRAP = "PairedBootstrap"


class NamedVersion(Model):
    """One of the two versions."""

    name: str
    uri: str
    published_indicator: float | None
    """As status and evaluation.json have it."""


class Change(Model):
    """One figure of both versions on the same examples; a number that no example allows is null."""

    first: float | None
    second: float | None
    change: float | None
    """Second minus first."""
    interval: IntervalDocument | None
    """Of the change, 95 %: both versions are resampled together."""

    @property
    def is_apart(self) -> bool:
        """Whether the interval leaves 0 out."""
        return self.interval is not None and (self.interval.lower > 0 or self.interval.upper < 0)


class ConceptChange(Change):
    """One concept: recall in Classification, average precision else."""

    name: str
    support: int


class PictureChange(Model):
    """One example on which one version makes fewer wrong decisions than the other, at their own thresholds."""

    id: str
    annotated: str
    first: str
    """What the first decided."""
    second: str
    first_errors: int
    second_errors: int


class VersionComparison(Model):
    """Two versions on the same validation examples."""

    api_version: Literal["tintype.dev/v1alpha1"] = API_VERSION
    kind: Literal["VersionComparison"] = "VersionComparison"
    view: ViewType
    indicator_name: str
    examples: int
    validation_digest: str
    first: NamedVersion
    second: NamedVersion
    indicator: Change
    """Computed from predictions.jsonl.gz of both."""
    test: TestName
    p_value: float | None
    better: Better
    concepts: tuple[ConceptChange, ...]
    """Those whose figures differ most first."""
    fixed: tuple[PictureChange, ...]
    """Examples on which the second makes fewer errors."""
    broken: tuple[PictureChange, ...]
    """Examples on which it makes more."""
    notes: tuple[str, ...]
    """What a reader has to know."""

    def to_json(self) -> str:
        """Return the document; a number that no example allows is null."""
        return json.dumps(self.model_dump(mode="json", by_alias=True), indent=1, ensure_ascii=False, allow_nan=False)
