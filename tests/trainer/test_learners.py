"""Learners of every kind of view: what they predict of batches, and what predicting must not touch."""

from collections.abc import Iterator, Sequence

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from support.trainings import CPU, DIGITS, HALF, OneBox, small_network, training_spec
from tintype_api.catalogue import Optimizer
from tintype_api.spec.view import ViewType
from tintype_trainer.device import Device
from tintype_trainer.learners import Learner
from tintype_trainer.learners.making import make_learner
from tintype_trainer.learners.predictions import DetectionPredictions, ScorePredictions
from tintype_trainer.networks import Detections, DetectorTarget
from tintype_trainer.pixels.batches import Batch, BoxesOfImage
from tintype_trainer.pixels.images import normalise

VIEWS = tuple(ViewType)


class Noisy(nn.Module):
    """What changes in train mode: BatchNorm's statistics, and a random state by dropout."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(small_network(), nn.Dropout(0.5))

    def forward(self, images_B3HW: Tensor) -> Tensor:
        """Return logits of ten concepts."""
        logits_BK: Tensor = self.layers(images_B3HW)
        return logits_BK


class Said(OneBox):
    """A detector that says what it is told to, and keeps the targets that it is given."""

    def __init__(self, *said: Detections) -> None:
        super().__init__()
        self.said = list(said)
        self.targets: list[DetectorTarget] = []

    def losses_and_detections(
        self, images_B3HW: Tensor, targets: Sequence[DetectorTarget]
    ) -> tuple[Tensor, list[Detections]]:
        """Return a loss of as many as there are images, and what was told."""
        self.targets.extend(targets)
        found, self.said = self.said[: len(images_B3HW)], self.said[len(images_B3HW) :]
        return torch.tensor(float(len(images_B3HW))), found


def boxes_of_image(
    *corners: tuple[float, float, float, float],
    labels: Sequence[int],
    ignored: Sequence[bool] = (),
    scale_xy: tuple[float, float] = (1.0, 1.0),
) -> BoxesOfImage:
    boxes_N4 = torch.tensor(corners, dtype=torch.float32).reshape(-1, 4)
    ignored_N = torch.tensor(ignored or [False] * len(boxes_N4), dtype=torch.bool)
    return BoxesOfImage(boxes_N4, torch.tensor(labels, dtype=torch.int64), ignored_N, scale_xy)


def batches(view: ViewType, sizes: Sequence[int] = (3, 2)) -> Iterator[Batch]:
    """Yield batches of noise of 32 x 32 pixels, annotated for the view."""
    random = torch.Generator().manual_seed(0)
    for size in sizes:
        images_B3HW = torch.randint(0, 256, (size, 3, 32, 32), generator=random, dtype=torch.uint8)
        labels_B = torch.arange(size)
        if view is ViewType.DETECTION:
            boxes = tuple(boxes_of_image((4, 4, 20, 24), labels=[int(label)]) for label in labels_B)
            yield Batch(images_B3HW, torch.zeros(size, 0), boxes)
        else:
            yield Batch(images_B3HW, functional.one_hot(labels_B, 10).float())


def learner_of(view: ViewType, network: nn.Module | None = None, device: Device = CPU, **training: object) -> Learner:
    if network is None:
        network = OneBox() if view is ViewType.DETECTION else Noisy()
    spec = training_spec(Optimizer.MOMENTUM, 0.1, training, view=view)
    return make_learner(spec, network, device, HALF, range(1, 11))


def nothing() -> None:
    """Let everything go on."""


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("training", [False, True])
def test_predicting_changes_nothing_and_says_the_same_twice(view: ViewType, training: bool) -> None:
    learner = learner_of(view)
    learner.network.train(training)
    state = {name: tensor.clone() for name, tensor in learner.network.state_dict().items()}
    random = torch.random.get_rng_state()
    first, second = (learner.predict(batches(view), nothing) for _ in range(2))
    assert np.array_equal(first.losses_N, second.losses_N)
    assert learner.measure(first) == learner.measure(second)
    assert all(torch.equal(tensor, state[name]) for name, tensor in learner.network.state_dict().items())
    assert all(module.training is training for module in learner.network.modules())
    assert torch.equal(torch.random.get_rng_state(), random)
    assert all(parameter.grad is None for parameter in learner.network.parameters())


@pytest.mark.parametrize("view", VIEWS)
def test_predicting_can_be_stopped_before_each_batch(view: ViewType) -> None:
    learner, calls = learner_of(view), []

    def check() -> None:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt

    learner.network.train()
    with pytest.raises(KeyboardInterrupt):
        learner.predict(batches(view, (2, 2, 2)), check)
    assert len(calls) == 2
    assert learner.network.training


@pytest.mark.parametrize("view", [ViewType.CLASSIFICATION, ViewType.TAGGING])
def test_scores_and_losses_are_those_of_torch(view: ViewType) -> None:
    learner = learner_of(view, labelSmoothing=0.2)
    predictions = learner.predict(batches(view), nothing)
    assert isinstance(predictions, ScorePredictions)
    images_N3HW = torch.cat([batch.images_B3HW for batch in batches(view)])
    shares_NK = torch.cat([batch.shares_BK for batch in batches(view)])
    learner.network.eval()
    with torch.inference_mode():
        logits_NK = learner.network(normalise(images_N3HW, HALF.mean, HALF.std))
    if view is ViewType.CLASSIFICATION:
        scores_NK = logits_NK.softmax(dim=1)
        losses_N = functional.cross_entropy(logits_NK, shares_NK, reduction="none")
    else:
        scores_NK = logits_NK.sigmoid()
        losses_N = functional.binary_cross_entropy_with_logits(logits_NK, shares_NK, reduction="none").mean(dim=1)
    assert predictions.scores_NK == pytest.approx(scores_NK.numpy(), abs=1e-6)
    assert predictions.losses_N == pytest.approx(losses_N.numpy(), abs=1e-6)
    assert np.array_equal(predictions.shares_NK, shares_NK.numpy())


@pytest.mark.parametrize("view", VIEWS)
def test_the_training_loss_is_the_mean_over_the_examples(view: ViewType) -> None:
    learner = learner_of(view, None if view is ViewType.DETECTION else small_network())
    learner.network.eval()
    batch = next(batches(view, (4,)))
    whole = learner.training_loss(batch)
    each = [learner.training_loss(_only(batch, place)).item() for place in range(4)]
    assert whole.item() == pytest.approx(np.mean(each), abs=1e-5)
    torch.autograd.backward(whole)
    assert all(parameter.grad is not None for parameter in learner.network.parameters())


def _only(batch: Batch, place: int) -> Batch:
    one = slice(place, place + 1)
    return Batch(batch.images_B3HW[one], batch.shares_BK[one], batch.boxes[one])


def test_label_smoothing_and_weights_are_those_of_the_spec() -> None:
    batch = next(batches(ViewType.CLASSIFICATION, (4,)))
    network = small_network(batch_norm=False).eval()
    logits_BK = network(normalise(batch.images_B3HW, HALF.mean, HALF.std))
    smoothed = learner_of(ViewType.CLASSIFICATION, network, labelSmoothing=0.2).training_loss(batch)
    assert smoothed.item() == pytest.approx(
        functional.cross_entropy(logits_BK, batch.shares_BK, label_smoothing=0.2).item(), abs=1e-6
    )
    balanced = learner_of(ViewType.CLASSIFICATION, network, loss={"classWeights": "Balanced"})
    weights_K = torch.tensor([55 / (10 * count) for count in range(1, 11)])
    expected = functional.cross_entropy(logits_BK, batch.shares_BK, weight=weights_K, reduction="none").mean()
    assert balanced.training_loss(batch).item() == pytest.approx(expected.item(), abs=1e-5)
    assert float(balanced.predict([batch], nothing).losses_N.mean()) == pytest.approx(expected.item(), abs=1e-5)


def test_detections_and_truth_are_in_pixels_of_the_original_picture() -> None:
    found = Detections(torch.tensor([[4.0, 4.0, 20.0, 24.0]]), torch.tensor([0.75]), torch.tensor([7]))
    none = Detections(torch.zeros(0, 4), torch.zeros(0), torch.zeros(0, dtype=torch.int64))
    boxes = (
        boxes_of_image((4, 4, 20, 24), (0, 0, 8, 8), labels=[7, 1], ignored=[False, True], scale_xy=(0.5, 0.25)),
        boxes_of_image(labels=[], scale_xy=(2.0, 2.0)),
    )
    detector = Said(found, none, none)
    learner = learner_of(ViewType.DETECTION, detector)
    images_B3HW = torch.zeros(2, 3, 32, 32, dtype=torch.uint8)
    single = Batch(images_B3HW[:1], torch.zeros(1, 0), (boxes_of_image((1, 1, 2, 2), labels=[0]),))
    predictions = learner.predict([Batch(images_B3HW, torch.zeros(2, 0), boxes), single], nothing)
    assert isinstance(predictions, DetectionPredictions)
    assert predictions.losses_N.tolist() == [2.0, 2.0, 1.0]
    assert predictions.detected[0].boxes_N4.tolist() == [[8.0, 16.0, 40.0, 96.0]]
    assert predictions.detected[0].labels_N.tolist() == [7]
    assert [len(each.scores_N) for each in predictions.detected] == [1, 0, 0]
    assert predictions.annotated[0].boxes_M4.tolist() == [[8.0, 16.0, 40.0, 96.0], [0.0, 0.0, 16.0, 32.0]]
    assert predictions.annotated[0].ignored_M.tolist() == [False, True]
    measures = learner.measure(predictions)
    assert (measures.examples, measures.accuracy) == (3, 0.5)
    assert measures.loss == pytest.approx(5 / 3)
    assert [each.average_precision for each in measures.concepts if each.support] == [0.0, 1.0]


def test_no_loss_sees_boxes_that_are_to_be_ignored() -> None:
    box, crowd = (4, 4, 20, 24), (0, 0, 30, 30)
    of_image = boxes_of_image(crowd, box, labels=[2, 5], ignored=[True, False])
    batch = Batch(torch.zeros(1, 3, 32, 32, dtype=torch.uint8), torch.zeros(1, 0), (of_image,))
    nothing_found = Detections(torch.zeros(0, 4), torch.zeros(0), torch.zeros(0, dtype=torch.int64))
    detector = Said(nothing_found)
    learner = learner_of(ViewType.DETECTION, detector)
    learner.predict([batch], nothing)
    assert [target.labels_N.tolist() for target in detector.targets] == [[5]]
    alone = Batch(batch.images_B3HW, batch.shares_BK, (boxes_of_image(box, labels=[5]),))
    detector.eval()
    assert learner.training_loss(batch).item() == learner.training_loss(alone).item()


@pytest.mark.parametrize("view", VIEWS)
def test_bf16_predicts_nearly_the_same(view: ViewType) -> None:
    exact = learner_of(view).predict(batches(view), nothing)
    rounded = learner_of(view, device=Device(CPU.torch_device, bfloat16=True, threads=1)).predict(
        batches(view), nothing
    )
    assert rounded.losses_N == pytest.approx(exact.losses_N, abs=0.05)
    assert not np.array_equal(rounded.losses_N, exact.losses_N)


def test_the_concepts_of_measures_are_the_specs() -> None:
    learner = learner_of(ViewType.TAGGING)
    measures = learner.measure(learner.predict(batches(ViewType.TAGGING), nothing))
    assert tuple(concept.name for concept in measures.concepts) == DIGITS
    assert measures.concepts_without_examples == DIGITS[3:]
