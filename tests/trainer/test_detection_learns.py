"""A detector of the catalogue, its learner and its metrics together: it learns to find a bright square."""

import numpy as np
import pytest
import torch
from torch import nn

from support.coco_oracle import coco_oracle
from support.trainings import CPU, HALF
from tintype_api.catalogue import CATALOGUE
from tintype_trainer.device import Device
from tintype_trainer.learners.detection import DetectionLearner
from tintype_trainer.learners.predictions import DetectionPredictions
from tintype_trainer.networks import Detector
from tintype_trainer.networks.building import build_detector
from tintype_trainer.pixels.batches import Batch, BoxesOfImage

SIDE, SQUARE, GRID, STEPS = 64, 32, 16, 60


def batch(count: int, random: torch.Generator) -> Batch:
    """Return dark noise with one bright square in each image, at one of nine places, of pictures twice as wide."""
    images_B3HW = torch.randint(0, 60, (count, 3, SIDE, SIDE), generator=random, dtype=torch.uint8)
    boxes = []
    for image_3HW in images_B3HW:
        x, y = (GRID * torch.randint(0, 3, (2,), generator=random)).tolist()
        image_3HW[:, y : y + SQUARE, x : x + SQUARE] = 230
        box_N4 = torch.tensor([[x, y, x + SQUARE, y + SQUARE]], dtype=torch.float32)
        boxes.append(BoxesOfImage(box_N4, torch.tensor([0]), torch.tensor([False]), (0.5, 1.0)))
    return Batch(images_B3HW, torch.zeros(count, 0), tuple(boxes))


def learner_of(network: Detector, *, bfloat16: bool = False) -> DetectionLearner:
    device = Device(CPU.torch_device, bfloat16=bfloat16, threads=1)
    return DetectionLearner(network, device, HALF, ("square",))


def nothing() -> None:
    """Let everything go on."""


def train(learner: DetectionLearner, random: torch.Generator) -> None:
    optimizer = torch.optim.AdamW(learner.network.parameters(), 1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-3, total_steps=STEPS, pct_start=0.1)
    learner.network.train()
    for _ in range(STEPS):
        optimizer.zero_grad()
        torch.autograd.backward(learner.training_loss(batch(4, random)))
        nn.utils.clip_grad_norm_(learner.network.parameters(), 1.0)
        optimizer.step()
        schedule.step()


def test_it_learns_to_find_a_bright_square() -> None:
    torch.manual_seed(0)
    detector = build_detector(CATALOGUE["retinanet_efficientnet_lite0"], 1, (SIDE, SIDE), pretrained=False)
    learner, random = learner_of(detector), torch.Generator().manual_seed(1)
    validation = [batch(8, random) for _ in range(2)]
    before = learner.measure(learner.predict(validation, nothing))
    train(learner, random)
    predictions = learner.predict(validation, nothing)
    after = learner.measure(predictions)
    assert before.mean_average_precision is not None
    assert after.mean_average_precision is not None
    assert before.mean_average_precision < 0.1
    assert after.mean_average_precision > 0.3
    assert before.loss is not None
    assert after.loss is not None
    assert after.loss < before.loss / 2
    assert isinstance(predictions, DetectionPredictions)
    expected = coco_oracle(predictions.detected, predictions.annotated, 1)
    assert after.concepts[0].average_precision == pytest.approx(expected[0], abs=1e-6)
    widths = np.concatenate([each.boxes_N4[:1, 2] - each.boxes_N4[:1, 0] for each in predictions.detected])
    assert np.median(widths) == pytest.approx(2 * SQUARE, rel=0.2)


@pytest.mark.parametrize(
    "name", ["retinanet_efficientnet_lite0", "fasterrcnn_efficientnet_lite0", "ssdlite320_mobilenet_v3_large"]
)
def test_bf16_does_not_round_boxes(name: str) -> None:
    torch.manual_seed(0)
    learner = learner_of(build_detector(CATALOGUE[name], 1, (SIDE, SIDE), pretrained=False), bfloat16=True)
    predictions = learner.predict([batch(2, torch.Generator().manual_seed(0))], nothing)
    assert isinstance(predictions, DetectionPredictions)
    sides_N = torch.from_numpy(np.concatenate([each.boxes_N4[:, 1] for each in predictions.detected]))
    inside_N = sides_N[(sides_N > 0) & (sides_N < SIDE)]
    assert len(inside_N)
    assert bool((inside_N.bfloat16().double() != inside_N).any())


@pytest.mark.parametrize(
    "name", ["retinanet_efficientnet_lite0", "fasterrcnn_efficientnet_lite0", "ssdlite320_mobilenet_v3_large"]
)
def test_a_box_too_narrow_for_single_precision_leaves_the_loss_a_number(name: str) -> None:
    torch.manual_seed(0)
    learner = learner_of(build_detector(CATALOGUE[name], 1, (SIDE, SIDE), pretrained=False))
    (plain,) = batch(1, torch.Generator().manual_seed(0)).boxes
    narrow_N4 = torch.tensor([[8.0, 8.0, 8.0, 40.0]])
    both = BoxesOfImage(torch.cat([plain.boxes_N4, narrow_N4]), torch.tensor([0, 0]), torch.tensor([False] * 2), (1, 1))
    images_B3HW = batch(1, torch.Generator().manual_seed(0)).images_B3HW
    predictions = learner.predict([Batch(images_B3HW, torch.zeros(1, 0), (both,))], nothing)
    assert np.isfinite(predictions.losses_N).all()
    assert learner.measure(predictions).concepts[0].support == 2
