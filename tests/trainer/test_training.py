import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional

from support.targets import classified
from tintype_api.catalogue import CATALOGUE, Optimizer
from tintype_api.errors import UserError
from tintype_api.spec.augmentations import HorizontalFlip
from tintype_api.spec.resizer import ImageResizer, ResizerType
from tintype_api.spec.training import OptimizerSettings, Training
from tintype_api.status import HistoryEntry
from tintype_trainer.batches import Loader
from tintype_trainer.classifier import Classifier
from tintype_trainer.device import Device
from tintype_trainer.interruption import Interrupted
from tintype_trainer.networks import build_classifier
from tintype_trainer.picture_memory import PictureMemory
from tintype_trainer.plan import plan, training_batch
from tintype_trainer.training import Examples, Step, Trained, TrainingRun
from tintype_trainer.weights import Normalisation

CPU = Device(torch.device("cpu"), bfloat16=False, threads=1)
HALF = Normalisation((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
RESIZER = ImageResizer(type=ResizerType.FIXED, width=32, height=32)


class Recorder:
    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.epochs: list[tuple[HistoryEntry, HistoryEntry | None]] = []

    def step_done(self, step: Step) -> None:
        self.steps.append(step)

    def epoch_done(self, entry: HistoryEntry, best: HistoryEntry | None) -> None:
        self.epochs.append((entry, best))


class Digits:
    """Scikit-learn's digits as pictures of 8 x 8 pixels."""

    def __init__(self, folder: Path, count: int) -> None:
        digits = load_digits()
        self.labels = digits.target[:count].tolist()
        self.pixels = (digits.images[:count] * 15).astype(np.uint8)
        self.paths = [folder / f"{number}.png" for number in range(count)]
        for path, image in zip(self.paths, self.pixels, strict=True):
            Image.fromarray(image).save(path)

    def train(
        self,
        network: nn.Module,
        training: Training,
        examples: Examples,
        *,
        recorder: Recorder | None = None,
        augmentations: Sequence[HorizontalFlip] = (),
        budget_bytes: int = 1 << 30,
        check: object = lambda: None,
    ) -> Trained:
        with Loader(PictureMemory(self.paths, budget_bytes), classified(self.labels, 10), RESIZER, 2) as loader:
            return TrainingRun(
                Classifier(network, CPU, HALF),
                loader,
                examples,
                plan(len(examples.train), training),
                training,
                augmentations,
                recorder or Recorder(),
                check,  # type: ignore[arg-type]
            ).run()


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Digits:
    return Digits(tmp_path_factory.mktemp("digits"), 300)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def _training(optimizer: Optimizer, rate: float, **options: float) -> Training:
    settings = OptimizerSettings(type=optimizer, learning_rate=rate)
    return Training.model_validate({"batchSize": 8, "seed": 3, **options}).model_copy(update={"optimizer": settings})


def _network(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return build_classifier(CATALOGUE["resnet18"], 10, (32, 32))


def _small(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(3, 16, 5, stride=4), nn.BatchNorm2d(16), nn.ReLU(), nn.Flatten(), nn.Linear(16 * 49, 10)
    )


def _plain_torch_losses(digits: Digits, count: int) -> list[float]:
    """20 steps as anybody would write them, sharing only the order of the examples."""
    grey = torch.tensor(digits.pixels[:count]).unsqueeze(1)
    images = functional.interpolate(grey.expand(-1, 3, -1, -1), (32, 32), mode="bilinear", antialias=True)
    inputs = (images.float() / 255 - 0.5) / 0.5
    labels = torch.tensor(digits.labels[:count])
    network = _network().train()
    bias_like = [parameter for parameter in network.parameters() if parameter.ndim == 1]
    others = [parameter for parameter in network.parameters() if parameter.ndim > 1]
    groups = [{"params": others, "weight_decay": 1e-4}, {"params": bias_like}]
    optimizer = torch.optim.SGD(groups, lr=0.01, momentum=0.9)
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, [6, 13], gamma=0.1)
    planned = plan(count, _training(Optimizer.MOMENTUM, 0.01, iterations=20))
    losses = []
    for iteration in range(20):
        _, chosen = training_batch(planned, 3, iteration)
        loss = functional.cross_entropy(network(inputs[chosen.tolist()]), labels[chosen.tolist()])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    return losses


def test_twenty_steps_are_those_of_plain_torch(digits: Digits) -> None:
    recorder = Recorder()
    training = _training(Optimizer.MOMENTUM, 0.01, iterations=20)
    digits.train(_network(), training, Examples(range(60), [], []), recorder=recorder)
    assert [step.loss for step in recorder.steps] == pytest.approx(_plain_torch_losses(digits, 60), abs=1e-5)
    assert [step.examples for step in recorder.steps[:8]] == [8] * 7 + [4]


def _same(one: Trained, other: Trained) -> bool:
    losses = [[entry.train_loss for entry in trained.history] for trained in (one, other)]
    weights: list[Tensor] = [*one.weights.values()]
    return losses[0] == losses[1] and all(map(torch.equal, weights, other.weights.values()))


def test_the_same_seed_trains_the_same_with_and_without_memory(digits: Digits) -> None:
    def train(seed: int, budget_bytes: int) -> Trained:
        training = _training(Optimizer.ADAMW, 0.002, epochs=2, seed=seed)
        flip = [HorizontalFlip(type="HorizontalFlip")]
        examples = Examples(range(100), range(100, 140), [])
        return digits.train(_small(seed), training, examples, augmentations=flip, budget_bytes=budget_bytes)

    first = train(0, 1 << 30)
    assert _same(first, train(0, 0))
    assert not _same(first, train(1, 0))


def test_it_learns_and_keeps_the_best_epoch(digits: Digits) -> None:
    recorder = Recorder()
    network = _small()
    training = _training(Optimizer.NADAM, 0.005, epochs=6)
    trained = digits.train(network, training, Examples(range(220), range(220, 300), []), recorder=recorder)
    accuracies = [entry.validation_accuracy or 0 for entry, _ in recorder.epochs]
    assert max(accuracies) > 0.8
    assert trained.best.iteration == (accuracies.index(max(accuracies)) + 1) * 28
    assert trained.history == tuple(entry for entry, _ in recorder.epochs)

    network.load_state_dict(dict(trained.weights))
    with Loader(PictureMemory(digits.paths, 0), classified(digits.labels, 10), RESIZER, 1) as loader:
        scores = Classifier(network, CPU, HALF).evaluate(loader.evaluation(range(220, 300), 8), lambda: None)
    assert (scores.scores_NK.argmax(axis=1) == scores.labels_N).mean() == trained.best.validation_accuracy


def test_evaluation_changes_nothing(digits: Digits) -> None:
    network = _small().train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    random = torch.get_rng_state()
    with Loader(PictureMemory(digits.paths, 0), classified(digits.labels, 10), RESIZER, 1) as loader:
        classifier = Classifier(network, CPU, HALF)
        first, second = (classifier.evaluate(loader.evaluation(range(20), 8), lambda: None) for _ in range(2))
    assert np.array_equal(first.losses_N, second.losses_N)
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert torch.equal(torch.get_rng_state(), random)
    assert network.training


def test_without_validation_the_last_iteration_is_kept(digits: Digits) -> None:
    trained = digits.train(_small(), _training(Optimizer.ADAM, 0.001, iterations=20), Examples(range(100), [], []))
    assert [entry.iteration for entry in trained.history] == [13, 20]
    assert trained.best.iteration == 20
    assert trained.best.validation_accuracy is None


def test_a_loss_that_is_no_number_ends_the_training_and_names_the_rate(digits: Digits) -> None:
    training = _training(Optimizer.MOMENTUM, 100.0, epochs=20).model_copy(update={"optimizer": _wild()})
    with pytest.raises(UserError, match=r"learningRate 1e\+30 is too high .* iteration \d+; lower it") as caught:
        digits.train(_small(), training, Examples(range(100), range(100, 120), []))
    assert caught.value.exit_code == 64


def _wild() -> OptimizerSettings:
    return OptimizerSettings.model_construct(type=Optimizer.MOMENTUM, learning_rate=1e30)


class _NoNumbersInEval(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = _small()

    def forward(self, images: Tensor) -> Tensor:
        scores: Tensor = self.inner(images)
        return scores if self.training else scores * math.nan


def test_scores_that_are_no_numbers_are_never_the_best(digits: Digits) -> None:
    recorder = Recorder()
    with pytest.raises(UserError, match="no numbers in any epoch"):
        digits.train(
            _NoNumbersInEval(),
            _training(Optimizer.ADAM, 0.001, epochs=2),
            Examples(range(40), range(40, 50), []),
            recorder=recorder,
        )
    assert [(entry.validation_accuracy, best) for entry, best in recorder.epochs] == [(None, None)] * 2


def test_batches_of_one_example_that_batchnorm_cannot_normalise(digits: Digits) -> None:
    training = _training(Optimizer.ADAM, 0.001, iterations=2, batchSize=1)
    with pytest.raises(UserError, match=r"training\.batchSize: .* set it to 2 or more"):
        digits.train(_network(), training, Examples(range(10), [], []))


def test_it_stops_at_a_boundary(digits: Digits) -> None:
    recorder = Recorder()

    def check() -> None:
        if len(recorder.steps) == 3:
            raise Interrupted

    with pytest.raises(Interrupted):
        digits.train(
            _small(),
            _training(Optimizer.ADAM, 0.001, iterations=9),
            Examples(range(40), [], []),
            recorder=recorder,
            check=check,
        )
    assert len(recorder.steps) == 3
