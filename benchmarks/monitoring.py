"""What a scrape costs: series, bytes, CPU time, in the trainer and in an operator with many versions that have ended.

    PYTHONPATH=tests python -m benchmarks.monitoring --versions 1000 --concepts 10

prints one JSON object. The CPU time is beside that of reading the same versions once from JSON, as a list at the
operator's start does.
"""

import argparse
import json
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

from prometheus_client import generate_latest

from support.operator_objects import NOW, stored_version
from tintype_api.constants import Stage
from tintype_api.status import Best, ConceptMetrics, DatasetStatus, Metrics, Progress, SplitMetrics, TrainerStatus
from tintype_operator.observe import observe_version
from tintype_operator.version_metrics import exposition
from tintype_trainer.meter import Meter
from tintype_trainer.reporting.exposition import Exposition

REPEATS = 5


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--versions", type=int, default=1000)
    parser.add_argument("--concepts", type=int, default=10)
    arguments = parser.parse_args()
    print(json.dumps({"trainer": trainer(arguments.concepts), "operator": operator(arguments)}, indent=2))


def trainer(concepts: int) -> dict[str, float]:
    """Return the figures of a run in its evaluation, which has more series than at any time before."""
    measured = tuple(
        ConceptMetrics(name=f"concept-{number}", support=number, average_precision=0.5, precision=0.5, recall=0.5)
        for number in range(concepts)
    )
    split = SplitMetrics(loss=0.5, accuracy=0.5, mean_average_precision=0.5, examples=100, concepts=measured)
    shown = Exposition("team", "bottles-1", Meter())
    shown.changed(
        TrainerStatus(
            stage=Stage.EVALUATING,
            dataset=DatasetStatus(digest="", train=1, validation=1, test=1),
            progress=Progress(
                summary="", epoch=1, epochs=2, iteration=1, iterations=2, examples_per_second=1, seconds_left=1
            ),
            metrics=Metrics(learning_rate=0.1, batch_loss=0.1, validation=split, test=split),
            best=Best(epoch=1, iteration=1, selected_by="accuracy", performance_indicator=0.5),
        ),
        urgent=True,
    )
    return scraped(lambda: generate_latest(shown.registry))


def operator(arguments: argparse.Namespace) -> dict[str, float]:
    """Return the figures of an operator with many versions that have ended."""
    texts = [json.dumps(ended(number, arguments.concepts)) for number in range(arguments.versions)]
    reading_s = cpu_seconds(lambda: [observe_version(json.loads(text)) for text in texts])
    tracemalloc.start()
    versions = tuple(observe_version(json.loads(text)) for text in texts)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    figures = scraped(lambda: exposition(versions, NOW).encode())
    return figures | {
        "series_per_version": figures["series"] / len(versions),
        "bytes_held_per_version": held // len(versions),
        "times_reading_them_once": round(figures["cpu_ms"] / 1000 / reading_s, 2),
    }


def ended(number: int, concepts: int) -> dict[str, Any]:
    """Return a version that has ended well, as the API server holds it."""
    split = {"loss": 0.4, "accuracy": 0.9, "mAP": 0.8}
    phases = ("Pending", "Preparing", "Training", "Evaluating", "Publishing")
    names = [f"concept-{place}" for place in range(concepts)]
    numbers = {"threshold": 0.5, "precision": 0.5, "recall": 0.5, "f1": 0.5, "averagePrecision": 0.5}
    status: dict[str, Any] = {
        "phase": "Succeeded",
        "model": "98b1ed0a1b4d1e0c",
        "conditions": [
            {"type": "Complete", "status": "True", "reason": "Published", "message": "", "lastTransitionTime": NOW}
        ],
        "startTime": "2026-11-24T11:59:20Z",
        "completionTime": NOW,
        "comparison": {"with": "bottles-0", "change": 0.01},
        "progress": {"epoch": 6, "epochs": 6, "iteration": 600},
        "metrics": {"validation": split, "test": split},
        "best": {"epoch": 5, "performanceIndicator": 0.9, "performanceIndicatorName": "accuracy"},
        "history": [{"trainLoss": 0.3}],
        "concepts": [{"name": name, "support": place, **numbers} for place, name in enumerate(names)],
        "usage": {
            "phases": dict.fromkeys(phases, 10),
            "pods": [{"outcome": "Published", "reason": "Published", "count": 1, "seconds": 40, "gpuSeconds": 40}],
        },
    }
    return stored_version(name=f"bottles-{number}", uid=f"uid-{number}", status=status)


def scraped(scrape: Callable[[], bytes]) -> dict[str, float]:
    """Return series, bytes and CPU time of a scrape."""
    text = scrape().decode()
    series = sum(not line.startswith("#") for line in text.splitlines())
    cpu_ms = 1000 * cpu_seconds(scrape)
    return {"series": series, "kilobytes": round(len(text) / 1000, 1), "cpu_ms": round(cpu_ms, 2)}


def cpu_seconds(work: Callable[[], object]) -> float:
    """Return the least CPU time of a few repetitions."""
    seconds = []
    for _ in range(REPEATS):
        began = time.process_time()
        work()
        seconds.append(time.process_time() - began)
    return min(seconds)


if __name__ == "__main__":
    main()
