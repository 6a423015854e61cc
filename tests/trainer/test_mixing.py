"""MixUp, CutMix and Mosaic: pixels and labels agree, and what is drawn is spread as stated."""

from collections.abc import Sequence

import numpy as np
import pytest

from support.samples import is_even, option, painted, sample_of, white_box
from tintype_api.spec.resizer import ImageResizer, ResizerType
from tintype_trainer.pixels.mixing import cut_mix, mix, mix_up, mosaic
from tintype_trainer.pixels.reading import Seen

DRAWS = 10_000
FIXED = ImageResizer(type=ResizerType.FIXED, width=64, height=48)
SQUARE = ImageResizer(type=ResizerType.KEEP_ASPECT_RATIO, max_dimension=48)


def _seen(value: int, number: int, size: tuple[int, int] = (8, 8), content: tuple[int, int] | None = None) -> Seen:
    """Return one of three concepts, its content filled with a value."""
    width, height = content or size
    canvas = np.zeros((size[1], size[0], 3), dtype=np.uint8)
    canvas[:height, :width] = value
    none = np.zeros(0)
    shares_K = np.eye(3, dtype=np.float32)[number]
    return Seen(canvas, (width, height), shares_K, np.zeros((0, 4), np.float32), none.astype(int), none.astype(bool))


def test_mix_up_blends_pixels_and_labels_by_the_same_share() -> None:
    batch = [_seen(0, 0), _seen(200, 1), _seen(100, 2)]
    random = np.random.default_rng(0)
    for _ in range(100):
        mixed = mix_up(option("MixUp", alpha=1), batch, random)
        own = mixed[0].shares_K[0]
        assert [each.shares_K.tolist() for each in mixed] == [[own, 0, 1 - own], [1 - own, own, 0], [0, 1 - own, own]]
        for each, value, other in zip(mixed, (0, 200, 100), (100, 0, 200), strict=True):
            assert np.abs(each.canvas - (own * value + (1 - own) * other)).max() <= 0.5
    assert batch[1].canvas.min() == 200


@pytest.mark.parametrize("alpha", [0.2, 1.0, 5.0])
def test_mix_ups_share_has_the_beta_distribution(alpha: float) -> None:
    random, batch = np.random.default_rng(1), [_seen(0, 0, (1, 1)), _seen(9, 1, (1, 1))]
    chosen = option("MixUp", alpha=alpha)
    shares = np.array([mix_up(chosen, batch, random)[0].shares_K[0] for _ in range(DRAWS)])
    assert shares.mean() == pytest.approx(0.5, abs=0.015)
    assert shares.var() == pytest.approx(1 / (4 * (2 * alpha + 1)), rel=0.05)


def test_cut_mix_has_the_labels_of_its_pixels() -> None:
    size, contents = (32, 24), ((32, 24), (32, 10), (20, 24))
    batch = [_seen(value, n, size, contents[n]) for n, value in enumerate((50, 100, 150))]
    random = np.random.default_rng(0)
    for _ in range(300):
        for number, each in enumerate(cut_mix(option("CutMix"), batch, random)):
            counts = [int((each.canvas[..., 0] == value).sum()) for value in (50, 100, 150)]
            assert sum(counts) == contents[number][0] * contents[number][1]  # padding is neither pasted nor covered
            assert each.shares_K == pytest.approx(np.array(counts) / sum(counts), abs=1e-6)
            width, height = contents[number]
            assert not each.canvas[height:].any()
            assert not each.canvas[:, width:].any()
    assert batch[0].canvas.max() == 50


def test_cut_mixs_rectangle() -> None:
    random, batch = np.random.default_rng(2), [_seen(0, 0, (64, 64)), _seen(255, 1, (64, 64))]
    chosen = option("CutMix")
    holes = [cut_mix(chosen, batch, random)[0].canvas[..., 0] > 0 for _ in range(3000)]
    covered = np.array([hole.mean() for hole in holes])
    # Without cutting at the borders the area would be even from 0 to 1, 0.5 on average.
    assert 0.25 < covered.mean() < 0.4
    assert covered.max() > 0.9
    hits = np.mean(holes, axis=0)
    assert hits[32, 32] > 1.5 * hits[0, 0] > 0
    rows = [np.flatnonzero(hole.any(axis=1)) for hole in holes if hole.any()]
    assert all(len(row) == row[-1] - row[0] + 1 for row in rows)


