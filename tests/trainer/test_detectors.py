"""Detectors of every build: losses, detections from one pass, and what a validation pass must not touch."""

import pytest
import torch
from torch import Tensor, nn
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.image_list import ImageList

from tintype_api.catalogue import CATALOGUE
from tintype_trainer.networks.building import build_detector
from tintype_trainer.networks.detector import Detector, DetectorTarget
from tintype_trainer.networks.held import HeldBatchNorm2d
from tintype_trainer.networks.library_detector import LibraryDetector, image_list
from tintype_trainer.networks.one_stage import OneStageDetector

SMALL = ("retinanet_efficientnet_lite0", "fasterrcnn_efficientnet_lite0", "ssdlite320_mobilenet_v3_large")
SIDE = 96


def build(name: str, concepts: int = 3, *, pretrained: bool = False) -> Detector:
    torch.manual_seed(0)
    return build_detector(CATALOGUE[name], concepts, (SIDE, SIDE), pretrained=pretrained)


def batch() -> tuple[Tensor, list[DetectorTarget]]:
    """Return two images, the second without boxes."""
    images_B3HW = torch.randn(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
    boxes_N4 = torch.tensor([[10.0, 10.0, 60.0, 60.0], [30.0, 40.0, 90.0, 80.0]])
    none = DetectorTarget(torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64))
    return images_B3HW, [DetectorTarget(boxes_N4, torch.tensor([0, 2])), none]


@pytest.fixture(scope="module", params=SMALL)
def detector(request: pytest.FixtureRequest) -> Detector:
    return build(request.param)


def test_a_training_step_reaches_the_first_layer(detector: Detector) -> None:
    detector.train()
    loss = detector.losses(*batch())
    torch.autograd.backward(loss)
    first = next(detector.body().parameters())
    assert torch.isfinite(loss)
    assert first.grad is not None
    assert bool(first.grad.abs().sum() > 0)


def test_a_validation_pass_changes_nothing_and_gives_the_same_loss_twice(detector: Detector) -> None:
    detector.eval()
    state = {name: tensor.clone() for name, tensor in detector.state_dict().items()}
    modes = [module.training for module in detector.modules()]
    random = torch.random.get_rng_state()
    with torch.inference_mode():
        first, found = detector.losses_and_detections(*batch())
        torch.rand(7)
        torch.random.set_rng_state(random)
        second, again = detector.losses_and_detections(*batch())
    assert torch.equal(first, second)
    assert all(torch.equal(one.boxes_N4, other.boxes_N4) for one, other in zip(found, again, strict=True))
    assert all(torch.equal(tensor, state[name]) for name, tensor in detector.state_dict().items())
    assert [module.training for module in detector.modules()] == modes
    assert torch.equal(torch.random.get_rng_state(), random)


def test_detections_lie_on_the_canvas_the_best_first(detector: Detector) -> None:
    detector.eval()
    images_B3HW, targets = batch()
    with torch.inference_mode():
        _, found = detector.losses_and_detections(images_B3HW, targets)
        alone = detector.detections(images_B3HW)
    for detections, same in zip(found, alone, strict=True):
        assert torch.equal(detections.scores_N, same.scores_N)
        assert len(detections.scores_N) <= 100
        assert bool((detections.scores_N[1:] <= detections.scores_N[:-1]).all())
        assert bool((detections.scores_N >= 0.001).all())
        assert bool((detections.boxes_N4 >= 0).all())
        assert bool((detections.boxes_N4 <= SIDE + 1).all())
        assert set(detections.labels_N.tolist()) <= {0, 1, 2}


class AsIs(nn.Module):
    """Stands for torchvision's resizing and normalising; images go through as they are."""

    def forward(self, images: list[Tensor], targets: list[dict[str, Tensor]] | None = None) -> tuple[ImageList, object]:
        return ImageList(torch.stack(images), [(SIDE, SIDE)] * len(images)), targets

    def postprocess(self, found: list[dict[str, Tensor]], *_sizes: object) -> list[dict[str, Tensor]]:
        return found


