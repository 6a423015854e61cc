"""The pieces of `quality.py`: which trainings there are, the most important first."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.quality_sets import CELLS, MODULES, WEIGHTED

EXAMPLE: Final = "examples/pv-cells.yaml"


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
        plain_loop: Whether `reference_loop.py` or `reference_detection.py` trains instead of tintype.
    """

    task: str
    name: str
    dataset: str
    concepts: Sequence[str]
    epochs: int
    example: str = EXAMPLE
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


OURS: Final = _cells("ours", CELLS, 8)
REFERENCE: Final = _cells("reference", CELLS, 8, plain_loop=True)
DEFAULTS: Final = Arm(
    "cells", "defaults", CELLS, OURS.concepts, 10, example="benchmarks/quality_defaults.yaml", options=()
)
BEST: Final = _cells(
    "best",
    CELLS,
    14,
    "imageResizer.width=160",
    "imageResizer.height=160",
    'augmentations=[{"type": "HorizontalFlip"}, {"type": "VerticalFlip"}]',
)
TAGS: Final = Arm(
    "tags",
    "ours",
    CELLS,
    ("defective", "polycrystalline"),
    8,
    example="examples/pv-cells-tagging.yaml",
    options=("training.epochs=8",),
)
WEIGHTED_CELLS: Final = _cells("ours", WEIGHTED, 3, task="weighted-cells")
"""Three passes over about three times as many examples: the steps of eight passes over the cells."""
DETECTION: Final = Arm(
    "modules",
    "ours",
    MODULES,
    OURS.concepts,
    12,
    example="examples/pv-modules.yaml",
    options=("training.epochs=12",),
)
DETECTION_REFERENCE: Final = Arm("modules", "reference", MODULES, OURS.concepts, 12, plain_loop=True)
CHILD: Final = Arm(
    "modules-kind",
    "ours",
    MODULES,
    ("monocrystalline", "polycrystalline"),
    6,
    example="examples/pv-modules-kind.yaml",
)


def _pieces() -> tuple[Piece, ...]:
    side_by_side = [Piece(arm, seed) for seed in range(5) for arm in (OURS, REFERENCE)]
    others = (TAGS, DEFAULTS, DETECTION, DETECTION_REFERENCE, CHILD, WEIGHTED_CELLS, BEST)
    return (*side_by_side, *(Piece(arm, seed) for seed in range(3) for arm in others))


PIECES: Final = _pieces()
