"""Parts of the document that every kind of view has, from what the metrics give. Pure."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Final

from tintype_trainer.evaluation.document import (
    CalibrationDocument,
    CurveDocument,
    IntervalDocument,
    LikelyError,
    LrpDocument,
    Rates,
)
from tintype_trainer.metrics.bootstrap import Interval
from tintype_trainer.metrics.calibration import Calibration
from tintype_trainer.metrics.curves import Curve
from tintype_trainer.metrics.decisions import Means
from tintype_trainer.metrics.lrp import Lrp

MOST_ERRORS: Final = 50


def rates(means: Means) -> Rates:
    """Return means as the document has them."""
    return Rates.model_validate(asdict(means))


def interval_document(interval: Interval | None) -> IntervalDocument | None:
    """Return an interval as the document has it."""
    return None if interval is None else IntervalDocument.model_validate(asdict(interval))


def calibration_document(calibration: Calibration | None) -> CalibrationDocument | None:
    """Return a calibration as the document has it."""
    return None if calibration is None else CalibrationDocument.model_validate(asdict(calibration))


def curve_document(curve: Curve | None) -> CurveDocument | None:
    """Return a curve as the document has it."""
    return None if curve is None else CurveDocument.model_validate(asdict(curve))


def lrp_document(lrp: Lrp | None) -> LrpDocument | None:
    """Return an optimal LRP as the document has it."""
    return None if lrp is None else LrpDocument.model_validate(asdict(lrp))


def surest(errors: Iterable[LikelyError]) -> tuple[LikelyError, ...]:
    """Return the fifty errors of which the network is surest, the surest first, equal ones by the example's id."""
    return tuple(sorted(errors, key=lambda error: (-error.score, error.id)))[:MOST_ERRORS]
