"""Every architecture of the catalogue, at its smallest size: one step, and a reload that gives the same answers."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from tintype_api.architecture import Architecture
from tintype_api.catalogue import CATALOGUE
from tintype_trainer.networks import build_classifier
from tintype_trainer.networks.building import build_detector
from tintype_trainer.networks.detector import Detector, DetectorTarget

CONCEPTS = 3


@pytest.fixture(autouse=True)
def seeded() -> Iterator[None]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def build(entry: Architecture, side: int) -> nn.Module:
    if entry.detector:
        return build_detector(entry, CONCEPTS, (side, side), pretrained=False)
    return build_classifier(entry, CONCEPTS, (side, side))


def smallest_side(entry: Architecture) -> int:
    """Return the smallest size that a spec may give: in steps of 16 pixels."""
    return -(-entry.minimum_size // 16) * 16


def loss_of(network: nn.Module, images_B3HW: Tensor) -> Tensor:
    if isinstance(network, Detector):
        side = images_B3HW.shape[-1]
        boxes_N4 = torch.tensor([[2.0, 2.0, side / 2, side / 2]])
        none = DetectorTarget(torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64))
        return network.losses(images_B3HW, [DetectorTarget(boxes_N4, torch.tensor([1])), none])
    logits: Tensor = network(images_B3HW)
    return nn.functional.cross_entropy(logits, torch.tensor([0, 2]))


def answers(network: nn.Module, images_B3HW: Tensor) -> list[Tensor]:
    network.eval()
    with torch.inference_mode():
        if isinstance(network, Detector):
            return [each.scores_N for each in network.detections(images_B3HW)]
        return [network(images_B3HW)]


@pytest.mark.parametrize("name", CATALOGUE)
def test_one_step_and_one_reload(name: str) -> None:
    entry = CATALOGUE[name]
    side = smallest_side(entry)
    network, images_B3HW = build(entry, side).train(), torch.randn(2, 3, side, side)
    loss = loss_of(network, images_B3HW)
    assert bool(torch.isfinite(loss))
    torch.autograd.backward(loss)
    first = next(parameter for parameter in network.parameters() if parameter.requires_grad)
    assert first.grad is not None
    assert bool(torch.isfinite(first.grad).all())
    assert bool(first.grad.any())
    again = build(entry, side)
    again.load_state_dict(network.state_dict())
    for one, other in zip(answers(network, images_B3HW), answers(again, images_B3HW), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("name", ["efficientnet_b0", "resnet50", "vit_s_16"])
def test_the_catalogue_states_the_number_of_parameters(name: str) -> None:
    entry = CATALOGUE[name]
    network = build_classifier(entry, 1000, (entry.input_size, entry.input_size))
    assert sum(parameter.numel() for parameter in network.parameters()) == entry.parameters