@pytest.mark.parametrize("name", [*SMALL, "fcos_resnet50_fpn"])
def test_losses_and_detections_are_torchvisions_own(name: str) -> None:
    detector = build(name)
    assert isinstance(detector, LibraryDetector)
    library = detector.library
    library.transform = AsIs()
    first_label = min(layer.before for layer in detector.head_layers())
    images_B3HW, targets = batch()
    named = [{"boxes": each.boxes_N4, "labels": each.labels_N + first_label} for each in targets]
    detector.eval()
    with torch.inference_mode():
        for found, expected in zip(detector.detections(images_B3HW), library(list(images_B3HW)), strict=True):
            assert torch.equal(found.boxes_N4, expected["boxes"])
            assert torch.equal(found.scores_N, expected["scores"])
            assert torch.equal(found.labels_N + first_label, expected["labels"])
    detector.train()
    torch.manual_seed(5)
    loss = detector.losses(images_B3HW, targets)
    torch.manual_seed(5)
    torch.testing.assert_close(loss, sum(library(list(images_B3HW), named).values()))


def test_anchors_are_precise_where_the_network_is_not() -> None:
    detector = build("retinanet_efficientnet_lite0").eval()
    assert isinstance(detector, LibraryDetector)
    images_B3HW, targets = batch()
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        loss, found = detector.losses_and_detections(images_B3HW, targets)
    anchors = detector.library.anchor_generator
    assert isinstance(anchors, AnchorGenerator)
    assert {anchor.dtype for anchor in anchors.cell_anchors} == {torch.float32}
    assert loss.dtype == found[0].boxes_N4.dtype == torch.float32


@pytest.mark.parametrize("side", [300, 400])
def test_default_boxes_of_ssd_lie_on_the_canvas_of_any_size(side: int) -> None:
    detector = build_detector(CATALOGUE["ssd300_vgg16"], 1, (side, side), pretrained=False)
    assert isinstance(detector, OneStageDetector)
    images_B3HW = torch.zeros(1, 3, side, side)
    with torch.inference_mode():
        features = list(detector.library.backbone(images_B3HW).values())
        (boxes_N4,) = detector.library.anchor_generator(image_list(images_B3HW), features)
    middles_N2 = (boxes_N4[:, :2] + boxes_N4[:, 2:]) / 2
    assert bool((middles_N2 > 0).all())
    assert bool((middles_N2 < side + 8).all())


@pytest.mark.parametrize("name", SMALL)
def test_the_head_is_all_that_depends_on_the_number_of_concepts(name: str) -> None:
    three, five = build(name, 3).state_dict(), build(name, 5).state_dict()
    detector = build(name, 3)
    differing = {key.rsplit(".", 1)[0] for key in three if three[key].shape != five[key].shape}
    assert differing == {layer.name for layer in detector.head_layers()}
    for layer in detector.head_layers():
        assert layer.concepts(three[f"{layer.name}.weight"]) == 3
        assert layer.concepts(five[f"{layer.name}.bias"]) == 5


def test_names_of_weights_are_the_librarys() -> None:
    from timm import create_model

    classifier = create_model("tf_efficientnet_lite0", pretrained=False).state_dict()
    body = build("retinanet_efficientnet_lite0").body().state_dict()
    assert {name for name in body if name not in classifier} == set()
    assert {name.split(".")[0] for name in classifier if name not in body} == {"conv_head", "bn2", "classifier"}


def test_pretrained_batch_norms_are_held() -> None:
    detector = build("fasterrcnn_efficientnet_lite0", pretrained=True)
    detector.train()
    held = [module for module in detector.body().modules() if isinstance(module, HeldBatchNorm2d)]
    assert len(held) == 48
    assert not any(module.training or module.weight.requires_grad for module in held)
    assert detector.state_dict().keys() == build("fasterrcnn_efficientnet_lite0").state_dict().keys()


@pytest.mark.parametrize("name", [*SMALL, "retinanet_resnet50_fpn"])
def test_a_held_body_says_what_it_said_before(name: str) -> None:
    """The activations that timm has within its BatchNorms stay: without them the features have no bounds."""
    images_B3HW, _ = batch()
    free, held = build(name).body().eval(), build(name, pretrained=True).body().train()
    free.load_state_dict(held.state_dict())
    with torch.no_grad():
        said, says = (list(_features(body(images_B3HW))) for body in (free, held))
    assert all(torch.equal(one, other) for one, other in zip(said, says, strict=True))


def _features(seen: object) -> list[Tensor]:
    match seen:
        case Tensor():
            return [seen]
        case dict():
            return list(seen.values())
        case list():
            return seen
    raise TypeError(type(seen))
