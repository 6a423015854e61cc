import pytest
import torch

from tintype_api.catalogue import CATALOGUE
from tintype_trainer.networks import build_network, head_name


@pytest.mark.parametrize("name", list(CATALOGUE))
def test_every_architecture_builds_and_has_one_head(name: str) -> None:
    with torch.device("cpu" if name.startswith("regnet") else "meta"):  # regnet computes its widths with tensors
        network = build_network(CATALOGUE[name], 5)
    head = network.get_submodule(head_name(network))
    assert head.out_features == 5


@pytest.mark.parametrize("name", ["mobilenet_v3_small", "efficientnet_lite0", "resnet18"])
def test_the_smallest_size_goes_through(name: str) -> None:
    entry = CATALOGUE[name]
    network = build_network(entry, 3).eval()
    with torch.inference_mode():
        assert network(torch.zeros(1, 3, entry.minimum_size, entry.minimum_size)).shape == (1, 3)


@pytest.mark.parametrize("name", ["mobilenet_v3_small", "efficientnet_lite0", "efficientnet_b0", "resnet18"])
def test_a_new_head_starts_undecided(name: str) -> None:
    torch.manual_seed(0)
    network = build_network(CATALOGUE[name], 2)
    weight = network.get_submodule(head_name(network)).weight
    assert weight.abs().max() <= weight.shape[1] ** -0.5
