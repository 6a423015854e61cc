"""What a network says of a split, beside what is annotated."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tintype_trainer.metrics.boxes import AnnotatedBoxes, DetectedBoxes


@dataclass(frozen=True, slots=True)
class ScorePredictions:
    """Of Classification and Tagging, in the order of the examples.

    Attributes:
        losses_N: Validation loss of each.
        scores_NK: Score of each concept, 0 to 1; in Classification a row sums to 1.
        shares_NK: 1 for each concept that holds, else 0.
    """

    losses_N: NDArray[np.float64]
    scores_NK: NDArray[np.float64]
    shares_NK: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class DetectionPredictions:
    """Of Detection, in the order of the images; boxes are in pixels of the original pictures.

    Attributes:
        losses_N: Validation loss of each image; that of its batch where the detector gives no other.
        detected: What was detected on each.
        annotated: What is annotated on each.
    """

    losses_N: NDArray[np.float64]
    detected: tuple[DetectedBoxes, ...]
    annotated: tuple[AnnotatedBoxes, ...]


Predictions: TypeAlias = ScorePredictions | DetectionPredictions


def joined(shares: Sequence[Predictions]) -> Predictions:
    """Return the predictions of some shares of a split, at least one, as those of the whole."""
    losses_N = np.concatenate([share.losses_N for share in shares])
    scores = [share for share in shares if isinstance(share, ScorePredictions)]
    if scores:
        return ScorePredictions(
            losses_N,
            np.concatenate([share.scores_NK for share in scores]),
            np.concatenate([share.shares_NK for share in scores]),
        )
    boxes = [share for share in shares if isinstance(share, DetectionPredictions)]
    return DetectionPredictions(
        losses_N,
        tuple(chain.from_iterable(share.detected for share in boxes)),
        tuple(chain.from_iterable(share.annotated for share in boxes)),
    )
