"""model.json: whoever reads it, with torchvision alone, gets the scores that were published."""

import gzip
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
from examples.shapes.draw import CONCEPTS, TONES, draw_scenes
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor

from support.modelversions import modelversion
from support.stranger import network_input
from tintype_api.modelversion import ModelVersion, resolve
from tintype_trainer.interruption import Interruption
from tintype_trainer.reporting.journal import Journal
from tintype_trainer.run import Surroundings, run_version
from tintype_trainer.storage import Store

TAGS = tuple(f"{concept}s" for concept in CONCEPTS)
Published = tuple[dict[str, Any], dict[str, Tensor], list[dict[str, Any]]]
Publish = Callable[..., Published]


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scenes")
    draw_scenes(folder, 20)
    return folder


@pytest.fixture
def publish(scenes: Path, tmp_path: Path) -> Publish:
    """Return what trains a version on the scenes for some steps, and returns model.json, weights and predictions."""

    def run(
        view: Mapping[str, object],
        concepts: Sequence[str],
        architecture: str = "resnet18",
        iterations: int = 4,
        **spec: object,
    ) -> Published:
        document = modelversion(
            {
                "spec.view": dict(view),
                "spec.concepts": list(concepts),
                "spec.dataset.uri": (scenes / "scenes.jsonl").as_uri(),
                "spec.output.uri": tmp_path.as_uri(),
                "spec.training": {
                    "architecture": architecture,
                    "initialWeights": {"source": "Random"},
                    "iterations": iterations,
                    "batchSize": 6,
                },
                "spec.compute": {"gpus": 0, "cpu": "1", "memory": "3Gi"},
                **{f"spec.{name}": value for name, value in spec.items()},
            },
            name="scenes",
        )
        around = Surroundings(
            store=Store.from_settings(),
            cache=tmp_path,
            journal=Journal(),
            interruption=Interruption(),
            staging=lambda *_: None,
            count_examples=lambda _: None,
        )
        run_version(resolve(ModelVersion.parse(document)), around)
        folder = tmp_path / "default" / "scenes"
        manifest = json.loads((folder / "manifest.json").read_text())
        files = {file["name"]: folder / file["path"] for file in manifest["files"]}
        lines = gzip.decompress(files["predictions.jsonl.gz"].read_bytes()).splitlines()
        model = json.loads(files["model.json"].read_text())
        return model, load_file(files[model["architecture"]["weights"]]), [json.loads(line) for line in lines]

    return run


def scores(model: dict[str, Any], weights: dict[str, Tensor], pictures: Sequence[Image.Image]) -> NDArray[np.float32]:
    """Return the scores that a stranger gets who has read `architecture` and `output`."""
    network = getattr(torchvision.models, model["architecture"]["function"])(**model["architecture"]["arguments"])
    network.load_state_dict(weights)
    with torch.inference_mode():
        logits = network.eval()(torch.stack([network_input(model, picture) for picture in pictures]))
    by_name = {"softmax": logits.softmax(dim=1), "sigmoid": logits.sigmoid()}
    return np.asarray(by_name[model["output"]["scores"]].numpy())


def published_scores(model: dict[str, Any], lines: Sequence[dict[str, Any]]) -> NDArray[np.float64]:
    return np.array([[line["scores"][concept] for concept in model["concepts"]] for line in lines])


def assert_same(found_NK: NDArray[np.float32], published_NK: NDArray[np.float64]) -> None:
    assert published_NK.std(axis=0).min() > 1e-3, "scores that are the same for all pictures show nothing"
    assert found_NK == pytest.approx(published_NK, abs=1e-5)


@pytest.mark.parametrize(
    "resizer",
    [{"type": "KeepAspectRatio", "maxDimension": 64}, {"type": "Fixed", "width": 48, "height": 32}],
    ids=["KeepAspectRatio", "Fixed"],
)
def test_tagging(publish: Publish, scenes: Path, resizer: dict[str, object]) -> None:
    model, weights, lines = publish({"name": "contents", "type": "Tagging"}, TAGS, imageResizer=resizer)
    pictures = [Image.open(scenes / line["id"]) for line in lines]
    assert_same(scores(model, weights, pictures), published_scores(model, lines))
    assert len(lines) == 8
    assert model["view"]["type"] == "Tagging"


