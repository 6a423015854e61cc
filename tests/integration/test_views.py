"""One version of each kind of view, and one child view, from `kubectl apply` to published, from photographs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from examples.pv_cells import weights
from examples.pv_cells.cells import folder, installed_cells, split
from examples.pv_cells.modules import write_modules
from examples.pv_cells.studio import dataset_file

from support.platform import DATASETS, MODELS, Platform, condition
from tintype_trainer.output.publishing import verify_manifest
from tintype_trainer.storage import Store, join

EXAMPLES = Path(__file__).parents[2] / "examples"
PHOTOGRAPHS = 120
MODULES = 24
SMALL: dict[str, Any] = {"cpu": "900m", "memory": "2Gi", "sharedMemory": "64Mi", "gpus": 0}
OPTIONS: dict[str, dict[str, Any]] = {
    "pv-cells-tagging": {"training": {"epochs": 2, "batchSize": 16}, "side": 64},
    "pv-modules": {"training": {"epochs": 2, "batchSize": 4}, "side": 128},
    "pv-modules-kind": {"training": {"epochs": 2, "batchSize": 16}, "side": 64},
}


@pytest.fixture(scope="module")
def photographs(platform: Platform) -> None:
    """Put some of the solar cells, pictures of modules and the ImageNet weights where the examples look for them."""
    every = installed_cells()
    cells = every[:: len(every) // PHOTOGRAPHS]
    uri = f"s3://{DATASETS}/pv-cells"
    with pytest.MonkeyPatch.context() as patch:
        store = _store(platform, patch)
        for cell in cells:
            store.upload(join(uri, cell.path), folder() / cell.path)
        store.upload(join(uri, "pv-cells.jsonl"), dataset_file(cells, split(cells, 0)))
        store.upload(join(uri, weights.FILE_NAME), weights.converted(weights.original_file().read_bytes()))
        write_modules(f"s3://{DATASETS}/pv-modules", store, MODULES)


def _store(platform: Platform, patch: pytest.MonkeyPatch) -> Store:
    for key, value in platform.cluster.environment.items():
        patch.setenv(key, value)
    return platform.store()


@pytest.fixture
def store(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Store:
    return _store(platform, monkeypatch)


@pytest.fixture(scope="module")
def statuses(platform: Platform, photographs: None) -> Mapping[str, dict[str, Any]]:
    """Apply the examples, made small; return the status of each at its end."""
    del photographs
    for name, options in OPTIONS.items():
        platform.apply_document(_small(name, options))
    return {name: platform.ended(name, within_s=480) for name in OPTIONS}


def _small(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((EXAMPLES / f"{name}.yaml").read_text())
    spec = document["spec"]
    spec["training"] |= options["training"]
    sides = ("maxDimension",) if spec["imageResizer"]["type"] == "KeepAspectRatio" else ("width", "height")
    spec["imageResizer"] |= dict.fromkeys(sides, options["side"])
    spec["compute"] = SMALL
    return document


@pytest.mark.parametrize(
    ("name", "indicator"), [("pv-cells-tagging", "mAP"), ("pv-modules", "mAP"), ("pv-modules-kind", "accuracy")]
)
def test_each_kind_of_view_is_published(
    name: str, indicator: str, statuses: Mapping[str, dict[str, Any]], store: Store
) -> None:
    status = statuses[name]
    assert status["phase"] == "Succeeded", status
    assert condition(status, "Complete")["reason"] == "Published"
    assert [entry["epoch"] for entry in status["history"]] == [1, 2]
    assert status["best"]["performanceIndicatorName"] == indicator
    assert 0 <= status["best"]["performanceIndicator"] <= 1
    assert status["metrics"]["test"]["examples"] == status["dataset"]["test"] > 0
    artifacts = verify_manifest(f"s3://{MODELS}/default/{name}", store)
    assert artifacts.to_wire() == status["artifacts"]


def test_tagging_reports_each_concept(statuses: Mapping[str, dict[str, Any]]) -> None:
    status = statuses["pv-cells-tagging"]
    validation = status["metrics"]["validation"]
    assert [concept["name"] for concept in validation["concepts"]] == ["defective", "polycrystalline"]
    mean = sum(concept["averagePrecision"] for concept in validation["concepts"]) / 2
    assert validation["mAP"] == pytest.approx(mean, abs=1e-5)
    best = max(entry["validationMAP"] for entry in status["history"])
    assert status["best"]["performanceIndicator"] == pytest.approx(best, abs=1e-6)
    assert status["dataset"]["withoutConcept"]["train"] > 0


def test_detection_counts_boxes_and_learns_to_find_them(statuses: Mapping[str, dict[str, Any]]) -> None:
    status = statuses["pv-modules"]
    counted = {concept["name"]: concept["train"] for concept in status["dataset"]["concepts"]}
    assert counted["functional"] + counted["defective"] > status["dataset"]["train"] * 3
    losses = [entry["trainLoss"] for entry in status["history"]]
    assert losses[1] < losses[0]


def test_regions_of_the_parent_view_are_the_examples_of_the_child(statuses: Mapping[str, dict[str, Any]]) -> None:
    detection, child = statuses["pv-modules"]["dataset"], statuses["pv-modules-kind"]["dataset"]
    (defective,) = [concept for concept in detection["concepts"] if concept["name"] == "defective"]
    for part in ("train", "validation", "test"):
        assert child[part] == defective[part]
