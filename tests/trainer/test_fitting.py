"""Tensors of files as libraries publish them: older names, other sizes, other heads, bodies of detectors."""

import pytest
import torch
from torch import Tensor, nn
from torchvision.models import detection, googlenet

from tintype_api.catalogue import CATALOGUE
from tintype_trainer.networks import build_classifier, head_layers
from tintype_trainer.networks.building import build_detector
from tintype_trainer.networks.detector import Detector
from tintype_trainer.networks.fitting import fit, fit_concepts
from tintype_trainer.networks.naming import without_eps

State = dict[str, Tensor]
SIZE = (64, 64)


def detector(name: str, concepts: int = 3, *, pretrained: bool = True) -> Detector:
    return build_detector(CATALOGUE[name], concepts, SIZE, pretrained=pretrained)


def other(state: State) -> State:
    """Return the same names and shapes with other numbers."""
    torch.manual_seed(7)
    return {key: torch.rand_like(value) if value.is_floating_point() else value for key, value in state.items()}


def older(key: str) -> str:
    """Return the name that torchvision's first files of detectors have for a tensor."""
    for today, then in (("_blocks.{}.0.", "_blocks.{}."), ("conv.{}.0.", "conv.{}.")):
        for number in range(4):
            old = number * 2 if "head" in key and "rpn" not in key else number
            key = key.replace(today.format(number), then.format(old)) if "fpn" in key or "_head.conv" in key else key
    return key.replace("rpn.head.conv.0.0.", "rpn.head.conv.")


@pytest.mark.parametrize("name", ["retinanet_resnet50_fpn", "fasterrcnn_resnet50_fpn"])
def test_older_names_are_read_as_torchvision_reads_them(name: str) -> None:
    arguments = {"weights": None, "weights_backbone": None, "num_classes": 91}
    library = getattr(detection, name)(**arguments)
    file = {older(key): value for key, value in other(library.state_dict()).items()}
    file = {key: value for key, value in file.items() if not key.endswith("num_batches_tracked")}
    assert file.keys() - library.state_dict().keys()
    library.load_state_dict(file, strict=False)
    network = detector(name)
    assert fit(network, file, "the file") == "drawn"
    heads = tuple(f"{layer.name}." for layer in head_layers(network))
    expected = {key: value for key, value in library.state_dict().items() if not key.startswith(heads)}
    found = network.state_dict()
    assert all(torch.equal(found[key], value) for key, value in expected.items() if "tracked" not in key)


def test_batch_norms_without_eps_answer_as_they_did() -> None:
    norm, without = nn.BatchNorm2d(8, eps=1e-5).eval(), nn.BatchNorm2d(8, eps=0.0).eval()
    state = {**other(norm.state_dict()), "running_var": torch.logspace(-6, 1, 8)}
    without.load_state_dict(state)
    norm.load_state_dict(
        {
            key.removeprefix("n."): value
            for key, value in without_eps({f"n.{key}": value for key, value in state.items()}, 1e-5).items()
        }
    )
    images_B8HW = torch.randn(2, 8, 4, 4)
    torch.testing.assert_close(norm(images_B8HW), without(images_B8HW))


def test_auxiliary_heads_are_left_out() -> None:
    file = other(googlenet(weights=None, aux_logits=True, init_weights=False).state_dict())
    network = build_classifier(CATALOGUE["inception_v1"], 3, SIZE)
    assert fit(network, file, "the file") == "drawn"
    assert torch.equal(network.state_dict()["conv1.conv.weight"], file["conv1.conv.weight"])


