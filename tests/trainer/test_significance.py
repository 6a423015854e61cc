"""p-values against scipy's own tests."""

import numpy as np
import pytest
from scipy.stats import binomtest

from tintype_trainer.metrics.significance import bootstrap_p, mcnemar_exact


@pytest.mark.parametrize(
    ("only_first", "only_second"),
    [(0, 0), (0, 1), (1, 0), (0, 6), (3, 10), (10, 3), (7, 7), (40, 61), (500, 430), (0, 2000)],
)
def test_mcnemar_is_the_binomial_test_of_the_pairs(only_first: int, only_second: int) -> None:
    pairs = only_first + only_second
    expected = binomtest(only_first, pairs, 0.5).pvalue if pairs else 1.0
    assert mcnemar_exact(only_first, only_second) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([1.0] * 999, 2 / 1000),
        ([-1.0] * 999, 2 / 1000),
        ([0.0] * 999, 1.0),
        ([1.0] * 975 + [-1.0] * 24, 2 * 25 / 1000),
        ([1.0] * 500 + [-1.0] * 499, 1.0),
        ([1.0] * 99 + [float("nan")] * 50, 2 / 100),
        ([1.0] * 10 + [float("nan")] * 10, None),
    ],
    ids=["always more", "always less", "never any", "at the level", "as often as not", "some unknown", "half unknown"],
)
def test_the_paired_bootstraps_p(changes: list[float], expected: float | None) -> None:
    found = bootstrap_p(np.array(changes))
    assert found == (None if expected is None else pytest.approx(expected))
