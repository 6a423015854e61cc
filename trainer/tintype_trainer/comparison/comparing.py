"""Compares two versions on the same validation examples: by how much, by chance or not, where. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tintype_api.spec.view import ViewType
from tintype_trainer.comparison.document import (
    Better,
    Change,
    ConceptChange,
    NamedVersion,
    PictureChange,
    TestName,
    VersionComparison,
)
from tintype_trainer.comparison.sides import Side, Truth
from tintype_trainer.evaluation.detection import LOWEST_SCORE
from tintype_trainer.evaluation.document import IntervalDocument
from tintype_trainer.metrics.bootstrap import interval_of, resamples
from tintype_trainer.metrics.measures import finite_or_none
from tintype_trainer.metrics.significance import LEVEL, bootstrap_p, mcnemar_exact

INDICATORS: Final = {ViewType.CLASSIFICATION: "accuracy", ViewType.TAGGING: "mAP", ViewType.DETECTION: "mAP"}
DIFFERENT: Final = 5e-5
"""What four decimals show."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Two versions on the same examples.

    Attributes:
        view_type: Of the view.
        concepts: In one order for both.
        ids: Of the examples.
        truth: What is annotated.
        first: The one side.
        second: The other.
    """

    view_type: ViewType
    concepts: Sequence[str]
    ids: Sequence[str]
    truth: Truth
    first: Side
    second: Side


def compare(pairs: Pairs, names: tuple[NamedVersion, NamedVersion], validation_digest: str) -> VersionComparison:
    """Return how the second of two versions differs from the first.

    The interval of each change is that of the paired bootstrap (Efron and Tibshirani 1993): examples are drawn with
    replacement, both versions are measured on the same draw, and the 2.5 and 97.5 percentiles of the differences are
    taken. Whether the change of the indicator is more than chance says McNemar's exact test in Classification, else the
    paired bootstrap.
    """
    everything = np.ones((1, len(pairs.ids)), dtype=np.int32)
    figures_C2 = np.hstack([side.figures(everything) for side in (pairs.first, pairs.second)])
    drawn = [pairs.second.figures(weights) - pairs.first.figures(weights) for weights in resamples(len(pairs.ids))]
    changes_CR = np.concatenate(drawn, axis=1)
    indicator, *each = (
        _change(first, second, changes_R)
        for (first, second), changes_R in zip(figures_C2.tolist(), changes_CR, strict=True)
    )
    fixed, broken = _pictures(pairs, fixed=True), _pictures(pairs, fixed=False)
    test, p_value = _test(pairs, changes_CR[0], len(fixed), len(broken))
    return VersionComparison(
        view=pairs.view_type,
        indicator_name=INDICATORS[pairs.view_type],
        examples=len(pairs.ids),
        validation_digest=validation_digest,
        first=names[0],
        second=names[1],
        indicator=indicator,
        test=test,
        p_value=p_value,
        better=_better(indicator, p_value),
        concepts=_by_size(pairs, each),
        fixed=fixed,
        broken=broken,
        notes=tuple(_notes(pairs.view_type, indicator, names)),
    )


def _change(first: float, second: float, changes_R: NDArray[np.float64]) -> Change:
    interval = interval_of(changes_R)
    return Change(
        first=finite_or_none(first),
        second=finite_or_none(second),
        change=finite_or_none(second - first),
        interval=None if interval is None else IntervalDocument.model_validate(asdict(interval)),
    )


def _test(pairs: Pairs, changes_R: NDArray[np.float64], fixed: int, broken: int) -> tuple[TestName, float | None]:
    if pairs.view_type is ViewType.CLASSIFICATION:
        return TestName.MCNEMAR, mcnemar_exact(broken, fixed)
    return TestName.BOOTSTRAP, bootstrap_p(changes_R)


def _better(indicator: Change, p_value: float | None) -> Better:
    if p_value is None or p_value >= LEVEL or not indicator.change:
        return Better.NEITHER
    return Better.SECOND if indicator.change > 0 else Better.FIRST


def _by_size(pairs: Pairs, changes: Sequence[Change]) -> tuple[ConceptChange, ...]:
    named = [
        ConceptChange(name=name, support=support, **change.model_dump())
        for name, support, change in zip(pairs.concepts, pairs.truth.support, changes, strict=True)
    ]
    return tuple(sorted(named, key=lambda concept: -abs(concept.change or 0.0)))


def _pictures(pairs: Pairs, *, fixed: bool) -> tuple[PictureChange, ...]:
    """Return the examples on which errors became fewer, or more; where most did first, equal ones by id."""
    gained_N = (pairs.first.errors_N - pairs.second.errors_N) * (1 if fixed else -1)
    places = sorted(np.flatnonzero(gained_N > 0).tolist(), key=lambda place: (-gained_N[place], pairs.ids[place]))
    return tuple(
        PictureChange(
            id=pairs.ids[place],
            annotated=pairs.truth.said[place],
            first=pairs.first.said[place],
            second=pairs.second.said[place],
            first_errors=int(pairs.first.errors_N[place]),
            second_errors=int(pairs.second.errors_N[place]),
        )
        for place in places
    )


def _notes(view_type: ViewType, indicator: Change, names: tuple[NamedVersion, NamedVersion]) -> Iterator[str]:
    for named, figure in zip(names, (indicator.first, indicator.second), strict=True):
        published = named.published_indicator
        if published is not None and figure is not None and abs(published - figure) > DIFFERENT:
            why = (
                f"predictions.jsonl.gz has no detections with a score below {LOWEST_SCORE:g}, and rounds the others"
                if view_type is ViewType.DETECTION
                else "predictions.jsonl.gz has rounded scores"
            )
            yield f"{named.name} was published with {published:.4f}: {why}"
