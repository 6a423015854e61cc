import warnings
from collections.abc import Callable

import pytest
import torch
from torch.optim import SGD, NAdam
from torch.optim import Optimizer as TorchOptimizer
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, LRScheduler, MultiStepLR, OneCycleLR, StepLR

from tintype_api.catalogue import ADAM_FAMILY, Optimizer
from tintype_api.spec.training import Schedule, ScheduleType
from tintype_trainer.loop.optimizers import set_learning_rate
from tintype_trainer.loop.schedules import factor, one_cycle, stepwise, warm_up

STEPS = (1, 2, 3, 4, 10, 100, 333)


def _torch_rates(make: Callable[[TorchOptimizer], LRScheduler], steps: int) -> list[float]:
    optimizer = SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = make(optimizer)
    rates = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of stepping a schedule whose optimizer has not stepped
        for _ in range(steps):
            rates.append(optimizer.param_groups[0]["lr"])
            if len(rates) < steps:
                scheduler.step()
    return rates


def _factors(
    schedule: Schedule, steps: int, steps_per_epoch: int = 7, kind: Optimizer = Optimizer.MOMENTUM
) -> list[float]:
    return [factor(schedule, kind, step, steps, steps_per_epoch) for step in range(steps)]


@pytest.mark.parametrize("steps", [4, 10, 100, 333])
@pytest.mark.parametrize("kind", list(Optimizer))
def test_one_cycle_is_torchs(kind: Optimizer, steps: int) -> None:
    expected = _torch_rates(
        lambda optimizer: OneCycleLR(
            optimizer, 1.0, total_steps=steps, pct_start=0.3, div_factor=25, cycle_momentum=False
        ),
        steps,
    )
    assert _factors(Schedule(type=ScheduleType.ONE_CYCLE), steps, kind=kind) == pytest.approx(expected, abs=1e-12)


def test_the_rate_is_set_and_momentum_is_left_alone() -> None:
    optimizer = NAdam([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    set_learning_rate(optimizer, 0.25)
    assert optimizer.param_groups[0]["lr"] == 0.25
    assert optimizer.param_groups[0]["betas"] == (0.9, 0.999)


@pytest.mark.parametrize("steps", [4, 10, 100, 300, 333])
def test_stepwise_is_torchs(steps: int) -> None:
    borders = [steps * 33 // 100, steps * 66 // 100]
    expected = _torch_rates(lambda optimizer: MultiStepLR(optimizer, borders, gamma=0.1), steps)
    assert _factors(Schedule(), steps) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("steps", STEPS)
@pytest.mark.parametrize(("epochs", "gamma"), [(1, 0.1), (2.0, 0.5), (0.5, 1.0)])
def test_step_is_torchs(steps: int, epochs: float, gamma: float) -> None:
    expected = _torch_rates(lambda optimizer: StepLR(optimizer, int(epochs * 8), gamma=gamma), steps)
    schedule = Schedule(type=ScheduleType.STEP, step_epochs=epochs, step_factor=gamma)
    assert _factors(schedule, steps, 8) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("steps", "rates"), [(9, [3, 3, 3]), (10, [4, 4, 2]), (2, [1, 1]), (1, [1])])
def test_step_has_three_rates_unless_told(steps: int, rates: list[int]) -> None:
    expected = [10.0**-level for level, count in enumerate(rates) for _ in range(count)]
    assert _factors(Schedule(type=ScheduleType.STEP, step_factor=0.1), steps) == pytest.approx(expected)


def test_step_epochs_that_are_no_whole_steps_do_not_drift() -> None:
    schedule = Schedule(type=ScheduleType.STEP, step_epochs=0.1, step_factor=0.5)
    falls = [step for step in range(1, 40) if _factors(schedule, 40, 25)[step] < _factors(schedule, 40, 25)[step - 1]]
    assert falls == [3, 5, 8, 10, 13, 15, 18, 20, 23, 25, 28, 30, 33, 35, 38]


@pytest.mark.parametrize("steps", STEPS)
def test_cosine_is_torchs(steps: int) -> None:
    expected = _torch_rates(lambda optimizer: CosineAnnealingLR(optimizer, T_max=steps), steps)
    assert _factors(Schedule(type=ScheduleType.COSINE), steps) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("warmup", [2, 5, 50])
def test_warm_up_is_torchs(warmup: int) -> None:
    expected = _torch_rates(
        lambda optimizer: LinearLR(optimizer, start_factor=1 / warmup, total_iters=warmup - 1), warmup + 20
    )
    assert [warm_up(step, warmup) for step in range(warmup + 20)] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("kind", [ScheduleType.CONSTANT, ScheduleType.STEP, ScheduleType.COSINE, ScheduleType.AUTO])
@pytest.mark.parametrize("warmup", [1, 6, 1000])
def test_warm_up_multiplies_each_schedule_but_the_one_cycle(kind: ScheduleType, warmup: int) -> None:
    step_factor = 0.1 if kind is ScheduleType.STEP else None
    plain = _factors(Schedule(type=kind, step_factor=step_factor), 30)
    warm = _factors(Schedule(type=kind, step_factor=step_factor, warmup_steps=warmup), 30)
    assert warm == pytest.approx([rate * min(1, (step + 1) / warmup) for step, rate in enumerate(plain)])


def test_borders_are_exact_where_floats_are_not() -> None:
    assert stepwise(32, 100) == 1.0
    assert stepwise(33, 100) == 0.1
    assert stepwise(66, 100) == 0.01


@pytest.mark.parametrize("steps", [1, 2, 3])
@pytest.mark.parametrize("optimizer", list(Optimizer))
def test_the_shortest_trainings_start_at_the_peak(optimizer: Optimizer, steps: int) -> None:
    assert factor(Schedule(), optimizer, 0, steps, 1) == 1.0


@pytest.mark.parametrize("optimizer", list(Optimizer))
def test_auto_depends_on_the_optimizer(optimizer: Optimizer) -> None:
    expected = one_cycle if optimizer in ADAM_FAMILY else stepwise
    assert _factors(Schedule(), 50, kind=optimizer) == [expected(step, 50) for step in range(50)]


def test_constant_stays() -> None:
    assert set(_factors(Schedule(type=ScheduleType.CONSTANT), 9, kind=Optimizer.ADAM)) == {1.0}
