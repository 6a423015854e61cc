"""What /metrics shows of versions, and its names."""

import time
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from support.operator_objects import NOW, stored_version
from tintype_operator.cache import Caches
from tintype_operator.lease import Term
from tintype_operator.metrics import Metrics
from tintype_operator.observe import observe_version
from tintype_operator.queue import WorkQueue
from tintype_operator.version_metrics import exposition

OF = 'modelversion="bottles-1",namespace="team-a"'

STATUS = {
    "phase": "Training",
    "progress": {"epoch": 2.5, "iteration": 80},
    "metrics": {"validation": {"loss": 0.4, "accuracy": 0.9}},
    "best": {"epoch": 2, "performanceIndicator": 0.9, "performanceIndicatorName": "accuracy"},
}


def scraped(*, leads: bool = True) -> str:
    caches, metrics, term = Caches(), Metrics(), Term()
    if leads:
        term.begin(time.monotonic())
    caches.versions.put(observe_version(stored_version(status=STATUS)))
    caches.versions.put(observe_version(stored_version(name="new", uid="other")))
    metrics.watched(caches, WorkQueue(), term, lambda: {"pods": 3.0})
    metrics.request("create", "jobs", 201)
    return metrics.text().decode()


def test_the_latest_values_of_versions() -> None:
    lines = scraped().splitlines()
    of = 'modelversion="bottles-1",namespace="team-a"'
    assert f"tintype_version_epoch{{{of}}} 2.5" in lines
    assert f'tintype_version_accuracy_ratio{{{of},split="validation"}} 0.9' in lines
    assert f'tintype_version_performance_indicator{{metric="accuracy",{of}}} 0.9' in lines
    assert 'tintype_operator_versions{phase="Training"} 1.0' in lines
    assert 'tintype_operator_versions{phase="Pending"} 1.0' in lines
    assert not [line for line in lines if 'split="test"' in line], "absent, not 0"


def test_an_operator_that_stands_by_tells_nothing_of_versions() -> None:
    lines = scraped(leads=False).splitlines()
    assert "tintype_operator_leader 0.0" in lines
    assert "tintype_operator_leader 1.0" in scraped().splitlines()
    assert not [line for line in lines if line.startswith(("tintype_version_", "tintype_operator_versions"))]


def test_final_values_outlive_the_pod() -> None:
    concepts = [
        {"name": f"c{number}", "support": number, "threshold": 0.5, "precision": 0.25, "averagePrecision": 0.9123}
        for number in range(100)
    ]
    status = STATUS | {
        "phase": "Failed",
        "conditions": [condition("Failed", "OOMKilled")],
        "startTime": "2026-11-24T11:59:20Z",
        "completionTime": NOW,
        "comparison": {"with": "bottles-0", "change": 0.05},
        "concepts": concepts,
        "interruptions": 2,
        "usage": {
            "phases": {"Queued": 30},
            "pods": [
                {"outcome": "Failure", "reason": "OOMKilled", "count": 1, "seconds": 20, "gpuSeconds": 40},
                {"outcome": "Interruption", "reason": "Evicted", "count": 2, "seconds": 5, "gpuSeconds": 10},
            ],
        },
    }
    lines = scraped_version(status)
    assert f'tintype_version_status{{{OF},phase="Failed",reason="OOMKilled"}} 1.0' in lines
    assert f"tintype_version_duration_seconds{{{OF}}} 40.0" in lines
    assert f"tintype_version_performance_indicator_change{{{OF}}} 0.05" in lines
    assert f"tintype_version_interruptions_total{{{OF}}} 2.0" in lines
    assert f'tintype_version_phase_seconds_total{{{OF},phase="Queued"}} 30.0' in lines
    assert f'tintype_version_gpu_seconds_total{{{OF},outcome="failure",reason="OOMKilled"}} 40.0' in lines
    assert f'tintype_version_gpu_seconds_total{{{OF},outcome="interruption",reason="Evicted"}} 10.0' in lines
    assert f'tintype_version_concept_ratio{{concept="c99",metric="average_precision",{OF}}} 0.9123' in lines
    shown = [line for line in lines if line.startswith("tintype_version_concept_ratio{")]
    assert len(shown) == 64 * 2, "of most support, and only what is known"
    assert len([line for line in lines if line.startswith("tintype_version_")]) - len(shown) <= 30


