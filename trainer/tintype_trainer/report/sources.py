"""What a report is made of: the files of a version, read. Pure."""

import gzip
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tintype_api.modelversion import ModelVersion
from tintype_api.status import HistoryEntry
from tintype_trainer.datasets.dataset import Split
from tintype_trainer.evaluation.document import Evaluation, SplitEvaluation

Line = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sources:
    """The files of a version, read.

    Attributes:
        uri: Folder that it is published in.
        version: modelversion.json.
        card: model.json.
        evaluation: evaluation.json.
        epochs: metrics.jsonl, without the figures of each concept.
        dataset: Lines of dataset.jsonl.gz.
        predictions: Lines of predictions.jsonl.gz.
        onnx: Whether it has a model.onnx.
    """

    uri: str
    version: ModelVersion
    card: Mapping[str, Any]
    evaluation: Evaluation
    epochs: tuple[HistoryEntry, ...]
    dataset: Sequence[Line]
    predictions: Sequence[Line]
    onnx: bool

    @property
    def split(self) -> Split | None:
        """The split that the page shows: the validation set, else the test set, else none."""
        for split in (Split.VALIDATION, Split.TEST):
            if self.evaluation_of(split) is not None:
                return split
        return None

    def evaluation_of(self, split: Split) -> SplitEvaluation | None:
        """Return how good the version is on a split."""
        return self.evaluation.validation if split is Split.VALIDATION else self.evaluation.test

    def predictions_of(self, split: Split) -> list[Line]:
        """Return the lines of a split."""
        return [line for line in self.predictions if line["split"] == split.value]

    def examples_by_split(self) -> Mapping[str, int]:
        """Return how many examples each split has; those without an annotated concept and negatives, too."""
        return Counter(line["split"] for line in self.dataset)

    def counts_by_split(self) -> Mapping[tuple[str, str], int]:
        """Return how often each concept is in each split: boxes in Detection, else examples."""
        return Counter((label, line["split"]) for line in self.dataset for label in _labels(line))


def read_sources(
    uri: str,
    version: ModelVersion,
    *,
    card: bytes,
    evaluation: bytes,
    metrics: bytes,
    dataset_gz: bytes,
    predictions_gz: bytes,
    onnx: bool,
) -> Sources:
    """Return what the contents of a version's files say.

    Raises:
        ValueError: where one of them is not what its name says.
    """
    return Sources(
        uri=uri,
        version=version,
        card=json.loads(card),
        evaluation=Evaluation.model_validate_json(evaluation),
        epochs=tuple(_epoch(json.loads(line)) for line in metrics.splitlines()),
        dataset=read_lines(dataset_gz),
        predictions=read_lines(predictions_gz),
        onnx=onnx,
    )


def _epoch(line: dict[str, Any]) -> HistoryEntry:
    return HistoryEntry.model_validate({key: value for key, value in line.items() if key != "concepts"})


def read_lines(content_gz: bytes) -> list[Line]:
    """Return the documents of gzipped JSON lines."""
    # Not splitlines: a name may hold what Unicode counts as the end of a line.
    return [json.loads(line) for line in gzip.decompress(content_gz).split(b"\n") if line]


def _labels(line: Line) -> list[str]:
    if "boxes" in line:
        return [box["concept"] for box in line["boxes"] if not box.get("ignore")]
    return list(line["concepts"])
