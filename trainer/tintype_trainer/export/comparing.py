"""Whether two networks answer alike. Pure.

Scores of Classification and Tagging are compared one by one. Detections have no order to compare them by: where two
scores are nearly equal, rounding alone decides which box comes first, or which of two is suppressed. So each is given
a partner, and what found none counts by its score.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor
from torchvision.ops import box_iou

from tintype_trainer.networks.detector import Detections

SCORE_TOLERANCE: Final = 1e-4
"""The largest difference of a score in Classification and Tagging."""
DETECTION_SCORE_TOLERANCE: Final = 1e-3
"""The largest difference of the scores of partners."""
PARTNER_IOU: Final = 0.95
"""The least intersection over union of partners."""
PARTNER_PIXELS: Final = 0.5
"""Or the most pixels that each of their sides is apart: boxes without width have no intersection."""
WITHOUT_PARTNER: Final = 0.05
"""The largest share that detections without a partner have of the sum of all scores."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How well two networks agree.

    Attributes:
        max_difference: The largest difference of a score; of detections among partners.
        examples: Examples that both have seen.
        without_partner: Share of the sum of all scores; 0 of Classification and Tagging.
        fault: Why they do not agree; None where they do.
    """

    max_difference: float
    examples: int
    without_partner: float = 0.0
    fault: str | None = None


def compare_scores(pairs: Sequence[tuple[Tensor, Tensor]]) -> Agreement:
    """Compare scores of batches of examples, each (B, K), of two networks."""
    difference = max(float((one.double() - other.double()).abs().max()) for one, other in pairs)
    examples = sum(len(one) for one, _ in pairs)
    fault = None
    if not difference <= SCORE_TOLERANCE:  # NaN, too, is a fault
        fault = f"scores differ by up to {difference:.2g}, which is more than {SCORE_TOLERANCE:g}"
    return Agreement(difference, examples, fault=fault)


def compare_detections(pairs: Sequence[tuple[Detections, Detections]]) -> Agreement:
    """Compare the detections of images by two networks.

    Partners are of one label, in one place (an IoU of at least 0.95, or sides half a pixel apart at most), and of
    scores that differ by 0.001 at most.
    """
    differences, alone, total = [0.0], 0.0, 0.0
    for one, other in pairs:
        partners = _partners(one, other)
        paired = sum(float(one.scores_N[i] + other.scores_N[j]) for i, j in partners)
        both = float(one.scores_N.double().sum() + other.scores_N.double().sum())
        differences += [abs(float(one.scores_N[i] - other.scores_N[j])) for i, j in partners]
        alone, total = alone + both - paired, total + both
    if total == 0:
        return Agreement(0.0, len(pairs), fault="neither detects anything, so that it cannot be checked")
    share = max(alone / total, 0.0)
    fault = None
    if not share <= WITHOUT_PARTNER:  # NaN, too, is a fault
        fault = (
            f"detections with {share:.1%} of all scores have no partner of the same concept, place and score, which is "
            f"more than {WITHOUT_PARTNER:.0%}"
        )
    return Agreement(max(differences), len(pairs), share, fault)


def _partners(one: Detections, other: Detections) -> list[tuple[int, int]]:
    """Return pairs of detections by their numbers, each at most once: from the highest score on, the nearest box."""
    distances_NM = (one.boxes_N4[:, None] - other.boxes_N4[None]).abs().amax(dim=2)
    same_place_NM = (box_iou(one.boxes_N4, other.boxes_N4) >= PARTNER_IOU) | (distances_NM <= PARTNER_PIXELS)
    same_NM = one.labels_N[:, None] == other.labels_N[None]
    near_NM = (one.scores_N[:, None] - other.scores_N[None]).abs() <= DETECTION_SCORE_TOLERANCE
    left_NM = torch.where(same_place_NM & same_NM & near_NM, distances_NM, torch.inf)
    partners = []
    for number in _by_score(one.scores_N):
        if left_NM.shape[1] and float(left_NM[number].min()) < torch.inf:
            partner = int(left_NM[number].argmin())
            partners.append((number, partner))
            left_NM[:, partner] = torch.inf
    return partners


def _by_score(scores_N: Tensor) -> Iterable[int]:
    return [int(number) for number in scores_N.argsort(descending=True, stable=True)]