def test_a_version_that_runs_has_few_series_beside_its_trainers() -> None:
    lines = scraped_version(STATUS | {"concepts": [{"name": "a", "support": 1, "threshold": 0.5, "precision": 1.0}]})
    assert f"tintype_version_gpus{{{OF}}} 1.0" in lines
    assert len([line for line in lines if line.startswith("tintype_version_")]) <= 20
    assert not [line for line in lines if "concept=" in line], "the trainer shows them"


def test_a_published_version_says_where_its_report_is() -> None:
    running = STATUS | {"podUID": "1234"}
    published = running | {"phase": "Succeeded", "artifacts": {"uri": "s3://models/team-a/bottles-1/"}}
    assert 'report=""' in _info(running)
    assert 'report="models/team-a/bottles-1/runs/1234/report.html"' in _info(published)


def _info(status: dict[str, Any]) -> str:
    (line,) = [line for line in scraped_version(status) if line.startswith("tintype_version_info{")]
    return line


def scraped_version(status: dict[str, Any]) -> list[str]:
    return exposition((observe_version(stored_version(status=status)),), NOW).splitlines()


def test_the_text_is_as_prometheus_client_reads_and_writes_it() -> None:
    concept = {"name": 'a "quoted" \\ one\nand more', "support": 1, "threshold": 0.5, "precision": 0.25}
    lines = scraped_version(STATUS | {"phase": "Succeeded", "concepts": [concept]})
    read = [sample for family in text_string_to_metric_families("\n".join(lines) + "\n") for sample in family.samples]
    assert len(read) == len([line for line in lines if not line.startswith("#")])
    (found,) = [sample for sample in read if sample.name == "tintype_version_concept_ratio"]
    labels = {"namespace": "team-a", "modelversion": "bottles-1", "metric": "precision", "concept": concept["name"]}
    assert (found.labels, found.value) == (labels, 0.25)


def condition(kind: str, reason: str) -> dict[str, Any]:
    return {"type": kind, "status": "True", "reason": reason, "message": "", "lastTransitionTime": NOW}


def test_names_of_metrics() -> None:
    names = [line.split()[2] for line in scraped().splitlines() if line.startswith("# TYPE")]
    assert names == [
        "tintype_operator_reconciles_total",
        "tintype_operator_reconcile_duration_seconds",
        "tintype_operator_queue_latency_seconds",
        "tintype_operator_time_to_job_seconds",
        "tintype_operator_time_to_running_seconds",
        "tintype_operator_api_requests_total",
        "tintype_operator_notifications_total",
        "tintype_operator_leader",
        "tintype_operator_queue_depth",
        "tintype_operator_last_watch_event_timestamp_seconds",
        "tintype_operator_versions",
        "tintype_version_info",
        "tintype_version_status",
        "tintype_version_gpus",
        "tintype_version_created_timestamp_seconds",
        "tintype_version_completed_timestamp_seconds",
        "tintype_version_duration_seconds",
        "tintype_version_phase_seconds_total",
        "tintype_version_failures_total",
        "tintype_version_interruptions_total",
        "tintype_version_gpu_seconds_total",
        "tintype_version_epoch",
        "tintype_version_epochs",
        "tintype_version_iteration",
        "tintype_version_best_epoch",
        "tintype_version_loss",
        "tintype_version_accuracy_ratio",
        "tintype_version_map_ratio",
        "tintype_version_performance_indicator",
        "tintype_version_performance_indicator_change",
        "tintype_version_concept_ratio",
    ]
