"""The report of a run, within its last stage.

A training that took hours is worth more than its report: whatever goes wrong with the report is one sentence in the
log, and the version is published without it.
"""

from dataclasses import dataclass

from tintype_api.modelversion import ModelVersion
from tintype_trainer.evaluating import BestEvaluated
from tintype_trainer.interruption import Interrupted, Interruption
from tintype_trainer.pixels.batches import Loader
from tintype_trainer.preparing import Prepared
from tintype_trainer.report.making import make_report
from tintype_trainer.report.sources import Sources, read_sources
from tintype_trainer.reporting.journal import Journal
from tintype_trainer.sentences import first_line


@dataclass(frozen=True, slots=True)
class ReportedFiles:
    """What is about to be published.

    Attributes:
        uri: Folder of the version.
        model: model.json.
        metrics: metrics.jsonl.
        evaluated: evaluation.json and predictions.jsonl.gz.
        onnx: Whether model.onnx is among the files.
    """

    uri: str
    model: bytes
    metrics: bytes
    evaluated: BestEvaluated
    onnx: bool


def report_or_none(
    version: ModelVersion,
    files: ReportedFiles,
    prepared: Prepared,
    loader: Loader,
    workers: int,
    journal: Journal,
    interruption: Interruption,
) -> bytes | None:
    """Return report.html; None, and a sentence in the log, where it cannot be made.

    Args:
        version: The resolved version.
        files: Its other files.
        prepared: Its examples.
        loader: Reads their pictures.
        workers: Threads that make pictures small.
        journal: Who is told.
        interruption: Asked before each picture whether to stop.
    """
    try:
        sources = _sources(version, files, prepared)
        places = {staged.example.id: place for place, staged in enumerate(prepared.staged.examples)}
        return make_report(sources, places, loader.original, workers, interruption.check)
    except Interrupted:
        raise
    except Exception as error:  # noqa: BLE001  # nothing in the report is worth losing the training for
        journal.note(
            f"warning: report.html cannot be made ({type(error).__name__}: {first_line(error)}); the version is "
            f"published without it, and `tintype report {files.uri}` tries again"
        )
        return None


def _sources(version: ModelVersion, files: ReportedFiles, prepared: Prepared) -> Sources:
    return read_sources(
        files.uri,
        version,
        card=files.model,
        evaluation=files.evaluated.evaluation.to_bytes(),
        metrics=files.metrics,
        dataset_gz=prepared.frozen.lines_gz,
        predictions_gz=files.evaluated.predictions_gz,
        onnx=files.onnx,
    )