def test_classification_of_regions(publish: Publish, scenes: Path) -> None:
    view = {"name": "tone", "type": "Classification", "parent": {"name": "objects", "type": "Detection"}}
    model, weights, lines = publish(view, TONES, imageResizer={"type": "Fixed", "width": 32, "height": 32})
    assert model["input"]["crop"] == {"of": "region", "margin": 0.1, "marginOf": "the region's smaller side"}
    annotated = [json.loads(line) for line in (scenes / "scenes.jsonl").read_text().splitlines()[1:]]
    boxes_of = {
        line["data"]["file"]: [each["bbox"] for each in line["annotations"] if "bbox" in each] for line in annotated
    }
    pictures = []
    for line in lines:
        name, _, number = line["id"].partition("#")
        picture = Image.open(scenes / name)
        x0, y0, x1, y1 = np.array(boxes_of[name][int(number)]) * [*picture.size, *picture.size]
        margin = model["input"]["crop"]["margin"] * min(x1 - x0, y1 - y0)
        left, top = max(0, round(x0 - margin)), max(0, round(y0 - margin))
        right, bottom = min(picture.width, round(x1 + margin)), min(picture.height, round(y1 + margin))
        pictures.append(picture.crop((left, top, right, bottom)))
    assert_same(scores(model, weights, pictures), published_scores(model, lines))


def test_detection(publish: Publish, scenes: Path) -> None:
    view, size = {"name": "objects", "type": "Detection"}, {"type": "Fixed", "width": 96, "height": 64}
    model, weights, lines = publish(view, CONCEPTS, "ssdlite320_mobilenet_v3_large", 4, imageResizer=size)
    expects, architecture = model["input"], model["architecture"]
    builder = getattr(torchvision.models.detection, architecture["function"])
    # The pictures are the network's input already; torchvision's own transform is told to leave them alone.
    detector = builder(**architecture["arguments"], image_mean=[0.0] * 3, image_std=[1.0] * 3)
    detector.transform.fixed_size = (expects["width"], expects["height"])
    detector.load_state_dict(weights)
    line = max(lines, key=lambda line: len(line["detections"]))
    picture = Image.open(scenes / line["id"])
    with torch.inference_mode():
        (found,) = detector.eval()([network_input(model, picture)])
    scale = np.array([expects["width"] / picture.width, expects["height"] / picture.height] * 2)
    expected = line["detections"]
    assert len(expected) > 3
    boxes_N4 = found["boxes"].numpy()[: len(expected)] / scale
    assert found["scores"].numpy()[: len(expected)] == pytest.approx([each["score"] for each in expected], abs=1e-4)
    assert boxes_N4 == pytest.approx(np.array([each["box"] for each in expected]), abs=0.05)
    labels = [CONCEPTS[label - 1] for label in found["labels"].tolist()[: len(expected)]]
    assert labels == [each["concept"] for each in expected]
    assert model["output"]["type"] == "boxes"


def test_what_is_said_of_the_training(publish: Publish) -> None:
    model, _, _ = publish(
        {"name": "contents", "type": "Tagging"}, TAGS, imageResizer={"type": "Fixed", "width": 32, "height": 32}
    )
    assert model["training"] == {
        "seed": 0,
        "device": "cpu",
        "precision": "fp32",
        "threads": 1,
        "frozen": {"batchNorms": 0, "parameters": 0},
    }
    assert model["initialWeights"]["source"] == "Random"
    assert model["initialWeights"]["head"] == "drawn"
    assert "crop" not in model["input"]
    assert list(model["output"].pop("thresholds")) == list(TAGS)
    assert model["output"] == {
        "type": "logits",
        "scores": "sigmoid",
        "answer": "each concept for itself, in their order",
    }
