"""The pieces of `quality.py`: which trainings there are, the most important first."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

CELLS: Final = "examples/pv-cells.yaml"


@dataclass(frozen=True, slots=True)
class Arm:
    """One way to train for one task.

    Attributes:
        task: What is learned.
        name: Of the arm, unique in its task.
        dataset: File below the folder of work.
        concepts: What is told apart.
        epochs: Passes over the training examples.
        example: The resource that is trained.
        options: What is set in it.
        plain_loop: Whether `reference_loop.py` trains instead of tintype.
    """

    task: str
    name: str
    dataset: str
    concepts: Sequence[str]
    epochs: int
    example: str = CELLS
    options: Sequence[str] = ()
    plain_loop: bool = False


@dataclass(frozen=True, slots=True)
class Piece:
    """One training."""

    arm: Arm
    seed: int

    @property
    def name(self) -> str:
        """Where its result is kept, below the folder of results."""
        return f"{self.arm.task}/{self.arm.name}-{self.seed}"


def _cells(name: str, dataset: str, epochs: int, *options: str, plain_loop: bool = False, task: str = "cells") -> Arm:
    chosen = (f"training.epochs={epochs}", *options)
    return Arm(
        task,
        name,
        dataset,
        ("functional", "defective"),
        epochs,
        options=() if plain_loop else chosen,
        plain_loop=plain_loop,
    )


OURS: Final = _cells("ours", "pv-cells.jsonl", 8)
REFERENCE: Final = _cells("reference", "pv-cells.jsonl", 8, plain_loop=True)
DEFAULTS: Final = Arm(
    "cells", "defaults", "pv-cells.jsonl", OURS.concepts, 10, example="benchmarks/quality_defaults.yaml", options=()
)
BEST: Final = _cells(
    "best",
    "pv-cells.jsonl",
    14,
    "imageResizer.width=160",
    "imageResizer.height=160",
    'augmentations=[{"type": "HorizontalFlip"}, {"type": "VerticalFlip"}]',
)
TAGS: Final = Arm(
    "tags",
    "ours",
    "pv-cells.jsonl",
    ("defective", "polycrystalline"),
    8,
    example="examples/pv-cells-tagging.yaml",
    options=("training.epochs=8",),
)


def _pieces() -> tuple[Piece, ...]:
    side_by_side = [Piece(arm, seed) for seed in range(5) for arm in (OURS, REFERENCE)]
    others = [Piece(arm, seed) for seed in range(3) for arm in (DEFAULTS, BEST, TAGS)]
    return (*side_by_side, *others)


PIECES: Final = _pieces()
