import pytest
import torch

from tintype_api.catalogue import CATALOGUE, architecture
from tintype_api.errors import UserError
from tintype_trainer.networks import backbone_parameters, build_classifier, head_layers


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
    head = [each for layer in head_layers(network) for each in network.get_submodule(layer.name).parameters()]
    backbone = backbone_parameters(network)
    assert [parameter.shape[0] for parameter in head] == [2, 2]
    assert {id(each) for each in [*head, *backbone]} == {id(each) for each in network.parameters()}
    assert len(head) + len(backbone) == len(list(network.parameters()))


@pytest.mark.parametrize("name", ["timm/test_vit", "timm/test_convnext", "timm/levit_128s"])
def test_any_of_timms_classifies_and_learns(name: str) -> None:
    size = (160, 160) if name != "timm/levit_128s" else (224, 224)
    network = build_classifier(architecture(name), 3, size)
    assert network.training
    logits_BK = network(torch.zeros(2, 3, *size))
    assert logits_BK.shape == (2, 3)
    torch.autograd.backward(logits_BK.sum())


def test_images_need_not_be_square() -> None:
    network = build_classifier(architecture("timm/test_vit"), 3, (96, 64))
    assert network(torch.zeros(1, 3, 64, 96)).shape == (1, 3)


@pytest.mark.parametrize(
    ("name", "size", "words"),
    [
        ("timm/gemma4_vit_167m_enc", (224, 224), "Gemma4VitEncoder has no attribute"),
        ("timm/inception_v4", (64, 64), "cannot classify pictures of 64 x 64 pixels"),
    ],
)
def test_what_one_of_timms_cannot_take_is_a_sentence(name: str, size: tuple[int, int], words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        build_classifier(architecture(name), 3, size)
    assert caught.value.exit_code == 64
    assert "\n" not in caught.value.message
