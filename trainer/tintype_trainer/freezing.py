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

Numbers are written as Python writes them: the shortest that read back the same. So the digest depends on no machine,
cache, bucket or namespace.
"""

import gzip
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tintype_api.status import ConceptCounts, DatasetStatus
from tintype_trainer.dataset import Box, Region, Split, Staged, StagedExample, counts


@dataclass(frozen=True, slots=True)
class FrozenDataset:
    """What a run trains on, fixed.

    Attributes:
        lines_gz: The list as gzipped JSON lines, the content of dataset.jsonl.gz; equal lists are equal bytes where
            zlib is the same.
        digest: "sha256:" and the hexadecimal sha256 of the uncompressed list.
        validation_digest: The same of the validation lines alone; None without a validation set.
        status: What `status.dataset` shows.
    """

    lines_gz: bytes
    digest: str
    validation_digest: str | None
    status: DatasetStatus


def freeze(staged: Staged) -> FrozenDataset:
    """Return the frozen list of what was staged."""
    lines = _lines(staged.examples)
    validation = staged.of(Split.VALIDATION)
    digest = _digest(lines)
    validation_digest = _digest(_lines(validation)) if validation else None
    return FrozenDataset(
        lines_gz=gzip.compress(lines, mtime=0),
        digest=digest,
        validation_digest=validation_digest,
        status=_status(staged, digest, validation_digest),
    )


def _lines(examples: Iterable[StagedExample]) -> bytes:
    ordered = sorted(examples, key=lambda staged: staged.example.id)
    return b"".join(_line(staged) for staged in ordered)


def _line(staged: StagedExample) -> bytes:
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
    total = {split: len(staged.of(split)) for split in Split}
    return DatasetStatus(
        digest=digest,
        validation_digest=validation_digest,
        train=total[Split.TRAIN],
        validation=total[Split.VALIDATION],
        test=total[Split.TEST],
        not_in_model=staged.selection.not_in_model,
        not_annotated=staged.selection.not_annotated,
        unreadable=staged.unreadable,
        concepts=tuple(ConceptCounts(name=concept, **_by_split(table[concept])) for concept in concepts),
    )


def _by_split(row: Mapping[Split, int]) -> dict[str, int]:
    return {split.value: number for split, number in row.items()}
