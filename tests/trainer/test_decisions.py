"""Thresholds, calibration and intervals, against scikit-learn and by their definitions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import average_precision_score, f1_score, precision_recall_curve

from tintype_trainer.metrics.bootstrap import interval_of, resample_count, resamples, share_interval
from tintype_trainer.metrics.calibration import BINS, calibration
from tintype_trainer.metrics.curves import POINTS, weighted_average_precisions
from tintype_trainer.metrics.curves import precision_recall_curve as curve_of
from tintype_trainer.metrics.decisions import counts_at, f1_optimal_threshold

PAIRS = st.lists(st.tuples(st.integers(0, 10), st.booleans()), min_size=1, max_size=40)


def arrays(pairs: list[tuple[int, bool]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([score / 10 for score, _ in pairs]), np.array([holds for _, holds in pairs])


@given(PAIRS)
def test_no_threshold_has_a_higher_f1(pairs: list[tuple[int, bool]]) -> None:
    scores_N, holds_N = arrays(pairs)
    threshold = f1_optimal_threshold(scores_N, holds_N, int(holds_N.sum()))
    if not holds_N.any():
        assert threshold == 0.5
        return
    best = max(f1_score(holds_N, scores_N >= score) for score in scores_N)
    found = counts_at(scores_N, holds_N, threshold).f1
    assert found == pytest.approx(best)
    assert found == pytest.approx(f1_score(holds_N, scores_N >= threshold))


def test_a_threshold_lies_midway_between_neighbouring_scores() -> None:
    scores_N, right_N = np.array([0.9, 0.7, 0.3, 0.2]), np.array([True, True, False, False])
    assert f1_optimal_threshold(scores_N, right_N, 2) == pytest.approx(0.5)


def test_boxes_that_no_detection_found_count_as_missed() -> None:
    scores_N, right_N = np.array([0.9, 0.5, 0.4]), np.array([True, False, True])
    assert f1_optimal_threshold(scores_N, right_N, 2) == pytest.approx(0.2)
    assert f1_optimal_threshold(scores_N, right_N, 1) == pytest.approx(0.7)


def test_calibration_is_as_scikit_learn_bins_it() -> None:
    random = np.random.default_rng(0)
    scores_N = random.random(500)
    right_N = random.random(500) < scores_N**2
    found = calibration(scores_N, right_N)
    assert found is not None
    right_B, score_B = calibration_curve(right_N, scores_N, n_bins=BINS)
    assert [each.right for each in found.bins] == pytest.approx(right_B)
    assert [each.score for each in found.bins] == pytest.approx(score_B)
    counts = [each.count for each in found.bins]
    assert sum(counts) == 500
    assert found.error == pytest.approx(np.average(np.abs(right_B - score_B), weights=counts))


def test_calibration_of_certain_scores() -> None:
    found = calibration(np.array([0.0, 1.0, np.nan]), np.array([False, True, True]))
    assert found is not None
    assert (found.error, [each.count for each in found.bins]) == (0.0, [1, 1])
    assert calibration(np.zeros(0), np.zeros(0, dtype=bool)) is None


def test_a_curve_is_scikit_learns_thinned() -> None:
    random = np.random.default_rng(0)
    scores_N, holds_N = random.random(1000), random.random(1000) < 0.3
    found = curve_of(scores_N, holds_N, int(holds_N.sum()))
    assert found is not None
    assert len(found.thresholds) == POINTS
    precision_T, recall_T, thresholds_T = precision_recall_curve(holds_N, scores_N)
    places = [int(np.flatnonzero(thresholds_T == threshold)[0]) for threshold in found.thresholds]
    assert found.precision == pytest.approx(precision_T[places])
    assert found.recall == pytest.approx(recall_T[places])
    assert (found.thresholds[0], found.thresholds[-1]) == (scores_N.max(), scores_N.min())


@given(PAIRS, st.integers(0, 100))
def test_weights_are_repetitions(pairs: list[tuple[int, bool]], seed: int) -> None:
    scores_N, holds_N = arrays(pairs)
    weights_N = np.random.default_rng(seed).integers(0, 3, len(pairs)).astype(np.int32)
    (found,) = weighted_average_precisions(scores_N, holds_N, weights_N[None])
    repeated = np.repeat(holds_N, weights_N)
    if repeated.any():
        assert found == pytest.approx(average_precision_score(repeated, np.repeat(scores_N, weights_N)))
    else:
        assert np.isnan(found)


@pytest.mark.parametrize(("images", "count"), [(1, 1000), (2000, 1000), (2001, 200)])
def test_how_many_resamples(images: int, count: int) -> None:
    assert resample_count(images) == count


def test_resamples_draw_as_many_images_as_there_are() -> None:
    drawn_RN = np.concatenate(list(resamples(50)))
    assert drawn_RN.shape == (1000, 50)
    assert set(drawn_RN.sum(axis=1)) == {50}
    assert drawn_RN.mean() == pytest.approx(1.0)


def test_an_interval_of_a_share_is_near_the_binomials() -> None:
    right_N = (np.arange(400) < 300).astype(np.int64)
    found = share_interval(right_N, np.ones(400, dtype=np.int64))
    assert found is not None
    half = 1.96 * np.sqrt(0.75 * 0.25 / 400)
    assert (found.lower, found.upper) == pytest.approx((0.75 - half, 0.75 + half), abs=0.006)


def test_an_interval_that_most_resamples_do_not_have() -> None:
    assert interval_of(np.array([np.nan, np.nan, 0.5])) is None
    assert interval_of(np.array([np.nan, 0.4, 0.5, 0.6])) is not None
