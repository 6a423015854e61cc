"""What the page of report.html is given, as JSON. A number that nothing allows is absent.

Examples stand in lists side by side, each in the same order, and scores are whole millionths: two thousand examples of
forty concepts stay below a megabyte that way.
"""

from enum import StrEnum
from typing import Any, Final, TypeAlias

from tintype_api.model import Model
from tintype_api.spec.view import ViewType
from tintype_api.status import HistoryEntry
from tintype_trainer.evaluation.document import CalibrationDocument, IntervalDocument

SCORE_UNIT: Final = 1_000_000
"""Scores are whole multiples of one part in so many, as predictions.jsonl.gz has six decimals of them."""

Number: TypeAlias = int | float
Entries: TypeAlias = tuple[Any, ...]
"""Numbers, or tuples of numbers, of one example, as `Examples` has them."""


class Match(StrEnum):
    """What a detection is at an IoU of 0.5, whatever the threshold: its matches depend on surer ones alone."""

    RIGHT = "right"
    WRONG = "wrong"
    IGNORED = "ignored"


MATCHES: Final = tuple(Match)


class Fact(Model):
    """One thing that is known of the version."""

    label: str
    value: str
    detail: str | None = None
    """What is said beside the value, in smaller letters."""


class Facts(Model):
    """Facts under a heading."""

    title: str
    rows: tuple[Fact, ...]


class Option(Model):
    """One option of the spec."""

    path: str
    value: str
    default: str | None
    """What it would be if it were not given; null where it has to be, or has none."""
    changed: bool


class Snippet(Model):
    """Something to copy."""

    title: str
    note: str
    text: str


class Indicator(Model):
    """The number by which versions of the model are compared."""

    name: str
    value: float
    interval: IntervalDocument | None


class BestEpoch(Model):
    """The epoch whose weights are published."""

    epoch: float
    selected_by: str


class CurvePoints(Model):
    """Precision over recall at falling thresholds, to four decimals."""

    precision: tuple[float, ...]
    recall: tuple[float, ...]


class HonestFigures(Model):
    """One concept on the test set, at the threshold that the validation set chose."""

    support: int
    precision: float | None
    recall: float | None
    f1: float | None
    average_precision: float | None


class Concept(Model):
    """One concept on the evaluated split."""

    name: str
    trained_on: int
    """Training examples of it; in Detection boxes."""
    support: int
    threshold: float
    lowest: float
    """From which score on its answers are here; the threshold is never lower."""
    true_positives: int
    false_positives: int
    false_negatives: int
    average_precision: float | None
    average_precision50: float | None
    curve: CurvePoints | None
    calibration: CalibrationDocument | None
    test: HonestFigures | None


class Examples(Model):
    """The examples of the evaluated split that the page knows one by one.

    Attributes:
        annotated: Classification and Tagging: the concepts that hold, by their places. Detection: boxes, each concept,
            x0, y0, x1, y1 in pixels of the picture, and 1 where it is to be ignored.
        answers: Classification and Tagging: places of concepts and scores by turns, the highest score first. Detection:
            one list for each detection, the highest score first: concept, score, x0, y0, x1, y1, the place of its match
            in MATCHES, then places of the annotated boxes that it overlaps by at least 0.5 and these overlaps by turns.
        sizes: Width and height of each picture in pixels.
        pictures: A data URI of each, smaller than the picture; null where there is no room or no picture.
    """

    ids: tuple[str, ...]
    annotated: tuple[Entries, ...]
    answers: tuple[Entries, ...]
    sizes: tuple[tuple[int, int] | None, ...]
    pictures: tuple[str | None, ...]


class Evaluated(Model):
    """What the published network says of one split."""

    split: str
    total: int
    """Examples of the split; more than the page knows one by one where they are too many."""
    figures: tuple[Fact, ...]
    concepts: tuple[Concept, ...]
    calibration: CalibrationDocument | None
    examples: Examples


class Report(Model):
    """All that the page shows."""

    name: str
    namespace: str
    view: str
    view_type: ViewType
    summary: str
    notes: tuple[str, ...]
    """What a reader has to know, such as that some pictures are not here."""
    indicator: Indicator | None
    best: BestEpoch
    tiles: tuple[Fact, ...]
    facts: tuple[Facts, ...]
    options: tuple[Option, ...]
    epochs: tuple[HistoryEntry, ...]
    evaluated: Evaluated | None
    """Null where no example was set aside."""
    snippets: tuple[Snippet, ...]
