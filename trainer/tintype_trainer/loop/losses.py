"""What Classification and Tagging minimise, and how much each concept counts. Pure functions of tensors.

| view | type | loss of one example, for logits z, shares t, weights w |
|---|---|---|
| Classification | Auto, CrossEntropy | -sum_k w_k t_k log p_k, p the softmax of z |
| Classification | Focal | -sum_k w_k t_k (1 - p_k)^2 log p_k |
| Tagging | Auto, CrossEntropy | mean_k -(w_k t_k log p_k + (1 - t_k) log(1 - p_k)), p the sigmoid of z |
| Tagging | Focal | the same with each share times 0.25 (1 - p_t)^2 where it holds, 0.75 (1 - p_t)^2 where not |
| Tagging | Asymmetric | mean_k -(w_k t_k log p_k + (1 - t_k) q_k^4 log(1 - q_k)), q = max(p - 0.05, 0) |

Focal: Lin et al. 2017, with its gamma 2 and, between two answers, its alpha 0.25; p_t is the score of what holds.
Asymmetric: Ridnik et al. 2021, with the paper's gammas 0 and 4 and its margin 0.05. In Tagging, weights count for the
examples that hold the concept, as torch's pos_weight does: a weight on both answers would leave a rare concept as
outnumbered as it was.
"""

from collections.abc import Callable, Sequence
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from tintype_api.spec.training import ClassWeights, Loss, LossType
from tintype_api.spec.view import ViewType

FOCAL_ALPHA: Final = 0.25
ASYMMETRIC_MARGIN: Final = 0.05

ExampleLoss = Callable[[Tensor, Tensor], Tensor]
"""From logits (B, K) and shares (B, K), both float32, to the loss of each example (B)."""


def make_loss(view_type: ViewType, settings: Loss, label_smoothing: float, weights_K: Tensor) -> ExampleLoss:
    """Return the loss of a view; Detection has none here, its detectors bring their own.

    The validation loss is the one with a smoothing of 0.

    Args:
        view_type: Classification or Tagging.
        settings: The loss' type.
        label_smoothing: Share of each label that is spread evenly: over the concepts in Classification, over yes and
            no in Tagging.
        weights_K: How much each concept counts, as `concept_weights` has it, on the logits' device.
    """
    assert view_type is not ViewType.DETECTION, "detectors have losses of their own"
    if view_type is ViewType.CLASSIFICATION:
        return _of_one(settings.type, label_smoothing, weights_K)
    return _of_many(settings.type, label_smoothing, weights_K)


def concept_weights(settings: Loss, concepts: Sequence[str], counts: Sequence[int]) -> list[float]:
    """Return how much each concept counts.

    Balanced: the inverse of the concept's share of the training labels, 1 on average over these labels, so that a
    learning rate means the same with and without it; that is sum(n) / (K n_k) for counts n of K concepts. A concept
    without an example has 1.

    Args:
        settings: The loss' options.
        concepts: All concepts, in the spec's order.
        counts: Training examples that hold each of them.
    """
    if settings.class_weights is ClassWeights.BALANCED:
        present = sum(count > 0 for count in counts)
        return [sum(counts) / (present * count) if count else 1.0 for count in counts]
    given = {each.concept: each.weight for each in settings.concept_weights or ()}
    return [given.get(concept, 1.0) for concept in concepts]


def _of_one(kind: LossType, label_smoothing: float, weights_K: Tensor) -> ExampleLoss:
    def cross_entropy(logits_BK: Tensor, shares_BK: Tensor) -> Tensor:
        return functional.cross_entropy(
            logits_BK, shares_BK, weight=weights_K, label_smoothing=label_smoothing, reduction="none"
        )

    def focal(logits_BK: Tensor, shares_BK: Tensor) -> Tensor:
        targets_BK = shares_BK * (1 - label_smoothing) + label_smoothing / shares_BK.shape[1]
        log_scores_BK = functional.log_softmax(logits_BK, dim=1)
        return -(weights_K * targets_BK * (1 - log_scores_BK.exp()).square() * log_scores_BK).sum(dim=1)

    return focal if kind is LossType.FOCAL else cross_entropy


def _of_many(kind: LossType, label_smoothing: float, weights_K: Tensor) -> ExampleLoss:
    losses = {LossType.FOCAL: _focal, LossType.ASYMMETRIC: _asymmetric}.get(kind, _binary_cross_entropy)

    def loss(logits_BK: Tensor, shares_BK: Tensor) -> Tensor:
        targets_BK = shares_BK * (1 - label_smoothing) + label_smoothing / 2
        return losses(logits_BK, targets_BK, weights_K).mean(dim=1)

    return loss


def _binary_cross_entropy(logits_BK: Tensor, targets_BK: Tensor, weights_K: Tensor) -> Tensor:
    return functional.binary_cross_entropy_with_logits(logits_BK, targets_BK, pos_weight=weights_K, reduction="none")


def _focal(logits_BK: Tensor, targets_BK: Tensor, weights_K: Tensor) -> Tensor:
    scores_BK = torch.sigmoid(logits_BK)
    right_BK = scores_BK * targets_BK + (1 - scores_BK) * (1 - targets_BK)
    alpha_BK = FOCAL_ALPHA * targets_BK + (1 - FOCAL_ALPHA) * (1 - targets_BK)
    return alpha_BK * (1 - right_BK).square() * _binary_cross_entropy(logits_BK, targets_BK, weights_K)


def _asymmetric(logits_BK: Tensor, targets_BK: Tensor, weights_K: Tensor) -> Tensor:
    shifted_BK = (torch.sigmoid(logits_BK) - ASYMMETRIC_MARGIN).clamp(min=0)
    negative_BK = -(shifted_BK**4) * torch.log1p(-shifted_BK)
    return -weights_K * targets_BK * functional.logsigmoid(logits_BK) + (1 - targets_BK) * negative_BK
