"""What one example is: as annotated, and as read.

Shapes: H, W of a picture in pixels, C its channels, N boxes, K concepts.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tintype_trainer.datasets.dataset import Example, Region
from tintype_trainer.pixels.images import Picture


@dataclass(frozen=True, slots=True)
class Target:
    """What is annotated on one example.

    Attributes:
        shares_K: float32, 1 for each concept that holds, else 0 (Classification and Tagging); (0,) in Detection.
        boxes_N4: float32 x0 y0 x1 y1, shares of the picture's width and height (Detection); else (0, 4).
        labels_N: int64, the index of each box's concept.
        ignored_N: bool, boxes that are never trained on and count neither way in evaluation.
        region: What is cropped before anything else, in a child view of a Detection view.
    """

    shares_K: NDArray[np.float32]
    boxes_N4: NDArray[np.float32]
    labels_N: NDArray[np.int64]
    ignored_N: NDArray[np.bool_]
    region: Region | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """One example as read: what augmentations take and return.

    Attributes:
        picture: uint8 (H, W, C), C being 1 (grey) or 3; nobody changes it in place.
        boxes_N4: float32 x0 y0 x1 y1 in pixels of the picture; (0, 4) without boxes.
        labels_N: int64, the index of each box's concept.
    """

    picture: Picture
    boxes_N4: NDArray[np.float32]
    labels_N: NDArray[np.int64]

    def only(self, kept_N: NDArray[np.bool_]) -> "Sample":
        """Return the sample with those of its boxes that `kept_N` says."""
        return replace(self, boxes_N4=self.boxes_N4[kept_N], labels_N=self.labels_N[kept_N])


def targets_of(examples: Sequence[Example], concepts: Sequence[str], *, detection: bool) -> list[Target]:
    """Return the target of each example, concepts being numbered by their place in `concepts`. Pure."""
    numbers = {concept: number for number, concept in enumerate(concepts)}
    return [_boxes(example, numbers) if detection else _shares(example, numbers) for example in examples]


def _shares(example: Example, numbers: dict[str, int]) -> Target:
    shares_K = np.zeros(len(numbers), dtype=np.float32)
    shares_K[[numbers[concept] for concept in example.concepts]] = 1
    boxes_04, none = np.zeros((0, 4), dtype=np.float32), np.zeros(0)
    return Target(shares_K, boxes_04, none.astype(np.int64), none.astype(np.bool_), example.region)


def _boxes(example: Example, numbers: dict[str, int]) -> Target:
    boxes = example.boxes
    return Target(
        shares_K=np.zeros(0, dtype=np.float32),
        boxes_N4=np.array([(box.x0, box.y0, box.x1, box.y1) for box in boxes], dtype=np.float32).reshape(-1, 4),
        labels_N=np.array([numbers[box.concept] for box in boxes], dtype=np.int64),
        ignored_N=np.array([box.ignore for box in boxes], dtype=np.bool_),
        region=example.region,
    )