@pytest.mark.parametrize("size", [(96, 64), (32, 32)])
def test_position_embeddings_are_interpolated_to_the_size(size: tuple[int, int]) -> None:
    from timm.layers.pos_embed import resample_abs_pos_embed

    file = other(build_classifier(CATALOGUE["deit_tiny"], 3, (224, 224)).state_dict())
    network = build_classifier(CATALOGUE["deit_tiny"], 3, size)
    assert fit(network, file, "the file") == "loaded"
    width, height = size
    expected = resample_abs_pos_embed(file["pos_embed"], new_size=[height // 16, width // 16], num_prefix_tokens=1)
    torch.testing.assert_close(network.state_dict()["pos_embed"], expected)
    assert network.eval()(torch.zeros(1, 3, height, width)).shape == (1, 3)


@pytest.mark.parametrize(
    ("name", "classifier", "first"),
    [
        ("retinanet_efficientnet_lite0", "efficientnet_lite0", "conv_stem.weight"),
        ("fasterrcnn_mobilenet_v3_large_320_fpn", "mobilenet_v3_large", "0.0.weight"),
        ("retinanet_resnet50_fpn_v2", "resnet50", "conv1.weight"),
    ],
)
def test_a_classifiers_weights_fill_a_detectors_body(name: str, classifier: str, first: str) -> None:
    file = other(build_classifier(CATALOGUE[classifier], 1000, (224, 224)).state_dict())
    network = detector(name)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    assert fit(network, file, "the file", other_concepts=True) == "drawn"
    body = network.body().state_dict()
    assert torch.equal(body[first], file[first] if first in file else file[f"features.{first}"])
    rest = {key: value for key, value in network.state_dict().items() if ".fpn." in key or "head" in key}
    assert all(torch.equal(value, before[key]) for key, value in rest.items())


def test_a_head_for_other_concepts_is_drawn_even_where_it_fits() -> None:
    entry = CATALOGUE["mobilenet_v3_small"]
    file = other(build_classifier(entry, 3, SIZE).state_dict())
    network = build_classifier(entry, 3, SIZE)
    assert fit(network, file, "the file", other_concepts=True) == "drawn"
    assert not torch.equal(network.state_dict()["classifier.3.weight"], file["classifier.3.weight"])
    assert torch.equal(network.state_dict()["classifier.0.weight"], file["classifier.0.weight"])


def test_a_classifiers_head_is_kept_for_the_concepts_that_agree() -> None:
    entry = CATALOGUE["mobilenet_v3_small"]
    file = other(build_classifier(entry, 3, SIZE).state_dict())
    network = build_classifier(entry, 4, SIZE)
    drawn = network.state_dict()["classifier.3.weight"].clone()
    kept = fit_concepts(network, file, ["d", "c", "a", "e"], ["a", "b", "c"], "the version")
    assert kept == ("c", "a")
    weight, bias = network.state_dict()["classifier.3.weight"], network.state_dict()["classifier.3.bias"]
    assert torch.equal(weight[[1, 2]], file["classifier.3.weight"][[2, 0]])
    assert torch.equal(bias[[1, 2]], file["classifier.3.bias"][[2, 0]])
    assert torch.equal(weight[[0, 3]], drawn[[0, 3]])


@pytest.mark.parametrize(
    "name", ["retinanet_efficientnet_lite0", "fasterrcnn_efficientnet_lite0", "ssdlite320_mobilenet_v3_large"]
)
def test_a_detector_answers_for_kept_concepts_as_before(name: str) -> None:
    torch.manual_seed(3)
    theirs, network = detector(name, 3, pretrained=False).eval(), detector(name, 2, pretrained=False).eval()
    kept = fit_concepts(network, theirs.state_dict(), ["c", "a"], ["a", "b", "c"], "the version")
    assert kept == ("c", "a")
    for layer in head_layers(network):
        for part in ("weight", "bias"):
            key = f"{layer.name}.{part}"
            mine, before = layer.cells(network.state_dict()[key]), layer.cells(theirs.state_dict()[key])
            first = layer.before
            assert torch.equal(mine[:, first:][:, [0, 1]], before[:, first:][:, [2, 0]])
            assert torch.equal(mine[:, :first], before[:, :first])
