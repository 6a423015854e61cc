"""The learning rate at each optimizer step, as a factor of its peak. Pure.

Steps count from 0 to T - 1, T being the steps of the planned training.
"""

import math
from decimal import Decimal
from typing import Final

from tintype_api.catalogue import ADAM_FAMILY, Optimizer
from tintype_api.spec.training import Schedule, ScheduleType

RISE_SHARE: Final = 0.3
START_FACTOR: Final = 1 / 25
END_FACTOR: Final = START_FACTOR / 1e4


def factor(schedule: Schedule, optimizer: Optimizer, step: int, steps: int, steps_per_epoch: int) -> float:
    """Return what the peak learning rate is multiplied by at step `step` of `steps`.

    Auto is stepwise for Momentum and RMSProp, and one-cycle for the Adam family. Warm-up multiplies what the others
    say; a one-cycle schedule has a rise of its own and takes none.

    Args:
        schedule: Its type and its options.
        optimizer: What Auto depends on.
        step: From 0.
        steps: Of the planned training.
        steps_per_epoch: The unit of stepEpochs.
    """
    kind = schedule_type(schedule, optimizer)
    if kind is ScheduleType.ONE_CYCLE:
        return one_cycle(step, steps)
    return warm_up(step, schedule.warmup_steps) * _plain(kind, schedule, step, steps, steps_per_epoch)


def schedule_type(schedule: Schedule, optimizer: Optimizer) -> ScheduleType:
    """Return the type that a schedule has with an optimizer; Auto stays where it is the stepwise one."""
    is_cycle = schedule.type is ScheduleType.AUTO and optimizer in ADAM_FAMILY
    return ScheduleType.ONE_CYCLE if is_cycle else schedule.type


def warm_up(step: int, warmup_steps: int) -> float:
    """Return (step + 1) / warmup_steps until it is 1: a line from zero, which the step before the first one would have.

    So no step is wasted at a rate of zero, and step warmup_steps - 1 is the first at the whole rate.
    """
    return min(1.0, (step + 1) / warmup_steps) if warmup_steps else 1.0


def stepwise(step: int, steps: int) -> float:
    """Return 1, 0.1 from floor(0.33 steps), 0.01 from floor(0.66 steps).

    A training of less than four steps is too short for borders at which something was learned before them: where
    the first border would be step 0, the rate stays at its peak.
    """
    first, second = 33 * steps // 100, 66 * steps // 100
    if first == 0:
        return 1.0
    return 1.0 if step < first else 0.1 if step < second else 0.01


def staircase(step: int, period: Decimal, step_factor: float) -> float:
    """Return step_factor to the power of the whole periods before `step`.

    Where a period is no whole number of steps, each fall is at the first step that is not before it.
    """
    return step_factor ** int(step // period)


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


def cosine(step: int, steps: int) -> float:
    """Return the half cosine from 1 at step 0 to 0 at step `steps`, which is after the last (Loshchilov and Hutter)."""
    return _cosine(1.0, 0.0, step / steps)


def _plain(kind: ScheduleType, schedule: Schedule, step: int, steps: int, steps_per_epoch: int) -> float:
    match kind:
        case ScheduleType.CONSTANT:
            return 1.0
        case ScheduleType.STEP:
            period = _period(schedule.step_epochs, steps, steps_per_epoch)
            assert schedule.step_factor is not None, "resolve fills in the factor of a step"
            return staircase(step, period, schedule.step_factor)
        case ScheduleType.COSINE:
            return cosine(step, steps)
        case _:
            return stepwise(step, steps)


def _period(step_epochs: float | None, steps: int, steps_per_epoch: int) -> Decimal:
    """Return the steps between two falls: a third of the training, rounded up, so that it has three rates, not four."""
    if step_epochs is None:
        return Decimal(-(-steps // 3))
    return Decimal(str(step_epochs)) * steps_per_epoch


def _cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2
