"""What /metrics shows of versions, and its names."""

import time

from prometheus_client import generate_latest

from support.operator_objects import stored_version
from tintype_operator.cache import Caches
from tintype_operator.lease import Term
from tintype_operator.metrics import Metrics
from tintype_operator.observe import observe_version
from tintype_operator.queue import WorkQueue

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
    return generate_latest(metrics.registry).decode()


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


def test_names_of_metrics() -> None:
    names = [line.split()[2] for line in scraped().splitlines() if line.startswith("# TYPE")]
    assert names == [
        "tintype_operator_reconciles_total",
        "tintype_operator_reconcile_duration_seconds",
        "tintype_operator_queue_latency_seconds",
        "tintype_operator_time_to_job_seconds",
        "tintype_operator_time_to_running_seconds",
        "tintype_operator_api_requests_total",
        "tintype_operator_leader",
        "tintype_operator_queue_depth",
        "tintype_operator_last_watch_event_timestamp_seconds",
        "tintype_operator_versions",
        "tintype_version_epoch",
        "tintype_version_iteration",
        "tintype_version_best_epoch",
        "tintype_version_loss",
        "tintype_version_accuracy_ratio",
        "tintype_version_performance_indicator",
    ]
