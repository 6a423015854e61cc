"""D-FINE: losses and detections from one pass, and its weights under the library's names."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from tintype_api.catalogue import CATALOGUE
from tintype_api.errors import UserError
from tintype_trainer.networks import dfine
from tintype_trainer.networks.building import build_detector
from tintype_trainer.networks.detector import Detector, DetectorTarget
from tintype_trainer.networks.fitting import fit, fit_concepts
from tintype_trainer.networks.held import HeldBatchNorm2d
from tintype_trainer.networks.weights import save_weights

SIDE = 256
NONE = DetectorTarget(torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64))
SOME = DetectorTarget(torch.tensor([[20.0, 30.0, 120.0, 90.0], [100.0, 100.0, 250.0, 200.0]]), torch.tensor([0, 2]))


@pytest.fixture(autouse=True)
def seeded() -> Iterator[None]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def build(concepts: int = 3, *, pretrained: bool = False) -> Detector:
    return build_detector(CATALOGUE["dfine_n"], concepts, (SIDE, SIDE), pretrained=pretrained)


def images() -> Tensor:
    return torch.rand(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("targets", [[SOME, NONE], [NONE, NONE]], ids=["some", "none"])
def test_it_trains_on_images_with_boxes_and_without(targets: list[DetectorTarget]) -> None:
    detector = build().train()
    optimizer = torch.optim.AdamW(detector.parameters(), 1e-3)
    losses = []
    for _ in range(3):
        optimizer.zero_grad()
        loss = detector.losses(images(), targets)
        torch.autograd.backward(loss)
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


def test_a_network_that_has_diverged_has_a_loss_that_is_no_number() -> None:
    detector = build()
    with torch.no_grad():
        next(detector.parameters()).fill_(torch.nan)
    loss = detector.train().losses(images(), [SOME, NONE])
    torch.autograd.backward(loss)
    with torch.inference_mode():
        validation_loss, found = detector.eval().losses_and_detections(images(), [SOME, NONE])
    assert not torch.isfinite(loss)
    assert not torch.isfinite(validation_loss)
    assert [len(each.scores_N) for each in found] == [0, 0]


def test_a_validation_pass_changes_nothing_and_gives_the_same_loss_twice() -> None:
    detector = build().eval()
    state = {name: tensor.clone() for name, tensor in detector.state_dict().items()}
    random = torch.random.get_rng_state()
    with torch.inference_mode():
        first, found = detector.losses_and_detections(images(), [SOME, NONE])
        second, again = detector.losses_and_detections(images(), [SOME, NONE])
        alone = detector.detections(images())
    assert torch.equal(first, second)
    assert torch.equal(torch.random.get_rng_state(), random)
    assert all(torch.equal(tensor, state[name]) for name, tensor in detector.state_dict().items())
    for one, other, same in zip(found, again, alone, strict=True):
        assert torch.equal(one.boxes_N4, other.boxes_N4)
        assert torch.equal(one.scores_N, same.scores_N)
        assert 0 < len(one.scores_N) <= 100
        assert bool((one.scores_N[1:] <= one.scores_N[:-1]).all())
        assert bool(((one.boxes_N4 >= 0) & (one.boxes_N4 <= SIDE)).all())
        assert set(one.labels_N.tolist()) <= {0, 1, 2}
    torch.autograd.backward(detector.train().losses(images(), [SOME, NONE]))  # nothing of the pass is in its way


def test_labels_and_boxes_are_those_of_the_library() -> None:
    from transformers.models.rt_detr import RTDetrImageProcessor

    detector = build().eval()
    wide_B3HW = images().repeat(1, 1, 1, 2)
    with torch.inference_mode():
        (found, _) = detector.detections(wide_B3HW)
        seen = detector.library(wide_B3HW)  # type: ignore[operator]
        expected, _ = RTDetrImageProcessor().post_process_object_detection(seen, 0.001, [(SIDE, 2 * SIDE)] * 2)
    count = len(found.scores_N)
    torch.testing.assert_close(found.scores_N, expected["scores"][:count])
    assert torch.equal(found.labels_N, expected["labels"][:count])
    clipped = expected["boxes"][:count].clamp(min=0).minimum(torch.tensor([2 * SIDE, SIDE, 2 * SIDE, SIDE]))
    torch.testing.assert_close(found.boxes_N4, clipped)


def test_it_computes_in_single_precision() -> None:
    detector = build().eval()
    with torch.inference_mode():
        precise, _ = detector.losses_and_detections(images(), [SOME, NONE])
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss, _ = detector.losses_and_detections(images(), [SOME, NONE])
    assert torch.equal(loss, precise)


def test_its_weights_are_saved_once_and_fit_again(tmp_path: Path) -> None:
    detector = build()
    save_weights(detector.state_dict(), tmp_path / "best.safetensors", {})
    file = load_file(tmp_path / "best.safetensors")
    torch.manual_seed(9)
    again = build()
    assert fit(again, file, "the file") == "loaded"
    detector.eval()
    again.eval()
    with torch.inference_mode():
        for one, other in zip(detector.detections(images()), again.detections(images()), strict=True):
            assert torch.equal(one.boxes_N4, other.boxes_N4)


def test_a_file_may_hold_the_second_names_and_what_is_derived() -> None:
    state = build().state_dict()
    file = {name.replace("model.decoder.class_embed", "class_embed"): tensor for name, tensor in state.items()}
    file = {name: tensor for name, tensor in file.items() if "num_batches" not in name}
    torch.manual_seed(9)
    again = build(pretrained=True)
    assert fit(again, {**file, "model.decoder.anchors": torch.zeros(1)}, "the file") == "loaded"
    assert all(torch.equal(tensor, state[name]) for name, tensor in again.state_dict().items())


def test_the_head_is_all_that_depends_on_the_number_of_concepts() -> None:
    three, five, layers = build(3).state_dict(), build(5).state_dict(), build(3).head_layers()
    differing = {key.rsplit(".", 1)[0] for key in three if three[key].shape != five[key].shape}
    assert differing == {layer.name for layer in layers}
    assert {layer.concepts(five[f"{layer.name}.weight"]) for layer in layers} == {5}


def test_its_head_is_kept_for_the_concepts_that_agree() -> None:
    theirs, mine = build(3), build(2)
    assert fit_concepts(mine, theirs.state_dict(), ["c", "d"], ["a", "b", "c"], "the version") == ("c",)
    for name in ("model.enc_score_head.weight", "model.decoder.class_embed.2.bias"):
        assert torch.equal(mine.state_dict()[name][0], theirs.state_dict()[name][2])
    embedded = "model.denoising_class_embed.weight"
    assert torch.equal(mine.state_dict()[embedded][[0, 2]], theirs.state_dict()[embedded][[2, 3]])


def test_pretrained_batch_norms_of_the_body_are_held() -> None:
    body = build(pretrained=True).train().body()
    assert isinstance(body, torch.nn.Module)
    norms = [module for module in body.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    assert norms
    assert all(isinstance(norm, HeldBatchNorm2d) and not norm.training for norm in norms)


def test_without_its_packages_a_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dfine, "find_spec", lambda _: None)
    with pytest.raises(UserError, match="install tintype with the extra dfine") as caught:
        build()
    assert caught.value.exit_code == 78
