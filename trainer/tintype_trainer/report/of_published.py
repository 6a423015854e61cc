"""The report of a version that is published, from its files and the pictures of its data set.

The folder of a version has no pictures. They are read where the data set was; one that is another by now is left out.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from tintype_api.errors import UserError, data_error
from tintype_api.spec import ModelVersionSpec
from tintype_trainer.datasets.dataset import Staged
from tintype_trainer.datasets.examples import read_for_evaluation
from tintype_trainer.datasets.freezing import freeze
from tintype_trainer.export.card import ONNX_FILE
from tintype_trainer.loop.records import Examples
from tintype_trainer.output.manifest import (
    DATASET_FILE,
    EVALUATION_FILE,
    METRICS_FILE,
    MODEL_FILE,
    PREDICTIONS_FILE,
)
from tintype_trainer.pixels.images import Picture
from tintype_trainer.pixels.staging import stage
from tintype_trainer.preparing import Prepared, open_loader
from tintype_trainer.report.making import make_report
from tintype_trainer.report.sources import Sources, read_sources
from tintype_trainer.sentences import first_line
from tintype_trainer.storage import Store
from tintype_trainer.use.published import PublishedVersion, download

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class MadeReport:
    """A report, made.

    Attributes:
        content: report.html.
        without_pictures: Why it has no pictures; None where it has some.
    """

    content: bytes
    without_pictures: str | None


def report_of(published: PublishedVersion, store: Store, cache: Path, workers: int) -> MadeReport:
    """Return the report of a published version.

    Args:
        published: The version.
        store: Storage.
        cache: Folder for pictures of s3://.
        workers: Threads that make pictures small.

    Raises:
        UserError: exit 65 where one of its files is not as it was published or cannot be read.
    """
    sources = _sources(published, store)
    try:
        staged = _staged(sources, published.version.spec, store, cache)
    except UserError as error:
        said = f"There are no pictures here, since the data set is not to be had: {error.message}."
        return MadeReport(make_report(sources, {}, _no_picture, workers, unreachable=said), error.message)
    prepared = Prepared(staged, freeze(staged), Examples([], [], []))
    places = _unchanged(staged, sources)
    with open_loader(published.version.spec, prepared, workers) as loader:
        return MadeReport(make_report(sources, places, loader.original, workers), None)


def _sources(published: PublishedVersion, store: Store) -> Sources:
    with TemporaryDirectory() as folder:

        def content(name: str) -> bytes:
            return download(published, name, Path(folder), store).read_bytes()

        try:
            return read_sources(
                published.uri,
                published.version,
                card=content(MODEL_FILE),
                evaluation=content(EVALUATION_FILE),
                metrics=content(METRICS_FILE),
                dataset_gz=content(DATASET_FILE),
                predictions_gz=content(PREDICTIONS_FILE),
                onnx=ONNX_FILE in published.files,
            )
        except (ValueError, KeyError) as error:
            raise data_error(
                f"{published.uri}: its files cannot be read ({first_line(error)}); it was published by another "
                "tintype, use that one"
            ) from error


def _staged(sources: Sources, spec: ModelVersionSpec, store: Store, cache: Path) -> Staged:
    """Return the pictures of the examples that the report is about."""
    split = sources.split
    wanted = {line["id"] for line in sources.predictions if split is not None and line["split"] == split.value}
    found = read_for_evaluation(spec, store, None)
    return stage(replace(found, examples=tuple(each for each in found.examples if each.id in wanted)), store, cache)


def _unchanged(staged: Staged, sources: Sources) -> Mapping[str, int]:
    """Return the places of the pictures that are as they were when the version was evaluated on them."""
    then = {line["id"]: line["sha256"] for line in sources.dataset}
    places = {each.example.id: place for place, each in enumerate(staged.examples)}
    unchanged = {name: place for name, place in places.items() if then.get(name) == staged.examples[place].sha256}
    if len(unchanged) < len(places):
        logger.warning("%d pictures are others by now and are left out", len(places) - len(unchanged))
    return unchanged


def _no_picture(_index: int) -> Picture:
    raise AssertionError("no example has a picture")
