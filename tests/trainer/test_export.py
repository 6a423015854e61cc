"""`output.formats: [ONNX]`: what is exported answers as the trained network, and what does not is not published."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from examples.shapes.draw import CONCEPTS, draw_scenes
from onnxruntime import InferenceSession
from PIL import Image
from torch import Tensor, nn

from support.published import lines_of, predictions, published_file, train
from support.stranger import network_input
from tintype_api.spec.view import ViewType
from tintype_trainer.commandline import run_command_line
from tintype_trainer.export.card import OnnxExported, OnnxNotExported
from tintype_trainer.export.comparing import compare_detections, compare_scores
from tintype_trainer.export.making import make_onnx
from tintype_trainer.exporting import examples_to_check
from tintype_trainer.interruption import Interruption
from tintype_trainer.loop.records import Examples
from tintype_trainer.networks.detector import Detections

TAGS = [f"{concept}s" for concept in CONCEPTS]
CONTENTS = {"name": "contents", "type": "Tagging"}
OBJECTS = {"name": "objects", "type": "Detection"}
ONNX = {"output.formats": ["ONNX"]}


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export")
    draw_scenes(folder, 40)
    return folder


@pytest.fixture(scope="module")
def tagger(scenes: Path) -> Path:
    return train(scenes, "tagger", CONTENTS, TAGS, "mobilenet_v3_small", **ONNX)


@pytest.fixture(scope="module")
def detector(scenes: Path) -> Path:
    return train(scenes, "detector", OBJECTS, CONCEPTS, "retinanet_efficientnet_lite0", **ONNX)


def card_of(version: Path) -> dict[str, Any]:
    card: dict[str, Any] = json.loads(published_file(version, "model.json"))["onnx"]
    return card


def predicted(version: Path, scenes: Path, capsys: pytest.CaptureFixture[str], *options: str) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert run_command_line(["predict", str(version), str(scenes / "scenes"), *options], Interruption()) == 0
    return lines_of(capsys.readouterr().out)


def test_a_classifier_takes_any_number_of_images(tagger: Path) -> None:
    card = card_of(tagger)
    assert card["examplesChecked"] == 16
    assert card["maxDifference"] <= 1e-4
    content = published_file(tagger, card["file"])
    onnx.checker.check_model(onnx.load_from_string(content))
    session = InferenceSession(content, providers=["CPUExecutionProvider"])
    for batch in (1, 5):
        images_B3HW = np.zeros((batch, 3, 64, 64), dtype=np.float32)
        (logits_BK,) = session.run(card["outputNames"], {card["inputName"]: images_B3HW})
        assert logits_BK.shape == (batch, 3)


def test_a_stranger_gets_what_was_published(tagger: Path, scenes: Path) -> None:
    model = json.loads(published_file(tagger, "model.json"))
    session = InferenceSession(published_file(tagger, model["onnx"]["file"]), providers=["CPUExecutionProvider"])
    for name, line in predictions(tagger).items():
        image_13HW = network_input(model, Image.open(scenes / name))[None].numpy()
        (logits_1K,) = session.run(model["onnx"]["outputNames"], {model["onnx"]["inputName"]: image_13HW})
        scores_K = 1 / (1 + np.exp(-logits_1K[0]))
        assert model["output"]["scores"] == "sigmoid"
        assert dict(zip(model["concepts"], scores_K, strict=True)) == pytest.approx(line["scores"], abs=1e-4)


def test_predict_gives_the_same_scores_from_both(
    tagger: Path, scenes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    by_torch, by_onnx = (predicted(tagger, scenes, capsys, "--with", name) for name in ("torch", "onnx"))
    for one, other in zip(by_torch, by_onnx, strict=True):
        assert one["id"] == other["id"]
        assert one["scores"] == pytest.approx(other["scores"], abs=1e-4)


def test_predict_gives_the_same_detections_from_both(
    detector: Path, scenes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--threshold", "0.001", "--with")
    by_torch, by_onnx = (predicted(detector, scenes, capsys, *options, name) for name in ("torch", "onnx"))
    assert sum(len(line["detections"]) for line in by_torch) > 100
    pairs = [(detections(one), detections(other)) for one, other in zip(by_torch, by_onnx, strict=True)]
    assert compare_detections(pairs).fault is None


def detections(line: dict[str, Any]) -> Detections:
    found = line["detections"]
    return Detections(
        torch.tensor([each["box"] for each in found]).reshape(-1, 4),
        torch.tensor([each["score"] for each in found]),
        torch.tensor([CONCEPTS.index(each["concept"]) for each in found]),
    )


def test_a_detector_takes_one_image_and_answers_with_boxes(detector: Path) -> None:
    card = card_of(detector)
    assert (card["batch"], card["outputNames"]) == (1, ["boxes", "scores", "labels"])
    session = InferenceSession(published_file(detector, "model.onnx"), providers=["CPUExecutionProvider"])
    (image,) = session.get_inputs()
    assert image.shape == [1, 3, 64, 64]
    boxes_N4, scores_N, labels_N = session.run(None, {"images": np.zeros((1, 3, 64, 64), dtype=np.float32)})
    assert boxes_N4.shape == (len(scores_N), 4)
    assert set(labels_N.tolist()) <= {0, 1, 2}


def test_a_network_that_answers_otherwise_is_published_without_onnx(
    scenes: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write = "tintype_trainer.export.making.write_onnx"
    from tintype_trainer.export.writing import write_onnx

    def write_another(network: nn.Module, image_13HW: Tensor, path: Path) -> None:
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.mul_(1.1)
        write_onnx(network, image_13HW, path)
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.div_(1.1)

    monkeypatch.setattr(write, write_another)
    version = train(scenes, "altered", CONTENTS, TAGS, "mobilenet_v3_small", **ONNX)
    said = capsys.readouterr().out
    manifest = json.loads((version / "manifest.json").read_text())
    assert "model.onnx" not in {file["name"] for file in manifest["files"]}
    assert "compared with the trained network on 16 examples, scores differ by up to" in manifest["notExported"]
    assert card_of(version) == {"notExported": manifest["notExported"]}
    assert f"published without ONNX: {manifest['notExported']}" in said


def failing(*_: object) -> None:
    raise RuntimeError("no such operator\nand pages of advice")


@pytest.mark.parametrize(
    ("patched", "reason"),
    [("write_onnx", "torch's exporter or onnxruntime failed: RuntimeError: no such operator")],
)
def test_an_exporter_that_fails_is_a_reason(
    patched: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"tintype_trainer.export.making.{patched}", failing)
    image_13HW = torch.zeros(1, 3, 8, 8)
    card = make_onnx(nn.Flatten(), ViewType.TAGGING, image_13HW, [image_13HW], tmp_path / "x.onnx", 1)
    assert card == OnnxNotExported(not_exported=reason)


@pytest.mark.parametrize("architecture", ["deit_tiny", "efficientnet_lite0"])
def test_timms_networks_are_exported_too(architecture: str, tmp_path: Path) -> None:
    from tintype_api.catalogue import CATALOGUE
    from tintype_trainer.networks import build_classifier

    torch.manual_seed(0)
    network = build_classifier(CATALOGUE[architecture], 3, (32, 32))
    images = [torch.randn(count, 3, 32, 32) for count in (1, 3)]
    card = make_onnx(network, ViewType.CLASSIFICATION, torch.randn(1, 3, 32, 32), images, tmp_path / "x.onnx", 1)
    assert isinstance(card, OnnxExported)
    assert card.examples_checked == 4


Change = Callable[[Tensor], Tensor]


@pytest.mark.parametrize(
    ("boxes", "scores", "labels", "agrees"),
    [
        (lambda x: x, lambda x: x, lambda x: x, True),
        (lambda x: x.flip(0), lambda x: x.flip(0), lambda x: x.flip(0), True),
        (lambda x: x + 0.1, lambda x: x, lambda x: x, True),
        (lambda x: x + 9, lambda x: x, lambda x: x, False),
        (lambda x: x, lambda x: x - 0.01, lambda x: x, False),
        (lambda x: x, lambda x: x, lambda x: x + 1, False),
        (lambda x: x[:1], lambda x: x[:1], lambda x: x[:1], False),
    ],
    ids=["same", "other order", "a little moved", "moved", "other scores", "other labels", "one missing"],
)
def test_detections_are_compared_by_partners(boxes: Change, scores: Change, labels: Change, agrees: bool) -> None:
    one = Detections(torch.tensor([[0.0, 0, 20, 20], [40, 40, 60, 60]]), torch.tensor([0.9, 0.8]), torch.tensor([0, 1]))
    other = Detections(boxes(one.boxes_N4), scores(one.scores_N), labels(one.labels_N))
    assert (compare_detections([(one, other)]).fault is None) == agrees


def test_boxes_without_width_have_partners_too() -> None:
    thin = Detections(torch.tensor([[72.0, 56.0, 72.0, 56.1]]), torch.tensor([0.5]), torch.tensor([2]))
    assert compare_detections([(thin, thin)]).fault is None


def test_scores_that_are_no_numbers_do_not_agree() -> None:
    assert compare_scores([(torch.tensor([[0.5]]), torch.tensor([[float("nan")]]))]).fault is not None


def test_sixteen_others_are_checked_spread_over_validation() -> None:
    assert examples_to_check(Examples(range(50, 90), range(34), [])) == list(range(0, 34, 2))
    few = examples_to_check(Examples([5, 5, 6, 7], [0, 1], []))
    assert few == [0, 1, 5, 6, 7]
