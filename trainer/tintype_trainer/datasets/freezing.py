"""The frozen list of examples: canonical lines, their digest, and the counts for status. Pure.

The list is one JSON object a line, keys sorted, without blanks, in UTF-8, in the order of the examples' ids::

    {"boxes":[{"box":[0.1,0.2,0.5,0.9],"concept":"glass"}],"concepts":["glass"],"id":"1.png","sha256":"9f86...",
     "split":"train"}

- `id`, `split` (train, validation, test) and `concepts`, which hold of it, in the spec's order: always.
- `sha256`: of the picture's file, so that the digest of the list pins the pixels.
- `boxes`: in Detection, where there are any: `box` is left, top, right and bottom as shares of the width and height of
  the picture with its EXIF rotation applied; `"ignore":true` stands in those that are not trained on.
- `region`: in a child view of a Detection view, what is cropped, likewise.
- `negative`: `true`, where it comes from datasetOptions.negatives.
- `times`: how often an epoch has it, where balancing repeats it.

Numbers are written as Python writes them: the shortest that read back the same. So the digest depends on no machine,
cache, bucket or namespace.
"""

import gzip
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tintype_api.spec.view import View, ViewType
from tintype_api.status import ConceptCounts, DatasetStatus, SplitCounts
from tintype_trainer.datasets.arrangement import without_repeats
from tintype_trainer.datasets.dataset import Box, Region, Split, Staged, StagedExample, counts
from tintype_trainer.datasets.duplicates import duplicates


@dataclass(frozen=True, slots=True)
class FrozenDataset:
    """What a run trains on, fixed.

    Attributes:
        lines_gz: The list as gzipped JSON lines, the content of dataset.jsonl.gz; equal lists are equal bytes where
            zlib is the same.
        digest: "sha256:" and the hexadecimal sha256 of the uncompressed list.
        validation_digest: The same of the validation lines alone; None without a validation set.
        status: What `status.dataset` shows.
        completed_view: The view with parent and conditions, where only the data set's header states them.
    """

    lines_gz: bytes
    digest: str
    validation_digest: str | None
    status: DatasetStatus
    completed_view: View | None


def freeze(staged: Staged) -> FrozenDataset:
    """Return the frozen list of what was staged."""
    times = Counter(staged.examples[i].example.id for i in staged.training)
    lines = _lines(staged.examples, times)
    validation = staged.of(Split.VALIDATION)
    digest = _digest(lines)
    validation_digest = _digest(_lines(validation, {})) if validation else None
    return FrozenDataset(
        lines_gz=gzip.compress(lines, mtime=0),
        digest=digest,
        validation_digest=validation_digest,
        status=_status(staged, digest, validation_digest),
        completed_view=staged.selection.completed_view,
    )


def _lines(examples: Iterable[StagedExample], times: Mapping[str, int]) -> bytes:
    ordered = sorted(examples, key=lambda staged: staged.example.id)
    return b"".join(_line(staged, times.get(staged.example.id, 1)) for staged in ordered)


def _line(staged: StagedExample, times: int) -> bytes:
    example = staged.example
    document: dict[str, Any] = {
        "concepts": example.concepts,
        "id": example.id,
        "sha256": staged.sha256,
        "split": example.split,
    }
    if example.boxes:
        document["boxes"] = [_box(box) for box in example.boxes]
    if example.region:
        document["region"] = _corners(example.region)
    if example.negative:
        document["negative"] = True
    if times > 1:
        document["times"] = times
    return json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _box(box: Box) -> dict[str, Any]:
    return {"box": _corners(box), "concept": box.concept} | ({"ignore": True} if box.ignore else {})


def _corners(area: Box | Region) -> tuple[float, float, float, float]:
    return area.x0, area.y0, area.x1, area.y1


def _digest(lines: bytes) -> str:
    return "sha256:" + hashlib.sha256(lines).hexdigest()


def _status(staged: Staged, digest: str, validation_digest: str | None) -> DatasetStatus:
    concepts = staged.selection.concepts
    table = counts([each.example for each in staged.examples], concepts)
    train = without_repeats(staged)
    selection = staged.selection
    return DatasetStatus(
        digest=digest,
        validation_digest=validation_digest,
        train=train,
        validation=len(staged.of(Split.VALIDATION)),
        test=len(staged.of(Split.TEST)),
        train_repeated=len(staged.training) if len(staged.training) != train else None,
        negatives=sum(staged_example.example.negative for staged_example in staged.examples),
        without_concept=None if selection.view is ViewType.CLASSIFICATION else _without_concept(staged),
        not_in_model=selection.not_in_model,
        not_annotated=selection.not_annotated,
        without_boxes=selection.without_boxes,
        conditions_unmet=selection.conditions_unmet,
        duplicates=duplicates(staged),
        unreadable=staged.unreadable,
        concepts=tuple(ConceptCounts(name=concept, **_by_split(table[concept])) for concept in concepts),
    )


def _without_concept(staged: Staged) -> SplitCounts:
    found = Counter(
        each.example.split.value for each in staged.examples if not each.example.concepts and not each.example.negative
    )
    return SplitCounts(**found)


def _by_split(row: Mapping[Split, int]) -> dict[str, int]:
    return {split.value: number for split, number in row.items()}
