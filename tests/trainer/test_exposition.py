import urllib.request

import pytest
from prometheus_client import generate_latest

from support.ports import free_port
from tintype_api.constants import Stage
from tintype_api.errors import UserError
from tintype_api.status import Best, ConceptMetrics, DatasetStatus, Metrics, Progress, SplitMetrics, TrainerStatus
from tintype_trainer.meter import Activity, Counted, GpuFigures, Meter
from tintype_trainer.reporting.exposition import Exposition, concept_series

EVERYTHING = TrainerStatus(
    stage=Stage.EVALUATING,
    dataset=DatasetStatus(digest="sha256:0", train=60, validation=15, test=25),
    progress=Progress(
        summary="", epoch=1.5, epochs=6, iteration=30, iterations=120, examples_per_second=40.5, seconds_left=9
    ),
    metrics=Metrics(
        learning_rate=0.01,
        batch_loss=0.7,
        validation=SplitMetrics(
            loss=0.6,
            accuracy=0.75,
            mean_average_precision=0.5,
            examples=15,
            concepts=(
                ConceptMetrics(name="glass", support=9, average_precision=0.5, precision=0.25, recall=0.125),
                ConceptMetrics(name="metal", support=0),
            ),
        ),
        test=SplitMetrics(loss=0.65, accuracy=0.7, examples=25),
    ),
    best=Best(epoch=1, iteration=20, selected_by="accuracy", performance_indicator=0.75),
)
SERIES = """\
tintype_accuracy_ratio{modelversion="bottles",namespace="team",split="test"} 0.7
tintype_accuracy_ratio{modelversion="bottles",namespace="team",split="validation"} 0.75
tintype_batch_loss{modelversion="bottles",namespace="team"} 0.7
tintype_checkpoint_errors_total{BOTTLES} 0.0
tintype_checkpoints_total{BOTTLES} 0.0
tintype_concept_ratio{concept="glass",metric="average_precision",BOTTLES,split="validation"} 0.5
tintype_concept_ratio{concept="glass",metric="precision",BOTTLES,split="validation"} 0.25
tintype_concept_ratio{concept="glass",metric="recall",BOTTLES,split="validation"} 0.125
tintype_epoch{modelversion="bottles",namespace="team"} 1.5
tintype_epochs{modelversion="bottles",namespace="team"} 6.0
tintype_examples_per_second{modelversion="bottles",namespace="team"} 40.5
tintype_gpu_busy_ratio{BOTTLES} 0.5
tintype_gpu_memory_total_bytes{BOTTLES} 8.0
tintype_gpu_memory_used_bytes{BOTTLES} 6.0
tintype_image_cache_hits_total{BOTTLES} 0.0
tintype_image_cache_misses_total{BOTTLES} 3.0
tintype_iteration{modelversion="bottles",namespace="team"} 30.0
tintype_learning_rate{modelversion="bottles",namespace="team"} 0.01
tintype_left_seconds{modelversion="bottles",namespace="team"} 9.0
tintype_loss{modelversion="bottles",namespace="team",split="test"} 0.65
tintype_loss{modelversion="bottles",namespace="team",split="validation"} 0.6
tintype_map_ratio{modelversion="bottles",namespace="team",split="validation"} 0.5
tintype_nan_losses_total{BOTTLES} 0.0
tintype_spent_seconds_total{activity="checkpoint",BOTTLES} 0.0
tintype_spent_seconds_total{activity="data",BOTTLES} 1.0
tintype_spent_seconds_total{activity="step",BOTTLES} 3.0
tintype_spent_seconds_total{activity="validation",BOTTLES} 0.0
tintype_stage{modelversion="bottles",namespace="team",stage="Evaluating"} 1.0
tintype_status_errors_total{modelversion="bottles",namespace="team"} 1.0
tintype_storage_errors_total{BOTTLES} 0.0
tintype_storage_read_bytes_total{BOTTLES} 0.0
tintype_storage_request_seconds_total{BOTTLES} 0.0
tintype_storage_requests_total{BOTTLES} 0.0
tintype_storage_retries_total{BOTTLES} 0.0
tintype_storage_written_bytes_total{BOTTLES} 0.0
tintype_trained_examples_total{modelversion="bottles",namespace="team"} 64.0
""".replace("BOTTLES", 'modelversion="bottles",namespace="team"')


def busy_meter() -> Meter:
    meter = Meter()
    meter.count(Counted.CACHE_MISSES, 3)
    meter.spend(Activity.DATA, 1)
    meter.spend(Activity.STEP, 3)
    meter.watch_gpu(lambda: GpuFigures(6, 8, 0.5))
    return meter


def _series(text: str) -> str:
    lines = (line for line in text.splitlines() if line and not line.startswith("#"))
    return "".join(line + "\n" for line in sorted(lines, key=lambda line: line.split("{")))


def test_names_labels_and_values() -> None:
    exposition = Exposition("team", "bottles", busy_meter())
    exposition.changed(TrainerStatus(stage=Stage.TRAINING), urgent=True)
    exposition.changed(EVERYTHING, urgent=True)
    exposition.count_examples(32)
    exposition.count_examples(32)
    exposition.count_status_error()
    assert _series(generate_latest(exposition.registry).decode()) == SERIES


def test_what_is_not_known_has_no_series() -> None:
    exposition = Exposition("team", "bottles")
    exposition.changed(TrainerStatus(stage=Stage.PREPARING), urgent=True)
    names = {line.split("{")[0] for line in _series(generate_latest(exposition.registry).decode()).splitlines()}
    counted = {f"tintype_{name}_total" for name in (*Counted, "status_errors", "trained_examples", "spent_seconds")}
    assert names == {"tintype_stage", *counted}


@pytest.mark.parametrize("concepts", [0, 3, 64, 256])
def test_a_run_has_few_series(concepts: int) -> None:
    """Some 30, three for a GPU, and six for each of at most 64 concepts and the mean over the rest."""
    exposition = Exposition("team", "bottles", busy_meter())
    measured = [
        ConceptMetrics(name=f"c{number}", support=number, average_precision=0.5, precision=0.5, recall=0.5)
        for number in range(concepts)
    ]
    split = EVERYTHING.metrics.validation.model_copy(update={"concepts": tuple(measured)})  # type: ignore[union-attr]
    metrics = EVERYTHING.metrics.model_copy(update={"validation": split, "test": split})  # type: ignore[union-attr]
    exposition.changed(EVERYTHING.model_copy(update={"metrics": metrics}), urgent=True)
    series = len(_series(generate_latest(exposition.registry).decode()).splitlines())
    assert series <= 31 + 3 + 6 * min(concepts, 65)


def test_many_concepts_make_few_series() -> None:
    concepts = [ConceptMetrics(name=f"c{number}", support=number, recall=number / 100) for number in range(100)]
    series = list(concept_series(concepts))
    assert len(series) == 65
    assert series[0] == ("c99", "recall", 0.99)
    assert series[-1] == ("_other", "recall", pytest.approx(0.175))


def test_it_is_served_and_a_taken_port_is_named() -> None:
    port = free_port()
    exposition = Exposition("team", "bottles")
    stop = exposition.serve(port)
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            assert "tintype_status_errors_total" in answer.read().decode()
        with pytest.raises(UserError, match=f"port {port} for /metrics cannot be opened") as caught:
            exposition.serve(port)
        assert caught.value.exit_code == 78
    finally:
        stop()
