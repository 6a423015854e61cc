from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD

from support.trainings import Digits, OneBox, make_learner, small_network, training_spec
from tintype_api.catalogue import Optimizer
from tintype_api.errors import UserError
from tintype_api.spec.view import ViewType
from tintype_trainer.learners import Learner
from tintype_trainer.loop.batch_size import largest_batch
from tintype_trainer.loop.plan import part_bounds
from tintype_trainer.loop.stepping import Stepper
from tintype_trainer.pixels.batches import Batch
from tintype_trainer.pixels.cutting import cut, cut_to

SPEC = training_spec(Optimizer.MOMENTUM, 0.1)


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Digits:
    return Digits(tmp_path_factory.mktemp("digits"), 40)


def _batch(digits: Digits, size: int, view: ViewType = ViewType.CLASSIFICATION) -> Batch:
    with digits.loader(view) as loader:
        return next(loader.evaluation(range(size), size))


class _Limited:
    """A learner on a device that has memory for so many examples only."""

    def __init__(self, learner: Learner, memory: int) -> None:
        self.network, self.device = learner.network, learner.device
        self.predict, self.measure = learner.predict, learner.measure
        self.memory = memory
        self.sizes: list[int] = []
        self._learner = learner

    def training_loss(self, batch: Batch) -> Tensor:
        self.sizes.append(len(batch))
        loss = self._learner.training_loss(batch)
        if len(batch) > self.memory:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return loss


def _stepper(
    learner: Learner,
    size: int,
    accumulation: int = 1,
    clip_norm: float | None = None,
    note: Callable[[str], None] = lambda _: None,
) -> Stepper:
    learner.network.train()
    optimizer = SGD(learner.network.parameters(), lr=0.1)
    return Stepper(learner, optimizer, size, accumulation, clip_norm, None, note)


def _gradient(network: nn.Module) -> Tensor:
    return torch.cat([parameter.grad.flatten() for parameter in network.parameters() if parameter.grad is not None])


@pytest.mark.parametrize(("examples", "parts"), [(8, 1), (8, 3), (7, 7), (5, 2), (33, 4)])
def test_parts_are_the_whole_and_even(examples: int, parts: int) -> None:
    bounds = part_bounds(examples, parts)
    assert [number for first, end in bounds for number in range(first, end)] == list(range(examples))
    sizes = [end - first for first, end in bounds]
    assert len(sizes) == parts
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize(("at_once", "sizes"), [(8, [7]), (7, [7]), (6, [3, 4]), (3, [2, 2, 3]), (1, [1] * 7)])
def test_a_batch_is_cut_into_as_few_parts_as_are_small_enough(digits: Digits, at_once: int, sizes: list[int]) -> None:
    assert [len(part) for part in cut_to(_batch(digits, 7), at_once)] == sizes


def test_a_cut_batch_keeps_pictures_and_boxes_together(digits: Digits) -> None:
    batch = _batch(digits, 7, ViewType.DETECTION)
    parts = cut(batch, 3)
    assert torch.equal(torch.cat([part.images_B3HW for part in parts]), batch.images_B3HW)
    assert tuple(boxes for part in parts for boxes in part.boxes) == batch.boxes
    assert [len(part.boxes) for part in parts] == [len(part) for part in parts]


