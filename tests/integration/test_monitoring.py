"""A real Prometheus scrapes real runs, and every panel and every rule is asked of it."""

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from dashboards.pictures.asking import Span
from dashboards.pictures.page import page

from support.dashboards import boards, expressions, filled, panels, rules
from support.kube import eventually
from support.platform import DATASETS, NAMESPACE, SHAPES_SPEC, Platform, condition
from support.prometheus import Prometheus
from support.watching import watching

GPU = "no GPU is here, and a processor that stands for one says nothing of itself"
WITHOUT_DATA = {
    "tintype_gpu_busy_ratio": GPU,
    "tintype_gpu_memory_used_bytes": GPU,
    "namespace_outcome_reason:tintype_gpu_seconds:increase1h": "it compares with an hour ago; promtool tests it",
}
"""What has no data here, and why."""
EMPTY = {"run": ("GPU in use", "GPU memory"), "fleet": ("What runs",)}
"""Panels of a dashboard that are empty in the end, when nothing runs."""
GPUS = {"gpus": 1}
AGAIN = {"preflight": "Never"}
ENDED = ("watched-a", "watched-b", "watched-tags", "watched-failing")
METRIC = re.compile(r"\b(?:namespace|modelversion|tintype)\w*:\w+(?::\w+)?|\btintype_\w+")


@dataclass(frozen=True)
class Watched:
    """A Prometheus that has seen versions from their beginning to their end."""

    prometheus: Prometheus
    began: float
    ended: float

    def numbers(self, expr: str) -> list[float]:
        return self.prometheus.numbers(filled(expr, "20s"), self.began, self.ended)


