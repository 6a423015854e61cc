"""The frozen list of examples: what its lines hold and what its digests depend on."""

import gzip
import hashlib
from dataclasses import replace
from pathlib import Path

from tintype_api.status import ConceptCounts, Unreadable
from tintype_trainer.dataset import Example, Selection, Split, Staged, StagedExample
from tintype_trainer.freezing import freeze


def example(name: str, concept: str, split: Split, folder: str = "s3://data") -> StagedExample:
    return StagedExample(Example(name, f"{folder}/{name}", split, (concept,)), Path("/c", name), name.zfill(64), 24, 16)


def staged(examples: list[StagedExample]) -> Staged:
    selection = Selection(("metal", "glass"), tuple(each.example for each in examples), 5, 6)
    return Staged(selection, tuple(examples), Unreadable(count=1, examples=("x is empty",)))


EXAMPLES = [
    example("ü", "glass", Split.TRAIN),
    example("1", "glass", Split.TRAIN),
    example("2", "metal", Split.TRAIN),
    example("3", "glass", Split.VALIDATION),
    example("4", "metal", Split.TEST),
]
LINES = [
    f'{{"concepts":["{concept}"],"id":"{name}","sha256":"{name.zfill(64)}","split":"{split}"}}\n'
    for concept, name, split in [
        ("glass", "1", "train"),
        ("metal", "2", "train"),
        ("glass", "3", "validation"),
        ("metal", "4", "test"),
        ("glass", "ü", "train"),
    ]
]


def sha256(text: str) -> str:
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def test_lines_and_digests() -> None:
    frozen = freeze(staged(EXAMPLES))
    assert gzip.decompress(frozen.lines_gz).decode() == "".join(LINES)
    assert frozen.lines_gz == freeze(staged(EXAMPLES)).lines_gz
    assert frozen.digest == sha256("".join(LINES))
    assert frozen.validation_digest == sha256(LINES[2])


def test_status() -> None:
    frozen = freeze(staged(EXAMPLES))
    status = frozen.status
    assert (status.digest, status.validation_digest) == (frozen.digest, frozen.validation_digest)
    assert (status.train, status.validation, status.test) == (3, 1, 1)
    assert (status.not_in_model, status.not_annotated, status.unreadable.count) == (5, 6, 1)
    assert status.concepts == (
        ConceptCounts(name="metal", train=1, validation=0, test=1),
        ConceptCounts(name="glass", train=2, validation=1, test=0),
    )


def test_digests_depend_neither_on_place_nor_on_order() -> None:
    elsewhere = [
        replace(each, path=Path("/d"), example=replace(each.example, uri=f"file:///x/{each.example.id}"))
        for each in reversed(EXAMPLES)
    ]
    assert freeze(staged(elsewhere)).digest == freeze(staged(EXAMPLES)).digest


def test_digests_pin_pixels_concept_and_split() -> None:
    def digests(change: StagedExample) -> tuple[str, str | None]:
        frozen = freeze(staged([*EXAMPLES[:2], change, *EXAMPLES[3:]]))
        return frozen.digest, frozen.validation_digest

    before = digests(EXAMPLES[2])
    changes = [
        replace(EXAMPLES[2], sha256="f" * 64),
        replace(EXAMPLES[2], example=replace(EXAMPLES[2].example, concepts=("glass",))),
        replace(EXAMPLES[2], example=replace(EXAMPLES[2].example, split=Split.TEST)),
    ]
    for change in changes:
        digest, validation_digest = digests(change)
        assert digest != before[0]
        assert validation_digest == before[1]


def test_without_validation_there_is_no_digest_of_it() -> None:
    assert freeze(staged(EXAMPLES[:3])).validation_digest is None
