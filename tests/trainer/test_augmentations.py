"""Each augmentation by its statistics over 10,000 draws on tiny pictures, read off the pixels."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from support.samples import is_even, option, sample_of
from tintype_api.spec.augmentations import Augmentation
from tintype_trainer.pixels.augmentations import KINDS, augment
from tintype_trainer.pixels.augmentations.places import draw_map
from tintype_trainer.pixels.images import Picture
from tintype_trainer.pixels.samples import Sample

DRAWS = 10_000
NOISE = np.random.default_rng(5).integers(0, 256, (6, 8, 3), dtype=np.uint8)


def _apply(chosen: Augmentation, sample: Sample, random: np.random.Generator) -> Sample:
    result: Sample = KINDS[chosen.type](chosen, sample, random)
    return result


def _drawn(kind: str, sample: Sample, measure: Callable[[Sample], float], **fields: float) -> NDArray[np.float64]:
    """Return what is measured of each of 10,000 applications."""
    random = np.random.default_rng(0)
    chosen = option(kind, **fields)
    return np.array([measure(_apply(chosen, sample, random)) for _ in range(DRAWS)])


def _grey(value: int, height: int = 2, width: int = 2) -> Sample:
    return sample_of(np.full((height, width), value, dtype=np.uint8))


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("probability", [0.0, 0.3, 1.0])
def test_probability(kind: str, probability: float, monkeypatch: pytest.MonkeyPatch) -> None:
    applied: list[str] = []

    def apply(_option: object, sample: Sample, _random: object) -> Sample:
        applied.append(kind)
        return sample

    monkeypatch.setitem(KINDS, kind, apply)
    random = np.random.default_rng(1)
    for _ in range(DRAWS):
        augment(_grey(0), [option(kind, probability=probability)], random)
    assert len(applied) / DRAWS == pytest.approx(probability, abs=0.015 if 0 < probability < 1 else 0)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("HorizontalFlip", lambda picture: np.flip(picture, 1)),
        ("VerticalFlip", lambda picture: np.flip(picture, 0)),
        ("Rotate90", lambda picture: np.flip(picture.transpose(1, 0, 2), 0)),
    ],
)
def test_flips_and_turns(kind: str, expected: Callable[[Picture], Picture]) -> None:
    result = augment(sample_of(NOISE), [option(kind, probability=1)], np.random.default_rng(0))
    assert np.array_equal(result.picture, expected(NOISE))


def test_brightness_adds_one_number_drawn_evenly() -> None:
    values = _drawn("Brightness", _grey(120), lambda result: float(result.picture[0, 0, 0]), maxDelta=0.4)
    assert is_even(values - 120, -102, 102)
    picture = augment(sample_of(NOISE), [option("Brightness", probability=1)], np.random.default_rng(3)).picture
    differences = np.unique((picture.astype(int) - NOISE)[(picture > 0) & (picture < 255)])
    assert len(differences) == 1
    assert 0 < abs(differences[0]) <= 0.05 * 255


def test_contrast_scales_about_the_mean_of_each_channel() -> None:
    picture = np.array([[[60, 10, 100]], [[140, 40, 220]]], dtype=np.uint8)
    factors = _drawn("Contrast", sample_of(picture), lambda result: float(np.ptp(result.picture[..., 2])) / 120)
    assert is_even(factors, 0.8, 1.25)
    result = augment(sample_of(picture), [option("Contrast", probability=1)], np.random.default_rng(0)).picture
    assert result.mean(axis=(0, 1)) == pytest.approx([100, 25, 160], abs=0.5)
    assert np.ptp(result, axis=0)[0] == pytest.approx(np.array([80, 30, 120]) * np.ptp(result[..., 2]) / 120, abs=1)


def _coordinates(width: int, height: int) -> Sample:
    """Return a picture whose channels say where each pixel is."""
    y, x = np.mgrid[:height, :width].astype(np.uint8)
    return sample_of(np.stack([x, y, x], axis=2))


def test_random_crop() -> None:
    width, height = 200, 100
    random, chosen = np.random.default_rng(0), option("RandomCrop")
    crops = [_apply(chosen, _coordinates(width, height), random).picture for _ in range(DRAWS)]
    sizes = np.array([crop.shape[1::-1] for crop in crops])
    areas = sizes.prod(axis=1) / (width * height)
    ratios = sizes[:, 0] / sizes[:, 1] * height / width
    assert is_even(areas, 0.5, 1)
    assert 0.73 < ratios.min() < 0.77
    assert 1.30 < ratios.max() < 1.37
    small = areas < 0.7  # any ratio fits an area up to 0.75
    assert is_even(np.log(ratios[small]), np.log(0.75), np.log(1.33))
    room = np.array([width, height]) - sizes
    firsts = np.array([crop[0, 0, :2] for crop in crops])
    for axis in range(2):
        roomy = room[:, axis] > 10
        places = (firsts[roomy, axis] + random.random(roomy.sum())) / (room[roomy, axis] + 1)
        assert is_even(places, 0, 1)


@pytest.mark.parametrize(
    ("ratios", "areas", "expected"),
    [((4.0, 9.0), (1.0, 1.0), (80, 20)), ((0.25, 0.25), (0.5, 1.0), (20, 80)), ((1.0, 1.0), (1.0, 1.0), (80, 80))],
)
def test_a_ratio_that_never_fits_gives_the_largest_crop(
    ratios: tuple[float, float], areas: tuple[float, float], expected: tuple[int, int]
) -> None:
    limits = {"minAspectRatio": ratios[0], "maxAspectRatio": ratios[1], "minArea": areas[0], "maxArea": areas[1]}
    crop = _apply(option("RandomCrop", **limits), _coordinates(80, 80), np.random.default_rng(0))
    assert crop.picture.shape[1::-1] == expected


def test_patch_noise() -> None:
    side = 16
    random, chosen = np.random.default_rng(0), option("PatchNoise", maxStandardDeviation=0.1)
    grey = _grey(128, side, side)
    noise = np.stack([_apply(chosen, grey, random).picture[..., 0] for _ in range(DRAWS)]).astype(float) - 128
    changed: NDArray[np.bool_] = noise != 0
    across = _extent(changed, 1)
    down = _extent(changed, 2)
    strong = np.abs(noise).max(axis=(1, 2)) > 30  # then hardly a row or column of a patch is unchanged
    assert np.mean(across[strong] == down[strong]) > 0.95
    assert set(across[strong]) == set(range(2, side + 1)) | (set(across[strong]) & {1})
    assert abs(noise[changed].mean()) < 0.5
    large = across >= 12
    deviations = [
        np.sqrt((image[mask.any(axis=1)][:, mask.any(axis=0)] ** 2).mean())
        for image, mask in zip(noise[large], changed[large], strict=True)
    ]
    assert max(deviations) < 0.1 * 255 * 1.2
    assert np.mean(deviations) == pytest.approx(0.05 * 255, rel=0.1)
    # Every pixel is hit, those in the middle most.
    often = changed.mean(axis=0)
    assert often.min() > 0
    assert often[side // 2, side // 2] > 3 * often[0, 0]


def _extent(hit_NHW: NDArray[np.bool_], axis: int) -> NDArray[np.int64]:
    """Return from the first to the last column (axis 1) or row (axis 2) that is hit, for each picture; 0 for none."""
    present_NS = np.asarray(hit_NHW.any(axis=axis))
    lengths_N = present_NS.shape[1] - present_NS[:, ::-1].argmax(axis=1) - present_NS.argmax(axis=1)
    return np.where(present_NS.any(axis=1), lengths_N, 0)


def test_random_erasing() -> None:
    width, height = 60, 40
    random, chosen = np.random.default_rng(0), option("RandomErasing")
    black = np.zeros((height, width), dtype=np.uint8)
    kept = sample_of(black, [[1, 2, 3, 4]])
    results = [_apply(chosen, kept, random) for _ in range(DRAWS)]
    assert all(result.boxes_N4 is kept.boxes_N4 for result in results)
    erased = np.stack([result.picture[..., 0] for result in results])
    hit: NDArray[np.bool_] = erased > 0
    across, down = _extent(hit, 1), _extent(hit, 2)
    assert is_even(across * down / (width * height), 0.02, 0.2, tolerance=0.04)  # whole pixels
    ratios = across / down
    assert 0.25 < ratios.min() < 0.35
    assert 2.9 < ratios.max() < 3.8
    assert abs(np.log(ratios).mean()) < 0.05
    filled = erased[erased > 0]
    assert is_even(filled[:: len(filled) // DRAWS], 0.5, 255.5)
    assert not black.any()


@pytest.mark.parametrize(
    ("field", "measure", "lowest", "highest"),
    [
        ("brightness", lambda picture: picture[0, 0, 0] / 100, 0.6, 1.4),
        ("contrast", lambda picture: (picture[0, 0, 0] - picture[0, 1, 0]) / 120, 0.6, 1.4),
        ("saturation", lambda picture: (picture[0, 0, 0] - picture[0, 0, 1]) / 140, 0.6, 1.4),
    ],
)
def test_color_jitter(
    field: str, measure: Callable[[NDArray[np.float64]], float], lowest: float, highest: float
) -> None:
    colours = {
        "brightness": [[100, 100, 100], [50, 50, 50]],
        "contrast": [[160, 160, 160], [40, 40, 40]],
        "saturation": [[180, 40, 40], [180, 40, 40]],
    }
    sample = sample_of(np.array([colours[field]], dtype=np.uint8))
    fields = {"brightness": 0, "contrast": 0, "saturation": 0, "hue": 0, field: 0.4}
    assert is_even(
        _drawn("ColorJitter", sample, lambda result: measure(result.picture.astype(float)), **fields), lowest, highest
    )


def test_hue_turns_evenly() -> None:
    sample = sample_of(np.array([[[170, 90, 100]]], dtype=np.uint8))

    def hue(result: Sample) -> float:
        red, green, blue = result.picture[0, 0].astype(float)
        return float(np.arctan2(np.sqrt(3) * (green - blue), 2 * red - green - blue) / (2 * np.pi))

    turns = _drawn("ColorJitter", sample, hue, brightness=0, contrast=0, saturation=0, hue=0.2) - hue(sample)
    assert is_even(turns, -0.2, 0.2)


def test_a_third_of_the_circle_makes_red_green() -> None:
    from tintype_trainer.pixels.augmentations.colours import hue_33, recoloured

    red = np.array([[[255, 0, 0], [90, 90, 90]]], dtype=np.uint8)
    assert recoloured(red, hue_33(1 / 3)).tolist() == [[[0, 255, 0], [90, 90, 90]]]


def test_affine() -> None:
    fields = {"maxRotation": 40, "maxShear": 20, "minScale": 0.5, "maxScale": 1.5, "maxTranslation": 0.2}
    random, chosen = np.random.default_rng(0), option("Affine", **fields)
    picture = np.zeros((60, 80, 1), dtype=np.uint8)
    maps = np.stack([draw_map(chosen, picture, random) for _ in range(DRAWS)])
    across, down = maps[:, :, 0], maps[:, :, 1]
    scales = np.hypot(across[:, 0], across[:, 1])
    assert is_even(scales, 0.5, 1.5)
    assert is_even(np.rad2deg(np.arctan2(across[:, 1], across[:, 0])), -40, 40)
    assert np.linalg.det(maps[:, :, :2]) == pytest.approx(scales**2)
    assert is_even(np.rad2deg(np.arctan((across * down).sum(axis=1) / scales**2)), -20, 20)
    shifts = (maps @ [40, 30, 1] - [40, 30]) / [80, 60]
    assert is_even(shifts[:, 0], -0.2, 0.2)
    assert is_even(shifts[:, 1], -0.2, 0.2)
    drawn = [scales, maps[:, 1, 0], shifts[:, 0], shifts[:, 1]]
    assert np.abs(np.corrcoef(drawn) - np.eye(4)).max() < 0.04


def test_blur() -> None:
    impulse = np.zeros((41, 41), dtype=np.uint8)
    impulse[:, 20] = 255  # a line, whose blur keeps more levels than that of a point
    x = np.arange(41) - 20

    def sigma(result: Sample) -> float:
        row = result.picture[20, :, 0].astype(float)
        return float(np.sqrt((row * x**2).sum() / row.sum()))

    values = _drawn("Blur", sample_of(impulse), sigma, maxSigma=4)
    large = values > 1  # smaller ones move too little of 8 bits to be measured
    assert is_even(values[large], 1, 4, tolerance=0.05)  # pixels are whole numbers
    assert np.mean(large) == pytest.approx(3 / 4, abs=0.015)


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("policy", ["ImageNet", "V1", "V3"])
def test_draws_are_of_the_generator_alone_and_nothing_is_changed_in_place(kind: str, policy: str) -> None:
    fields = {"policy": policy} if kind == "AutoAugment" else {}
    picture = NOISE.copy()
    picture.setflags(write=False)
    sample = sample_of(picture, [[1, 1, 5, 4], [0, 0, 8, 6]])
    runs = [
        [augment(sample, [option(kind, probability=1, **fields)], np.random.default_rng(seed)) for seed in range(20)]
        for _ in range(2)
    ]
    for one, other in zip(*runs, strict=True):
        assert np.array_equal(one.picture, other.picture)
        assert np.array_equal(one.boxes_N4, other.boxes_N4)
    assert len({result.picture.tobytes() for result in runs[0]}) > 1 or kind in (
        "HorizontalFlip",
        "VerticalFlip",
        "Rotate90",
    )


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 9), (7, 1), (12, 10)])
@pytest.mark.parametrize("channels", [1, 3])
def test_any_picture_keeps_its_kind(kind: str, height: int, width: int, channels: int) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (height, width, channels), dtype=np.uint8)
    policies = [{"policy": policy} for policy in ("ImageNet", "V1", "V3")] if kind == "AutoAugment" else [{}]
    for seed in range(10):
        for fields in policies:
            sample = sample_of(picture, [[0, 0, width, height]])
            result = augment(sample, [option(kind, probability=1, **fields)], np.random.default_rng(seed))
            assert result.picture.dtype == np.uint8
            assert result.picture.ndim == 3
            assert result.picture.shape[2] == channels
            assert result.boxes_N4.dtype == np.float32
            assert len(result.boxes_N4) == len(result.labels_N)


def test_order_is_the_users() -> None:
    sample = sample_of(np.arange(6, dtype=np.uint8).reshape(2, 3))
    flip, turn = (option(kind, probability=1) for kind in ("HorizontalFlip", "Rotate90"))
    one = augment(sample, [flip, turn], np.random.default_rng(0)).picture
    assert np.array_equal(one, np.rot90(sample.picture[:, ::-1]))
    other = augment(sample, [turn, flip], np.random.default_rng(0)).picture
    assert np.array_equal(other, np.rot90(sample.picture)[:, ::-1])