@pytest.mark.parametrize(("kinds", "expected"), [(["MixUp"], 0.3), (["CutMix"], 0.3), (["MixUp", "CutMix"], 0.51)])
def test_a_batch_is_mixed_by_its_probability(kinds: Sequence[str], expected: float) -> None:
    random, batch = np.random.default_rng(0), [_seen(0, 0, (4, 4)), _seen(255, 1, (4, 4))]
    chosen = [option(kind, probability=0.3, alpha=50) for kind in kinds]
    changed = [mix(batch, chosen, random)[0].canvas.any() for _ in range(DRAWS)]
    assert np.mean(changed) == pytest.approx(expected, abs=0.02)


def test_shares_of_a_batch_that_is_mixed_twice_sum_to_one() -> None:
    batch = [_seen(0, 0), _seen(200, 1), _seen(100, 2)]
    chosen = [option("CutMix", probability=1), option("MixUp", probability=1, alpha=1)]
    mixed = mix(batch, chosen, np.random.default_rng(0))
    assert all(each.shares_K.sum() == pytest.approx(1) for each in mixed)
    assert all((each.shares_K > 0).all() for each in mixed)


def test_an_example_alone_stays() -> None:
    chosen = [option("MixUp", probability=1), option("CutMix", probability=1)]
    mixed = mix([_seen(77, 1)], chosen, np.random.default_rng(0))
    assert np.array_equal(mixed[0].canvas, _seen(77, 1).canvas)
    assert mixed[0].shares_K.tolist() == [0, 1, 0]


@pytest.mark.parametrize("resizer", [FIXED, SQUARE])
def test_mosaic_shows_four_pictures_with_their_boxes(resizer: ImageResizer) -> None:
    samples = [painted((40, 30), (8, 6, 30, 24)), painted((20, 60), (4, 10, 16, 50)),
               painted((64, 48), (20, 10, 50, 40)), painted((30, 30), (5, 5, 25, 25))]  # fmt: skip
    shown = [0] * 5
    for seed in range(200):
        seen = mosaic(samples, resizer, np.random.default_rng(seed))
        height, width, _ = seen.canvas.shape
        assert seen.content == (width, height)
        shown[len(seen.boxes_N4)] += 1
        for x0, y0, x1, y1 in seen.boxes_N4:
            inner = seen.canvas[int(np.ceil(y0)) + 2 : int(y1) - 2, int(np.ceil(x0)) + 2 : int(x1) - 2]
            assert (inner > 127).all()
        outside = seen.canvas[..., 0] > 127
        for x0, y0, x1, y1 in seen.boxes_N4:
            outside[max(0, int(y0) - 1) : int(np.ceil(y1)) + 1, max(0, int(x0) - 1) : int(np.ceil(x1)) + 1] = False
        assert not outside.any() or len(seen.boxes_N4) < 4
    assert shown[4] > 50
    assert sum(shown[:1]) < 10


def test_mosaics_pictures_meet_anywhere_in_the_middle() -> None:
    samples = [painted((16, 16), (0, 0, 16, 16)), *[sample_of(np.zeros((16, 16, 3), dtype=np.uint8))] * 3]
    wide = ImageResizer(type=ResizerType.FIXED, width=128, height=64)
    random = np.random.default_rng(0)
    corners = np.array([white_box(mosaic(samples, wide, random).canvas)[2:] for _ in range(1000)])
    assert is_even(corners[:, 0], 32, 96, tolerance=0.06)
    assert is_even(corners[:, 1], 16, 48, tolerance=0.06)


def test_mosaics_labels_are_those_of_the_boxes() -> None:
    samples = [painted((32, 32), (8, 8, 24, 24)).only(np.array([number % 2 == 0])) for number in range(4)]
    seen = mosaic(samples, FIXED, np.random.default_rng(3))
    assert len(seen.labels_N) == len(seen.boxes_N4) <= 2
    assert seen.ignored_N.tolist() == [False] * len(seen.labels_N)
