import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import accuracy_score, confusion_matrix, log_loss, precision_recall_fscore_support

from tintype_api.status import HistoryEntry
from tintype_trainer.best import best_of, is_better, thinned
from tintype_trainer.metrics import evaluate_scores, wilson_interval


@pytest.mark.parametrize("seed", range(5))
def test_metrics_are_scikit_learns(seed: int) -> None:
    random = np.random.default_rng(seed)
    labels = random.integers(0, 4, 60)
    scores = random.dirichlet(np.ones(4), 60)
    losses = -np.log(scores[np.arange(60), labels])
    result = evaluate_scores(losses, scores, labels, ["a", "b", "c", "d"])

    decisions = scores.argmax(axis=1)
    precision, recall, _, support = precision_recall_fscore_support(labels, decisions, labels=range(4))
    assert result.examples == 60
    assert result.accuracy == accuracy_score(labels, decisions)
    assert result.loss == pytest.approx(log_loss(labels, scores))
    assert np.array_equal(result.confusion, confusion_matrix(labels, decisions))
    assert [concept.precision for concept in result.concepts] == pytest.approx(precision)
    assert [concept.recall for concept in result.concepts] == pytest.approx(recall)
    assert [concept.support for concept in result.concepts] == list(support)


def test_what_has_no_example_is_none_and_not_zero() -> None:
    scores = np.array([[0.9, 0.1, 0.0], [0.8, 0.2, 0.0]])
    result = evaluate_scores(np.ones(2), scores, np.array([0, 1]), ["a", "b", "c"])
    assert [concept.precision for concept in result.concepts] == [0.5, None, None]
    assert [concept.recall for concept in result.concepts] == [1.0, 0.0, None]


@pytest.mark.parametrize(("right", "examples"), [(0, 10), (10, 10), (7, 10), (580, 656)])
def test_interval_is_scipys(right: int, examples: int) -> None:
    expected = binomtest(right, examples).proportion_ci(method="wilson")
    assert wilson_interval(right, examples) == pytest.approx((expected.low, expected.high), abs=1e-9)


def _entry(accuracy: float | None, iteration: int = 1) -> HistoryEntry:
    return HistoryEntry(
        epoch=iteration,
        iteration=iteration,
        learning_rate=0.1,
        train_loss=1.0,
        validation_loss=None if accuracy is None else 1.0,
        validation_accuracy=accuracy,
        seconds=1.0,
    )


@pytest.mark.parametrize(
    ("candidate", "best", "better"),
    [
        (0.5, None, True),
        (0.6, 0.5, True),
        (0.5, 0.5, False),
        (0.4, 0.5, False),
        (None, None, False),
        (None, 0.5, False),
        (float("nan"), None, False),
        (float("nan"), 0.5, False),
        (0.0, None, True),
    ],
)
def test_best(candidate: float | None, best: float | None, better: bool) -> None:
    assert is_better(_entry(candidate), None if best is None else _entry(best)) is better


def test_without_validation_the_last_iteration_is_published_without_an_indicator() -> None:
    best = best_of(_entry(None, 40))
    assert (best.selected_by, best.iteration, best.performance_indicator) == ("LastIteration", 40, None)
    assert best_of(_entry(0.7)).performance_indicator_name == "accuracy"


@pytest.mark.parametrize("epochs", [0, 1, 50, 51, 99, 1000])
def test_history_is_thinned_evenly(epochs: int) -> None:
    kept = [entry.iteration for entry in thinned([_entry(0.5, number) for number in range(1, epochs + 1)])]
    assert len(kept) == min(50, epochs)
    assert kept == sorted(set(kept))
    if epochs:
        assert (kept[0], kept[-1]) == (1, epochs)
        gaps = np.diff(kept) if epochs > 1 else np.array([1])
        assert gaps.max() - gaps.min() <= 1