@pytest.mark.parametrize("parts", [2, 3, 5, 11])
def test_the_gradient_of_parts_is_that_of_the_whole_batch(digits: Digits, parts: int) -> None:
    batch = _batch(digits, 11)
    networks = [small_network(batch_norm=False) for _ in range(2)]
    losses = [
        _stepper(make_learner(network, SPEC), 11, accumulation).step(batch, len(batch))
        for network, accumulation in zip(networks, (1, parts), strict=True)
    ]
    assert losses[0] == pytest.approx(losses[1], abs=1e-6)
    torch.testing.assert_close(_gradient(networks[0]), _gradient(networks[1]), atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(networks[0][3].weight, networks[1][3].weight, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize(
    ("accumulation", "batch_norm", "examples", "sizes"),
    [
        (2, True, 8, [4, 4]),
        (3, True, 8, [2, 3, 3]),
        (8, True, 8, [2, 2, 2, 2]),
        (8, False, 8, [1] * 8),
        (4, False, 9, [1, 2, 2, 2, 2]),  # a batch that a single example has joined
        (2, True, 3, [3]),  # the last batch of an epoch
        (4, True, 1, [1]),
    ],
)
def test_sizes_of_parts(digits: Digits, accumulation: int, batch_norm: bool, examples: int, sizes: list[int]) -> None:
    learner = _Limited(make_learner(small_network(batch_norm=batch_norm), SPEC), 100)
    _stepper(learner, 8, accumulation).step(_batch(digits, examples), examples)
    assert learner.sizes == sizes


def test_a_gradient_is_clipped_to_its_norm(digits: Digits) -> None:
    networks = [small_network() for _ in range(2)]
    for network, clip_norm in zip(networks, (None, 0.01), strict=True):
        _stepper(make_learner(network, SPEC), 8, 2, clip_norm).step(_batch(digits, 8), 8)
    whole, clipped = map(_gradient, networks)
    assert whole.norm() > 0.01
    torch.testing.assert_close(clipped, whole / whole.norm() * 0.01, atol=1e-7, rtol=1e-4)


@pytest.mark.parametrize(
    ("memory", "batch_norm", "sizes", "at_once"),
    [
        (8, True, [8], 8),
        (5, True, [8, 4, 4], 4),
        (2, True, [8, 4, 2, 2, 2, 2], 2),
        (1, False, [8, 4, 2, *[1] * 8], 1),
    ],
)
def test_parts_are_halved_until_they_fit_the_memory(
    digits: Digits, memory: int, batch_norm: bool, sizes: list[int], at_once: int
) -> None:
    notes: list[str] = []
    learner = _Limited(make_learner(small_network(batch_norm=batch_norm), SPEC), memory)
    stepper = _stepper(learner, 8, note=notes.append)
    limited = stepper.step(_batch(digits, 8), 8)
    assert learner.sizes == sizes
    assert stepper.examples_at_once == at_once
    assert len(notes) == len({8, 4, 2, 1} & set(sizes)) - 1
    assert all(("BatchNorm takes its statistics from these parts" in note) == batch_norm for note in notes)
    learner.sizes.clear()
    stepper.step(_batch(digits, 8), 8)
    assert set(learner.sizes) == {at_once}

    whole = _stepper(make_learner(small_network(batch_norm=batch_norm), SPEC), 8).step(_batch(digits, 8), 8)
    if not batch_norm:
        assert limited == pytest.approx(whole, abs=1e-6)


@pytest.mark.parametrize(("batch_norm", "smallest"), [(True, "2 examples"), (False, "1 example")])
def test_what_does_not_fit_in_the_smallest_part_does_not_fit_this_gpu(
    digits: Digits, batch_norm: bool, smallest: str
) -> None:
    learner = _Limited(make_learner(small_network(batch_norm=batch_norm), SPEC), 0)
    with pytest.raises(
        UserError, match=f"no memory to train this network on {smallest} at once; make it smaller"
    ) as caught:
        _stepper(learner, 8).step(_batch(digits, 8), 8)
    assert (caught.value.exit_code, caught.value.reason) == (1, "GPUOutOfMemory")


@pytest.mark.parametrize(("memory", "size"), [(100, 32), (32, 32), (31, 16), (5, 4), (2, 2)])
def test_the_largest_batch_that_fits(digits: Digits, memory: int, size: int) -> None:
    network = small_network()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    random = torch.get_rng_state()
    learner = _Limited(make_learner(network.eval(), SPEC), memory)
    assert largest_batch(learner, 32, lambda count: _batch(digits, count)) == size
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert torch.equal(torch.get_rng_state(), random)
    assert not network.training
    assert all(parameter.grad is None for parameter in network.parameters())


def test_a_batch_of_two_that_does_not_fit(digits: Digits) -> None:
    learner = _Limited(make_learner(small_network(), SPEC), 1)
    with pytest.raises(UserError, match="no memory to train this network on 2 examples at once"):
        largest_batch(learner, 32, lambda count: _batch(digits, count))


class _Broken(nn.Module):
    def forward(self, _images: Tensor) -> Tensor:
        raise ValueError("something else")


def test_other_errors_are_not_hidden(digits: Digits) -> None:
    learner = make_learner(_Broken(), SPEC)
    with pytest.raises(ValueError, match="something else"):
        Stepper(learner, SGD([nn.Parameter(torch.ones(1))]), 1, 1, None, None, lambda _: None).step(
            _batch(digits, 1), 1
        )


def test_a_detector_trains_in_parts(digits: Digits) -> None:
    learner = _Limited(make_learner(OneBox(), SPEC), 4)
    stepper = _stepper(learner, 8)
    batch = _batch(digits, 8, ViewType.DETECTION)
    losses = [stepper.step(batch, len(batch)) for _ in range(20)]
    assert losses[-1] < losses[0] / 2
    assert set(learner.sizes[1:]) == {4}
