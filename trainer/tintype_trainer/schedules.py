"""The learning rate at each optimizer step, as a factor of its peak. Pure."""

import math
from typing import Final

from tintype_api.catalogue import ADAM_FAMILY, Optimizer
from tintype_api.spec.training import ScheduleType

RISE_SHARE: Final = 0.3
START_FACTOR: Final = 1 / 25
END_FACTOR: Final = START_FACTOR / 1e4


def factor(schedule: ScheduleType, optimizer: Optimizer, step: int, steps: int) -> float:
    """Return what the peak learning rate is multiplied by at step `step` (from 0) of `steps`.

    Auto is stepwise for Momentum and RMSProp, and one-cycle for the Adam family.
    """
    if schedule is ScheduleType.CONSTANT:
        return 1.0
    if optimizer in ADAM_FAMILY:
        return one_cycle(step, steps)
    return stepwise(step, steps)


def stepwise(step: int, steps: int) -> float:
    """Return 1, 0.1 from floor(0.33 steps), 0.01 from floor(0.66 steps).

    A training of less than four steps is too short for borders at which something was learned before them: where
    the first border would be step 0, the rate stays at its peak.
    """
    first, second = 33 * steps // 100, 66 * steps // 100
    if first == 0:
        return 1.0
    return 1.0 if step < first else 0.1 if step < second else 0.01


def one_cycle(step: int, steps: int) -> float:
    """Return the one-cycle factor of Smith and Topin 2018: up from 1/25 over 30 % of the steps, then down to almost 0.

    Both parts are half cosines, as in torch's OneCycleLR, and the peak is step 0.3 steps - 1; in a training that is
    too short to have a rise it is step 0.
    """
    peak = max(0.0, RISE_SHARE * steps - 1)
    if step < peak:
        return _cosine(START_FACTOR, 1.0, step / peak)
    last = steps - 1
    return _cosine(1.0, END_FACTOR, (step - peak) / (last - peak)) if last > peak else 1.0


def _cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2
