import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight
from torch import Tensor
from torch.nn import functional
from torchvision.ops import sigmoid_focal_loss

from tintype_api.spec.training import Loss
from tintype_api.spec.view import ViewType
from tintype_trainer.loop.losses import concept_weights, make_loss

ONES = torch.ones(5)
WEIGHTS = torch.tensor([0.5, 1.0, 2.0, 0.1, 3.0])
LABELS = torch.tensor([0, 4, 2, 2, 1, 3, 0, 1])


def _logits() -> Tensor:
    return torch.randn(8, 5, generator=torch.Generator().manual_seed(0)) * 3


def _tags() -> Tensor:
    return torch.randint(2, (8, 5), generator=torch.Generator().manual_seed(1)).float()


def _loss(view: ViewType, kind: str, smoothing: float = 0, weights: Tensor = ONES, *, shares: Tensor) -> Tensor:
    return make_loss(view, Loss.model_validate({"type": kind}), smoothing, weights)(_logits(), shares)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.9])
@pytest.mark.parametrize("kind", ["Auto", "CrossEntropy"])
def test_classification_is_torchs_cross_entropy(kind: str, smoothing: float) -> None:
    one_hot = functional.one_hot(LABELS, 5).float()
    losses = _loss(ViewType.CLASSIFICATION, kind, smoothing, shares=one_hot)
    expected = functional.cross_entropy(_logits(), LABELS, label_smoothing=smoothing, reduction="none")
    torch.testing.assert_close(losses, expected)


def test_classification_with_weights_is_torchs_by_label() -> None:
    losses = _loss(ViewType.CLASSIFICATION, "Auto", 0, WEIGHTS, shares=functional.one_hot(LABELS, 5).float())
    torch.testing.assert_close(losses, functional.cross_entropy(_logits(), LABELS, WEIGHTS, reduction="none"))


def test_blended_labels_cost_their_shares() -> None:
    one, other = functional.one_hot(LABELS, 5).float(), functional.one_hot(LABELS.flip(0), 5).float()
    losses = _loss(ViewType.CLASSIFICATION, "Auto", shares=0.3 * one + 0.7 * other)
    parts = [functional.cross_entropy(_logits(), labels, reduction="none") for labels in (LABELS, LABELS.flip(0))]
    torch.testing.assert_close(losses, 0.3 * parts[0] + 0.7 * parts[1])


def test_focal_classification_is_cross_entropy_times_the_square_of_the_miss() -> None:
    losses = _loss(ViewType.CLASSIFICATION, "Focal", 0, WEIGHTS, shares=functional.one_hot(LABELS, 5).float())
    scores = _logits().softmax(dim=1)[torch.arange(8), LABELS]
    torch.testing.assert_close(losses, -WEIGHTS[LABELS] * (1 - scores) ** 2 * scores.log())


def test_focal_classification_of_two_concepts_is_torchvisions_without_alpha() -> None:
    logits, labels = _logits()[:, :2], LABELS % 2
    focal = make_loss(ViewType.CLASSIFICATION, Loss.model_validate({"type": "Focal"}), 0, torch.ones(2))
    expected = sigmoid_focal_loss(logits[:, 1] - logits[:, 0], labels.float(), alpha=-1, gamma=2)
    torch.testing.assert_close(focal(logits, functional.one_hot(labels, 2).float()), expected)


@pytest.mark.parametrize("kind", ["Auto", "CrossEntropy"])
@pytest.mark.parametrize("weights", [ONES, WEIGHTS])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_tagging_is_the_mean_of_torchs_binary_cross_entropies(kind: str, weights: Tensor, smoothing: float) -> None:
    losses = _loss(ViewType.TAGGING, kind, smoothing, weights, shares=_tags())
    targets = _tags() * (1 - smoothing) + smoothing / 2
    expected = functional.binary_cross_entropy_with_logits(_logits(), targets, pos_weight=weights, reduction="none")
    torch.testing.assert_close(losses, expected.mean(dim=1))


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_focal_tagging_is_torchvisions(smoothing: float) -> None:
    losses = _loss(ViewType.TAGGING, "Focal", smoothing, shares=_tags())
    expected = sigmoid_focal_loss(_logits(), _tags() * (1 - smoothing) + smoothing / 2, alpha=0.25, gamma=2)
    torch.testing.assert_close(losses, expected.mean(dim=1))


def test_focal_tagging_weighs_the_positives() -> None:
    losses = _loss(ViewType.TAGGING, "Focal", 0, WEIGHTS, shares=_tags())
    plain = sigmoid_focal_loss(_logits(), _tags(), alpha=0.25, gamma=2)
    torch.testing.assert_close(losses, torch.where(_tags() == 1, plain * WEIGHTS, plain).mean(dim=1))


def test_asymmetric_is_the_papers() -> None:
    losses = _loss(ViewType.TAGGING, "Asymmetric", shares=_tags())
    scores = 1 / (1 + np.exp(-_logits().double().numpy()))
    shifted = np.maximum(scores - 0.05, 0)
    expected = np.where(_tags().numpy() == 1, -np.log(scores), -(shifted**4) * np.log(1 - shifted)).mean(axis=1)
    assert losses.numpy() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("view", "kind"),
    [(ViewType.CLASSIFICATION, "Auto"), (ViewType.CLASSIFICATION, "Focal")]
    + [(ViewType.TAGGING, kind) for kind in ("Auto", "Focal", "Asymmetric")],
)
@pytest.mark.parametrize("size", [0.0, 80.0, 300.0])
def test_extreme_logits_have_finite_losses_and_gradients(view: ViewType, kind: str, size: float) -> None:
    logits = (torch.eye(5) * 2 - 1).mul(size).requires_grad_()
    for shares in (torch.eye(5), torch.eye(5).flip(0)):
        losses = make_loss(view, Loss.model_validate({"type": kind}), 0.1, WEIGHTS)(logits, shares)
        (gradient,) = torch.autograd.grad(losses.sum(), logits)
        assert losses.isfinite().all()
        assert gradient.isfinite().all()


def test_balanced_weights_are_scikit_learns() -> None:
    labels = [0] * 6 + [1] * 3 + [2]
    expected = compute_class_weight("balanced", classes=np.array([0, 1, 2]), y=labels)
    balanced = Loss.model_validate({"classWeights": "Balanced"})
    assert concept_weights(balanced, ["a", "b", "c"], [6, 3, 1]) == pytest.approx(expected)
    assert concept_weights(balanced, ["a", "x", "b", "c"], [6, 0, 3, 1]) == pytest.approx(
        [*expected[:1], 1, *expected[1:]]
    )
    assert concept_weights(balanced, ["a", "b"], [0, 0]) == [1, 1]


def test_weights_of_single_concepts() -> None:
    assert concept_weights(Loss(), ["a", "b"], [1, 9]) == [1, 1]
    given = Loss.model_validate({"conceptWeights": [{"concept": "b", "weight": 4}]})
    assert concept_weights(given, ["a", "b"], [1, 9]) == [1, 4]
