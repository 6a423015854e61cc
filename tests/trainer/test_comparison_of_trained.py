"""`tintype compare` on versions that were really trained, against what others make of their published predictions."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from examples.shapes.draw import CONCEPTS, draw_scenes
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from support.coco_oracle import coco_oracle
from support.commandline import Tintype
from support.published import predictions, published_file, train
from tintype_trainer.comparison.opening import read_predictions
from tintype_trainer.learners.predictions import DetectionPredictions

PICTURES: Final = 80
ANOTHER_SEED: Final = 7
TAGS: Final = tuple(f"{concept}s" for concept in CONCEPTS)
Figures = Callable[[Sequence[int]], NDArray[np.float64]]
"""From examples, each as often as it is drawn, to the average precision of each concept."""


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("compared")
    draw_scenes(folder, PICTURES)
    return folder


def trained(scenes: Path, view: str, name: str, concepts: Sequence[str], architecture: str, steps: int) -> Path:
    training = {
        "architecture": architecture,
        "initialWeights": {"source": "Random"},
        "iterations": steps,
        "batchSize": 6,
        "optimizer": {"type": "AdamW", "learningRate": 0.001},
    }
    return train(scenes, f"{name}-{steps}", {"name": name, "type": view}, concepts, architecture, training=training)


@pytest.fixture(scope="module")
def taggers(scenes: Path) -> tuple[Path, ...]:
    return tuple(trained(scenes, "Tagging", "contents", TAGS, "resnet18", steps) for steps in (8, 24))


@pytest.fixture(scope="module")
def detectors(scenes: Path) -> tuple[Path, ...]:
    architecture = "retinanet_efficientnet_lite0"
    return tuple(trained(scenes, "Detection", "objects", CONCEPTS, architecture, steps) for steps in (20, 60))


def validation_of(version: Path) -> dict[str, dict[str, Any]]:
    """Return the published lines of the validation set, by id in alphabetical order."""
    lines = predictions(version)
    return {name: lines[name] for name in sorted(lines) if lines[name]["split"] == "validation"}


def of_tagger(version: Path) -> Figures:
    lines = list(validation_of(version).values())
    holds_NK = np.array([[name in line["annotated"] for name in TAGS] for line in lines])
    scores_NK = np.array([[line["scores"][name] for name in TAGS] for line in lines])

    def figures(drawn: Sequence[int]) -> NDArray[np.float64]:
        return np.array([average_precision(holds_NK[drawn, k], scores_NK[drawn, k]) for k in range(len(TAGS))])

    return figures


def average_precision(holds_N: NDArray[np.bool_], scores_N: NDArray[np.float64]) -> float:
    """Return scikit-learn's, which complains where nothing holds: NaN there."""
    return float(average_precision_score(holds_N, scores_N)) if holds_N.any() else np.nan


def of_detector(version: Path) -> Figures:
    found = read_predictions(validation_of(version).values(), CONCEPTS)
    assert isinstance(found, DetectionPredictions)
    detected, annotated = found.detected, found.annotated

    def figures(drawn: Sequence[int]) -> NDArray[np.float64]:
        found_K = coco_oracle([detected[n] for n in drawn], [annotated[n] for n in drawn], len(CONCEPTS))
        return np.array([np.nan if average == -1 else average for average in found_K])

    return figures


def compared(versions: Sequence[Path], tintype: Tintype) -> dict[str, Any]:
    code, out, error = tintype("compare", *versions, "--json")
    assert (code, error) == (0, "")
    document: dict[str, Any] = json.loads(out)
    return document


def check(document: dict[str, Any], sides: Sequence[Figures], names: Sequence[str], draws: int) -> None:
    """Hold figures, interval and p against others' average precisions and a bootstrap of so many other draws."""
    examples = range(document["examples"])
    figures_2K = [figures(examples) for figures in sides]
    for side, figures_K in zip(("first", "second"), figures_2K, strict=True):
        assert {each["name"]: each[side] for each in document["concepts"]} == pytest.approx(
            dict(zip(names, figures_K.tolist(), strict=True)), abs=1e-6
        )
        assert document["indicator"][side] == pytest.approx(np.nanmean(figures_K), abs=1e-6)
    random = np.random.default_rng(ANOTHER_SEED)
    changes = []
    for _ in range(draws):
        drawn = random.integers(0, len(examples), len(examples)).tolist()
        first, second = (np.nanmean(figures(drawn)) for figures in sides)
        changes.append(second - first)
    lower, upper = np.quantile(changes, [0.025, 0.975])
    interval = document["indicator"]["interval"]
    near = 0.25 * (upper - lower)
    assert (interval["lower"], interval["upper"]) == (pytest.approx(lower, abs=near), pytest.approx(upper, abs=near))
    smaller = min(np.mean(np.array(changes) <= 0), np.mean(np.array(changes) >= 0))
    standard_error = 2 * np.sqrt(smaller * (1 - smaller) / draws)
    assert document["pValue"] == pytest.approx(min(1.0, 2 * smaller), abs=4 * standard_error + 2 / draws)


def test_taggers_have_scikit_learns_figures(taggers: Sequence[Path], tintype: Tintype) -> None:
    document = compared(taggers, tintype)
    check(document, [of_tagger(version) for version in taggers], TAGS, draws=1_000)
    errors = [wrong_tags(version) for version in taggers]
    assert {each["id"] for each in document["fixed"]} == {one for one in errors[0] if errors[1][one] < errors[0][one]}
    assert {each["id"] for each in document["broken"]} == {one for one in errors[0] if errors[1][one] > errors[0][one]}
    assert document["notes"] == []


def wrong_tags(version: Path) -> dict[str, int]:
    """Return how many decisions on each example are wrong at the version's own thresholds."""
    thresholds = json.loads(published_file(version, "model.json"))["output"]["thresholds"]
    return {
        name: sum((line["scores"][tag] >= thresholds[tag]) != (tag in line["annotated"]) for tag in TAGS)
        for name, line in validation_of(version).items()
    }


def test_detectors_have_pycocotools_figures(detectors: Sequence[Path], tintype: Tintype) -> None:
    document = compared(detectors, tintype)
    check(document, [of_detector(version) for version in detectors], CONCEPTS, draws=100)
    boxes = [box["concept"] for line in validation_of(detectors[0]).values() for box in line["annotated"]]
    assert {each["name"]: each["support"] for each in document["concepts"]} == {
        concept: boxes.count(concept) for concept in CONCEPTS
    }
    assert document["indicator"]["second"] > 0, "nothing was learned, so that nothing was compared"


def test_detectors_are_told_of_in_boxes(detectors: Sequence[Path], tintype: Tintype) -> None:
    code, out, _ = tintype("compare", *detectors)
    assert code == 0
    assert "\n  CONCEPT   BOXES  objects-20  objects-60  CHANGE" in out
    assert " wrong, " in out
    assert " x circle" in out
