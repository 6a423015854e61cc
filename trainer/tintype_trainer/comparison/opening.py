"""From two published versions to their predictions of the same validation examples."""

import gzip
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tintype_api.errors import data_error, invalid_spec
from tintype_trainer.comparison.comparing import Pairs, compare
from tintype_trainer.comparison.document import NamedVersion, VersionComparison
from tintype_trainer.comparison.sides import side_of, truth_of
from tintype_trainer.datasets.dataset import Split
from tintype_trainer.learners.predictions import DetectionPredictions, Predictions, ScorePredictions
from tintype_trainer.metrics.boxes import AnnotatedBoxes, DetectedBoxes
from tintype_trainer.output.manifest import PREDICTIONS_FILE
from tintype_trainer.storage import Store
from tintype_trainer.use.published import PublishedVersion, download

Line = Mapping[str, Any]
_DIGITS: Final = 15


def compare_published(first: PublishedVersion, second: PublishedVersion, store: Store) -> VersionComparison:
    """Return how two published versions differ on the validation examples that they share.

    Raises:
        UserError: exit 64 where they cannot be compared, 65 where a file is not as it was published.
    """
    digest = _shared_digest(first, second)
    concepts = tuple(first.thresholds)
    lines = [_validation_lines(version, store) for version in (first, second)]
    ids = sorted(lines[0])
    if ids != sorted(lines[1]):
        raise data_error(
            f"{first.uri} and {second.uri} have predictions of different validation examples, though their digests are "
            "equal; train one of them again"
        )
    predictions = [read_predictions([of[each] for each in ids], concepts) for of in lines]
    sides = [
        side_of(version.view.type, said, {name: version.thresholds[name] for name in concepts})
        for version, said in zip((first, second), predictions, strict=True)
    ]
    pairs = Pairs(first.view.type, concepts, ids, truth_of(predictions[0], concepts), sides[0], sides[1])
    return compare(pairs, (_named(first, second), _named(second, first)), digest)


def read_predictions(lines: Iterable[Line], concepts: Sequence[str]) -> Predictions:
    """Return lines of predictions.jsonl.gz as predictions, concepts in this order; it has no losses: they are NaN."""
    lines = list(lines)
    losses_N = np.full(len(lines), np.nan)
    if lines and "detections" in lines[0]:
        place = {name: number for number, name in enumerate(concepts)}
        detected = tuple(_detected(line["detections"], place) for line in lines)
        return DetectionPredictions(losses_N, detected, tuple(_annotated(line["annotated"], place) for line in lines))
    scores_NK = np.array([[_score(line["scores"][name]) for name in concepts] for line in lines])
    shares_NK = np.array([[name in line["annotated"] for name in concepts] for line in lines], dtype=np.float32)
    return ScorePredictions(losses_N, scores_NK, shares_NK)


def _shared_digest(first: PublishedVersion, second: PublishedVersion) -> str:
    both = f"{first.uri} and {second.uri}"
    if first.view.type is not second.view.type:
        raise invalid_spec(
            f"{both} are versions of a {first.view.type} and of a {second.view.type} view; compare versions of one view"
        )
    differing = sorted(set(first.thresholds) ^ set(second.thresholds))
    if differing:
        raise invalid_spec(
            f"{both} have different concepts ('{differing[0]}' is in one of them only); compare versions of one model"
        )
    for version in (first, second):
        if version.validation_digest is None:
            raise invalid_spec(
                f"{version.uri} was trained without a validation set, so that nothing can be compared; train it with "
                "dataset.validation, or evaluate both with `tintype evaluate` on other data"
            )
    if first.validation_digest != second.validation_digest:
        raise invalid_spec(
            f"{both} were measured on different validation examples ({_short(first)} and {_short(second)}); train one "
            "again on the other's data set and split, or evaluate both with `tintype evaluate` on one data set"
        )
    assert first.validation_digest is not None, "checked just now"
    return first.validation_digest


def _short(version: PublishedVersion) -> str:
    return (version.validation_digest or "")[:_DIGITS]


def _named(version: PublishedVersion, other: PublishedVersion) -> NamedVersion:
    name = version.name if version.name != other.name else version.uri
    return NamedVersion(name=name, uri=version.uri, published_indicator=version.indicator)


def _validation_lines(version: PublishedVersion, store: Store) -> dict[str, Line]:
    with TemporaryDirectory() as folder:
        path = download(version, PREDICTIONS_FILE, Path(folder), store)
        try:
            with gzip.open(path, "rt", encoding="utf-8") as content:
                lines = [json.loads(line) for line in content]
            return {line["id"]: line for line in lines if line["split"] == Split.VALIDATION.value}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise data_error(
                f"{version.uri}: {PREDICTIONS_FILE} holds no predictions of tintype; publish the version again"
            ) from error


def _detected(found: Sequence[Line], place: Mapping[str, int]) -> DetectedBoxes:
    return DetectedBoxes(
        boxes_N4=_boxes(found),
        scores_N=np.array([_score(each["score"]) for each in found], dtype=np.float64),
        labels_N=_labels(found, place),
    )


def _annotated(boxes: Sequence[Line], place: Mapping[str, int]) -> AnnotatedBoxes:
    ignored_M = np.array([each.get("ignored", False) for each in boxes], dtype=np.bool_)
    return AnnotatedBoxes(_boxes(boxes), _labels(boxes, place), ignored_M)


def _boxes(of: Sequence[Line]) -> NDArray[np.float64]:
    return np.array([each["box"] for each in of], dtype=np.float64).reshape(-1, 4)


def _labels(of: Sequence[Line], place: Mapping[str, int]) -> NDArray[np.int64]:
    return np.array([place[each["concept"]] for each in of], dtype=np.int64)


def _score(score: float | None) -> float:
    return float("nan") if score is None else score
