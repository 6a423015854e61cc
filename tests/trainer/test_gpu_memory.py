"""A GPU that runs out of memory, wherever a training can meet it; fakes raise what torch raises."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD

from support.trainings import Digits, OneBox, Recorder, make_learner, small_network, training_spec
from tintype_api.catalogue import Optimizer
from tintype_api.errors import UserError
from tintype_api.spec.view import ViewType
from tintype_trainer.gpu_memory import is_out_of_gpu_memory
from tintype_trainer.learners.predictions import DetectionPredictions, ScorePredictions
from tintype_trainer.loop.ema import Ema
from tintype_trainer.loop.records import Examples
from tintype_trainer.loop.stepping import Stepper

SPEC = training_spec(Optimizer.MOMENTUM, 0.1)
BOXES = training_spec(Optimizer.MOMENTUM, 0.1, view=ViewType.DETECTION)


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Digits:
    return Digits(tmp_path_factory.mktemp("digits"), 40)


def out_of_memory() -> RuntimeError:
    return torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")


class _Backward(torch.autograd.Function):
    """Raises on the way back for batches that are too large."""

    @staticmethod
    def forward(_context: Any, images_B3HW: Tensor) -> Tensor:  # noqa: ANN401 - torch's own
        return images_B3HW.clone()

    @staticmethod
    def backward(_context: Any, gradient: Tensor) -> Tensor:  # noqa: ANN401 - torch's own
        if len(gradient) > 4:
            raise out_of_memory()
        return gradient


class _Short(nn.Module):
    """Goes before a network: there is memory for four examples at once, on the way forward or on the way back."""

    def __init__(self, *, back: bool) -> None:
        super().__init__()
        self.back = back
        self.factor = nn.Parameter(torch.ones(1))

    def forward(self, images_B3HW: Tensor) -> Tensor:
        if self.back:
            answer: Tensor = _Backward.apply(images_B3HW * self.factor)
            return answer
        if len(images_B3HW) > 4:
            raise out_of_memory()
        return images_B3HW * self.factor


class _ShortSgd(SGD):
    """Has no memory for the second of the parameters."""

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]  # noqa: ANN401, ARG002 - torch's own
        self.param_groups[0]["params"][0].add_(1.0)
        raise out_of_memory()


class _ShortEma(Ema):
    def update(self) -> None:
        raise out_of_memory()


def _tensors(network: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in network.named_parameters()}


@pytest.mark.parametrize(
    ("error", "is_one"),
    [
        (out_of_memory(), True),
        (RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be reported elsewhere"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), True),
        (RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"), True),
        (RuntimeError("CUDA error: device-side assert triggered"), False),
        (ValueError("CUDA error: out of memory"), False),
        (MemoryError(), False),
    ],
)
def test_what_says_that_memory_ended(error: Exception, is_one: bool) -> None:
    assert is_out_of_gpu_memory(error) == is_one


@pytest.mark.parametrize("back", [False, True], ids=["forward", "backward"])
def test_half_a_step_leaves_nothing_of_itself(digits: Digits, back: bool) -> None:
    """The step is that of a training that was cut from the start, and so are average and gradients."""
    trained = []
    for accumulation in (1, 2):
        network = nn.Sequential(_Short(back=back), *small_network(batch_norm=False)).train()
        ema, notes = Ema(network, 0.9), list[str]()
        optimizer = SGD(network.parameters(), lr=0.1, momentum=0.9)
        stepper = Stepper(make_learner(network, SPEC), optimizer, 8, accumulation, 1.0, ema, notes.append)
        with digits.loader(ViewType.CLASSIFICATION) as loader:
            losses = [stepper.step(batch, len(batch)) for batch in loader.evaluation(range(24), 8)]
        assert stepper.examples_at_once == 4
        assert len(notes) == 2 - accumulation
        trained.append((losses, _tensors(network), ema.average, optimizer.state_dict()["state"][0]["momentum_buffer"]))
    torch.testing.assert_close(trained[0], trained[1], rtol=0, atol=0)


def test_memory_that_ends_while_a_gradient_is_clipped_is_a_smaller_part(
    digits: Digits, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = nn.utils.clip_grad_norm_
    calls: list[float] = []

    def short(parameters: Iterator[Tensor], norm: float) -> Tensor:
        calls.append(norm)
        if len(calls) == 1:
            raise out_of_memory()
        return clip(parameters, norm)

    monkeypatch.setattr(nn.utils, "clip_grad_norm_", short)
    network = small_network().train()
    stepper = Stepper(make_learner(network, SPEC), SGD(network.parameters(), 0.1), 8, 1, 0.5, None, lambda _: None)
    with digits.loader(ViewType.CLASSIFICATION) as loader:
        stepper.step(next(loader.evaluation(range(8), 8)), 8)
    assert (calls, stepper.examples_at_once) == ([0.5, 0.5], 4)


@pytest.mark.parametrize("place", ["optimizer", "ema"])
@pytest.mark.parametrize(
    ("batch_size", "advice"),
    [
        (8, "of which 8 examples go through it at once; set training.batchSize to 4, choose a smaller"),
        (1, "of which 1 example goes through it at once; choose a smaller training.architecture, or ask for a larger"),
    ],
)
def test_weights_that_are_half_new_are_not_trained_further(
    digits: Digits, place: str, batch_size: int, advice: str
) -> None:
    network = small_network(batch_norm=False).train()
    optimizer = (_ShortSgd if place == "optimizer" else SGD)(network.parameters(), 0.1)
    ema = _ShortEma(network, 0.9) if place == "ema" else None
    stepper = Stepper(make_learner(network, SPEC), optimizer, batch_size, 1, None, ema, lambda _: None)
    with digits.loader(ViewType.CLASSIFICATION) as loader, pytest.raises(UserError, match=advice) as caught:
        stepper.step(next(loader.evaluation(range(batch_size), batch_size)), batch_size)
    assert (caught.value.exit_code, caught.value.reason) == (1, "GPUOutOfMemory")


class _Limited(nn.Module):
    """A network for which, in eval mode, there is memory for so many examples at once."""

    def __init__(self, network: nn.Module, memory: int) -> None:
        super().__init__()
        self.inner, self.memory = network, memory
        self.seen: list[int] = []

    def forward(self, images_B3HW: Tensor) -> Tensor:
        self._take(images_B3HW)
        answer: Tensor = self.inner(images_B3HW)
        return answer

    def _take(self, images_B3HW: Tensor) -> None:
        if not self.training:
            self.seen.append(len(images_B3HW))
            if len(images_B3HW) > self.memory:
                raise out_of_memory()


class _LimitedBoxes(OneBox):
    def __init__(self, memory: int) -> None:
        super().__init__()
        self.memory = memory

    def losses_and_detections(self, images_B3HW: Tensor, targets: Any) -> Any:  # noqa: ANN401 - as OneBox
        if len(images_B3HW) > self.memory:
            raise out_of_memory()
        return super().losses_and_detections(images_B3HW, targets)


def test_an_evaluation_goes_on_in_smaller_parts(digits: Digits, caplog: pytest.LogCaptureFixture) -> None:
    network, checks = small_network(), list[int]()
    limited = _Limited(network, 3)
    found = []
    for each in (network, limited):
        learner = make_learner(each.train(), SPEC)
        with digits.loader(ViewType.CLASSIFICATION) as loader:
            found.append(learner.predict(loader.evaluation(range(20), 8), lambda: checks.append(1)))
        assert each.training
    whole, parts = found
    assert isinstance(whole, ScorePredictions)
    assert isinstance(parts, ScorePredictions)
    np.testing.assert_allclose(parts.losses_N, whole.losses_N, atol=1e-6)
    np.testing.assert_allclose(parts.scores_NK, whole.scores_NK, atol=1e-6)
    np.testing.assert_array_equal(parts.shares_NK, whole.shares_NK)
    assert limited.seen == [8, 4, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2]
    assert len(checks) == 3 + len(limited.seen)
    assert [record.getMessage() for record in caplog.records] == [
        f"the device has no memory to evaluate {many} examples at once: at most {few} are evaluated together"
        for many, few in ((8, 4), (4, 2))
    ]


def test_a_detector_is_evaluated_in_smaller_parts(digits: Digits) -> None:
    found = []
    for memory in (100, 3):
        learner = make_learner(_LimitedBoxes(memory), BOXES)
        with digits.loader(ViewType.DETECTION) as loader:
            found.append(learner.predict(loader.evaluation(range(10), 8), lambda: None))
    whole, parts = found
    assert isinstance(whole, DetectionPredictions)
    assert isinstance(parts, DetectionPredictions)
    for one, other in zip(whole.detected, parts.detected, strict=True):
        np.testing.assert_allclose(one.boxes_N4, other.boxes_N4, atol=1e-5)
    assert parts.losses_N.mean() == pytest.approx(whole.losses_N.mean(), abs=1e-5)


def test_one_example_that_does_not_fit_is_told(digits: Digits) -> None:
    learner = make_learner(_Limited(small_network(), 0), SPEC)
    with (
        digits.loader(ViewType.CLASSIFICATION) as loader,
        pytest.raises(UserError, match="no memory to evaluate this network on 1 example; make it smaller") as caught,
    ):
        learner.predict(loader.evaluation(range(4), 4), lambda: None)
    assert (caught.value.exit_code, caught.value.reason) == (1, "GPUOutOfMemory")


@pytest.mark.parametrize("view", [ViewType.CLASSIFICATION, ViewType.DETECTION])
def test_other_errors_of_an_evaluation_are_not_hidden(digits: Digits, view: ViewType) -> None:
    def broken(_images: object, *_targets: object) -> None:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    network = small_network() if view is ViewType.CLASSIFICATION else OneBox()
    setattr(network, "forward" if view is ViewType.CLASSIFICATION else "losses_and_detections", broken)
    learner = make_learner(network, SPEC if view is ViewType.CLASSIFICATION else BOXES)
    with digits.loader(view) as loader, pytest.raises(RuntimeError, match="mat1 and mat2"):
        learner.predict(loader.evaluation(range(4), 4), lambda: None)


def test_a_training_says_what_it_sees_at_once_and_keeps_to_it(digits: Digits) -> None:
    recorder = Recorder()
    network = nn.Sequential(_Short(back=False), *small_network())
    spec = training_spec(Optimizer.MOMENTUM, 0.1, {"epochs": 2})
    trained = digits.train(network, spec, Examples(range(24), range(24, 40), ()), recorder=recorder)
    assert {step.examples_at_once for step in recorder.steps} == {4}
    assert trained.examples_at_once == 4
    assert recorder.notes == [
        "the device has no memory for 8 examples at once: each batch now goes through the network in parts of at most "
        "4; BatchNorm takes its statistics from these parts"
    ]
    assert [epoch.entry.epoch for epoch in trained.epochs] == [1, 2]
