import pytest
import torch

from tintype_api.catalogue import CATALOGUE
from tintype_trainer.networks import backbone_parameters, build_classifier, head_layers, head_parameters


@pytest.mark.parametrize("name", ["mobilenet_v3_small", "efficientnet_lite0", "efficientnet_b0", "resnet18"])
def test_a_new_head_starts_undecided(name: str) -> None:
    torch.manual_seed(0)
    network = build_classifier(CATALOGUE[name], 2, (64, 64))
    (head,) = head_layers(network)
    weight = network.get_submodule(head.name).weight
    assert weight.abs().max() <= weight.shape[1] ** -0.5


@pytest.mark.parametrize("name", ["mobilenet_v3_small", "efficientnet_lite0", "resnet18"])
def test_head_and_backbone_are_the_network(name: str) -> None:
    network = build_classifier(CATALOGUE[name], 2, (64, 64))
    head, backbone = head_parameters(network), backbone_parameters(network)
    assert [parameter.shape[0] for parameter in head] == [2, 2]
    assert {id(each) for each in [*head, *backbone]} == {id(each) for each in network.parameters()}
    assert len(head) + len(backbone) == len(list(network.parameters()))
