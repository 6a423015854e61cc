import warnings

import pytest
import torch
from torch.optim import SGD
from torch.optim.lr_scheduler import LRScheduler, MultiStepLR, OneCycleLR

from tintype_api.catalogue import ADAM_FAMILY, Optimizer
from tintype_api.spec.training import ScheduleType
from tintype_trainer.schedules import factor, one_cycle, stepwise


def _torch_rates(scheduler: LRScheduler, optimizer: SGD, steps: int) -> list[float]:
    rates = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of stepping a schedule whose optimizer has not stepped
        for _ in range(steps):
            rates.append(optimizer.param_groups[0]["lr"])
            if len(rates) < steps:
                scheduler.step()
    return rates


def _optimizer(rate: float = 1.0) -> SGD:
    return SGD([torch.nn.Parameter(torch.zeros(1))], lr=rate)


@pytest.mark.parametrize("steps", [4, 10, 100, 333])
def test_one_cycle_is_torchs(steps: int) -> None:
    optimizer = _optimizer()
    scheduler = OneCycleLR(optimizer, 1.0, total_steps=steps, pct_start=0.3, div_factor=25, cycle_momentum=False)
    expected = _torch_rates(scheduler, optimizer, steps)
    assert [one_cycle(step, steps) for step in range(steps)] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("steps", [4, 10, 100, 300, 333])
def test_stepwise_is_torchs(steps: int) -> None:
    optimizer = _optimizer()
    borders = [steps * 33 // 100, steps * 66 // 100]
    expected = _torch_rates(MultiStepLR(optimizer, borders, gamma=0.1), optimizer, steps)
    assert [stepwise(step, steps) for step in range(steps)] == pytest.approx(expected, rel=1e-12)


def test_borders_are_exact_where_floats_are_not() -> None:
    assert stepwise(32, 100) == 1.0
    assert stepwise(33, 100) == 0.1
    assert stepwise(66, 100) == 0.01


@pytest.mark.parametrize("steps", [1, 2, 3])
@pytest.mark.parametrize("optimizer", list(Optimizer))
def test_the_shortest_trainings_start_at_the_peak(optimizer: Optimizer, steps: int) -> None:
    assert factor(ScheduleType.AUTO, optimizer, 0, steps) == 1.0


@pytest.mark.parametrize("optimizer", list(Optimizer))
def test_auto_depends_on_the_optimizer(optimizer: Optimizer) -> None:
    expected = one_cycle if optimizer in ADAM_FAMILY else stepwise
    rates = [factor(ScheduleType.AUTO, optimizer, step, 50) for step in range(50)]
    assert rates == [expected(step, 50) for step in range(50)]


def test_constant_stays() -> None:
    assert {factor(ScheduleType.CONSTANT, Optimizer.ADAM, step, 9) for step in range(9)} == {1.0}
