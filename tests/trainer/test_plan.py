import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tintype_api.spec.training import Training
from tintype_trainer.loop.plan import batch_bounds, batch_count, epoch_order, plan, training_batch, with_batch_size


@pytest.mark.parametrize(
    ("examples", "batch_size", "sizes"),
    [
        (64, 32, [32, 32]),
        (70, 32, [32, 32, 6]),
        (65, 32, [32, 33]),
        (33, 32, [33]),
        (20, 32, [20]),
        (1, 32, [1]),
        (3, 1, [1, 1, 1]),
        (2, 1, [1, 1]),
    ],
)
def test_batches_of_an_epoch(examples: int, batch_size: int, sizes: list[int]) -> None:
    bounds = [batch_bounds(examples, batch_size, position) for position in range(batch_count(examples, batch_size))]
    assert [end - first for first, end in bounds] == sizes


@pytest.mark.parametrize(
    ("training", "iterations", "epochs"),
    [
        ({"epochs": 2}, 20, 2),
        ({"epochs": 0.1}, 1, 0.1),
        ({"epochs": 0.3}, 3, 0.3),
        ({"epochs": 1.25}, 13, 1.25),
        ({"iterations": 7}, 7, 0.7),
        ({"iterations": 25}, 25, 2.5),
    ],
)
def test_length(training: dict[str, float], iterations: int, epochs: float) -> None:
    planned = plan(320, Training.model_validate({"batchSize": 32, **training}))
    assert planned.iterations == iterations
    assert planned.epochs == pytest.approx(epochs)


@pytest.mark.parametrize(("epochs", "steps"), [(0, 0), (0.1, 3), (0.11, 4), (1, 30), (2.5, 75)])
def test_steps_of_some_epochs(epochs: float, steps: int) -> None:
    assert plan(960, Training(batch_size=32, epochs=1)).steps_in(epochs) == steps


@pytest.mark.parametrize(
    ("optimizer", "given", "size", "rate"),
    [
        ("Momentum", None, 8, 0.008),
        ("Momentum", 0.5, 8, 0.5),
        ("AdamW", None, 8, 0.00025),
        ("AdamW", None, 32, 0.0005),
    ],
)
def test_an_automatic_batch_size_brings_the_learning_rate(
    optimizer: str, given: float | None, size: int, rate: float
) -> None:
    options = {"batchSize": "Auto", "architecture": "resnet18", "optimizer": {"type": optimizer, "learningRate": given}}
    resolved = with_batch_size(Training.model_validate(options), size)
    assert resolved.batch_size == size
    assert resolved.optimizer.learning_rate == pytest.approx(rate)


def test_metrics_are_due_at_each_epochs_end_and_after_the_last_step() -> None:
    planned = plan(320, Training(batch_size=32, epochs=2.5))
    assert [step for step in range(1, planned.iterations + 1) if planned.ends_epoch(step)] == [10, 20, 25]


@given(examples=st.integers(2, 200), batch_size=st.integers(1, 64), seed=st.integers(0, 5))
def test_an_epoch_reads_every_example_once(examples: int, batch_size: int, seed: int) -> None:
    planned = plan(examples, Training(batch_size=batch_size, epochs=2))
    per_epoch = planned.iterations_per_epoch
    for epoch in range(2):
        batches = [training_batch(planned, seed, epoch * per_epoch + position) for position in range(per_epoch)]
        assert {number for number, _ in batches} == {epoch}
        assert sorted(np.concatenate([indices for _, indices in batches])) == list(range(examples))


def test_epochs_and_seeds_have_their_own_order() -> None:
    assert epoch_order(50, 0, 0).tolist() == epoch_order(50, 0, 0).tolist()
    assert epoch_order(50, 0, 0).tolist() != epoch_order(50, 0, 1).tolist()
    assert epoch_order(50, 0, 0).tolist() != epoch_order(50, 1, 0).tolist()