@pytest.fixture(scope="module")
def watched(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """Train versions that end well and badly, and one that waits, while a Prometheus scrapes."""
    platform.upload_scenes(tmp_path_factory.mktemp("scenes"), count=60)
    platform.pretend_gpus()
    try:
        with watching(platform, tmp_path_factory.mktemp("prometheus"), "1s") as server:
            began = time.time()
            time.sleep(3)  # What the operator counts of new versions is an increase only after a scrape.
            _train(platform, server)
            time.sleep(6)  # Two evaluations of the rules.
            yield Watched(server, began, time.time())
    finally:
        platform.pretend_gpus(pretend=False)
        for name in (*ENDED, "watched-waiting"):
            platform.tools.run("kubectl", "delete", "mv", name, "--ignore-not-found")


def _train(platform: Platform, server: Prometheus) -> None:
    longer = {"epochs": 3}
    platform.apply("watched-waiting", {"compute": {"gpus": 8}, "runPolicy": AGAIN})
    platform.apply("watched-a", {"compute": GPUS, "training": longer, "runPolicy": AGAIN})
    platform.apply("watched-b", {"training": longer})
    gone = {"uri": f"s3://{DATASETS}/none.jsonl"}
    platform.apply("watched-failing", {"compute": GPUS, "dataset": gone, "runPolicy": AGAIN})
    tagging = {
        "view": {"name": "contents", "type": "Tagging"},
        "concepts": ["circles", "squares", "triangles"],
        "dataset": {"uri": f"s3://{DATASETS}/scenes/scenes.jsonl", "validation": {"fraction": 0.3}},
        "training": {**SHAPES_SPEC["training"], "epochs": 500},
    }
    platform.apply("watched-tags", tagging)
    _stop_once_seen(platform, server)
    ended = {name: platform.ended(name) for name in ENDED}
    assert {name: status["phase"] for name, status in ended.items()} == dict.fromkeys(ENDED, "Succeeded") | {
        "watched-failing": "Failed",
        "watched-tags": "Stopped",
    }, {name: condition(status, "Failed") for name, status in ended.items()}
    eventually(lambda: any("comparison" in platform.status(name) for name in ENDED[:2]), within_s=30)


def _stop_once_seen(platform: Platform, server: Prometheus) -> None:
    """Stop the version that trains on and on once the last things that a trainer tells were scraped."""
    last = (
        "tintype_map_ratio",
        'tintype_concept_ratio{metric="recall"}',
        "modelversion:tintype_data_wait:ratio_rate5m",
    )
    seen = " and on () ".join(last)
    eventually(lambda: server.numbers(seen, time.time() - 4, time.time()), within_s=240)
    stop = json.dumps({"spec": {"runPolicy": {"stop": True}}})
    platform.tools.run("kubectl", "patch", "mv", "watched-tags", "--type=merge", f"--patch={stop}")


def test_operator_and_trainers_are_scraped_as_the_chart_says(watched: Watched) -> None:
    jobs = {target.split()[0] for target, health in watched.prometheus.targets().items() if health == "up"}
    assert "tintype-operator" in jobs
    trainers = 'up{job="tintype-system/tintype-trainer",namespace="default",container="trainer"}'
    assert set(watched.numbers(trainers)) >= {1}, "the Prometheus Operator names jobs after monitors"
    assert watched.numbers(f'tintype_iteration{{namespace="{NAMESPACE}",modelversion="watched-tags"}}')
    assert watched.numbers(f'tintype_version_epoch{{namespace="{NAMESPACE}",modelversion="watched-a"}}')[-1] == 3
    assert not watched.numbers('{__name__=~"tintype_.*",exported_namespace!=""}'), "labels of versions are theirs"


PANELS = [
    pytest.param(expr, id=f"{name}: {panel['title']} {number}")
    for name, board in boards().items()
    for panel in panels(board)
    for number, expr in enumerate(expressions(panel))
]


@pytest.mark.parametrize("expr", PANELS)
def test_each_panel_has_data(expr: str, watched: Watched) -> None:
    missing = [name for name in METRIC.findall(expr) if name in WITHOUT_DATA]
    found = watched.numbers(expr)
    assert bool(found) == (not missing), (expr, missing)


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.get("record") or rule["alert"])
def test_each_rule_is_asked_of_what_is_there(rule: dict[str, Any], watched: Watched) -> None:
    """A rule is evaluated well, and each metric that it reads is there; whether alerts fire is tested by promtool."""
    name = rule.get("record") or rule["alert"]
    (loaded,) = [one for one in watched.prometheus.rules() if one["name"] == name]
    assert (loaded["health"], loaded.get("lastError", "")) == ("ok", "")
    for metric in set(METRIC.findall(rule["expr"])):
        assert bool(watched.numbers(metric)) == (metric not in WITHOUT_DATA), metric
    if "record" in rule:
        assert bool(watched.numbers(name)) == (name not in WITHOUT_DATA)


@pytest.mark.parametrize(("name", "board"), boards().items(), ids=boards())
def test_each_dashboard_can_be_drawn(name: str, board: dict[str, Any], watched: Watched) -> None:
    """Its variables find something, its units are known, and no other panel is empty."""
    drawn = page(board, {}, Span(watched.began, watched.ended, 1), watched.prometheus.get, 1400)
    assert drawn.count("No data") == len(EMPTY.get(name, ()))
    assert {panel["title"] for panel in panels(board)} <= set(re.findall("<h2>([^<]+)</h2>", drawn))


def test_what_failed_and_what_waits_is_told_by_its_reason(watched: Watched) -> None:
    assert watched.numbers('tintype_version_status{modelversion="watched-failing",phase="Failed",reason="NotFound"}')
    assert watched.numbers('tintype_version_status{modelversion="watched-waiting",reason="Unschedulable"}')
    assert watched.numbers('tintype_version_gpu_seconds_total{modelversion="watched-a",outcome="published"}')[-1] > 0
    assert watched.numbers('tintype_version_gpu_seconds_total{outcome="failure",reason="NotFound"}')[-1] > 0
    assert watched.numbers('ALERTS{alertname="TintypeVersionFailed",alertstate="firing"}')


def test_the_reasons_for_having_no_data_are_still_needed(watched: Watched) -> None:
    assert not [name for name in WITHOUT_DATA if watched.numbers(name)]
