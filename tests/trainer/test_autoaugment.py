"""AutoAugment against torchvision's policy and PIL's operations, and what its steps do."""

from collections import Counter
from collections.abc import Callable
from typing import Protocol

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps
from torchvision.transforms import autoaugment as torchvision_autoaugment

from support.samples import option, sample_of
from tintype_api.spec.augmentations import AutoAugmentPolicy
from tintype_trainer.pixels.augmentations import of_examples
from tintype_trainer.pixels.augmentations.autoaugment import apply_step, auto_augment, operations
from tintype_trainer.pixels.augmentations.autoaugment.policies import MAX_MAGNITUDE, POLICIES, Name, Step
from tintype_trainer.pixels.augmentations.colours import scaled_brightness, scaled_contrast
from tintype_trainer.pixels.images import Picture

IMAGENET, V1, V3 = AutoAugmentPolicy.IMAGENET, AutoAugmentPolicy.V1, AutoAugmentPolicy.V3
NOISE = np.random.default_rng(1).integers(20, 230, (16, 20, 3), dtype=np.uint8)
DRAWS = 10_000


class Enhancer(Protocol):
    """One of PIL's."""

    def enhance(self, factor: float, /) -> Image.Image: ...


def test_the_imagenet_policy_is_torchvisions() -> None:
    transform = torchvision_autoaugment.AutoAugment(torchvision_autoaugment.AutoAugmentPolicy.IMAGENET)
    names = {name: name.name.replace("_", "").lower() for name in Name}
    ours = [[(names[step.name], step.probability, step.magnitude) for step in pair] for pair in POLICIES[IMAGENET]]
    assert len(ours) == len(transform.policies) == 25
    for pair, theirs in zip(ours, transform.policies, strict=True):
        for (name, probability, magnitude), (their_name, their_probability, their_magnitude) in zip(
            pair, theirs, strict=True
        ):
            assert (name, probability) == (their_name.lower(), their_probability)
            assert their_magnitude is None or magnitude == their_magnitude


def test_the_policies_of_detection() -> None:
    # Table 7 of Zoph et al. 2019 has the five best of V0; V1 has them first.
    assert len(POLICIES[V1]) == 20
    assert len(POLICIES[V3]) == 15
    assert POLICIES[V1][0] == (Step(Name.TRANSLATE_X, 0.6, 4), Step(Name.EQUALIZE, 0.8, 10))
    assert POLICIES[V1][4] == (Step(Name.ROTATE, 0.6, 10), Step(Name.COLOR, 1.0, 6))
    for policy in (V1, V3):
        assert all(0 <= step.magnitude <= MAX_MAGNITUDE[policy] for pair in POLICIES[policy] for step in pair)


def test_those_of_batches_are_not_of_examples() -> None:
    chosen = of_examples([option("MixUp"), option("AutoAugment"), option("Mosaic"), option("Blur")])
    assert [each.type for each in chosen] == ["AutoAugment", "Blur"]


def _by(change: Callable[[Picture, float], Picture], factor: float) -> Callable[[Picture], Picture]:
    return lambda picture: change(picture, factor)


def _enhanced(enhancer: Callable[[Image.Image], Enhancer], factor: float) -> Callable[[Image.Image], Image.Image]:
    return lambda image: enhancer(image).enhance(factor)


@pytest.mark.parametrize(
    ("ours", "pil", "tolerance"),
    [
        (operations.equalize, ImageOps.equalize, 0),
        (operations.auto_contrast, ImageOps.autocontrast, 1),
        (operations.invert, ImageOps.invert, 0),
        (lambda picture: operations.solarize(picture, 100), lambda image: ImageOps.solarize(image, 100), 0),
        (lambda picture: operations.posterize(picture, 3), lambda image: ImageOps.posterize(image, 3), 0),
        (_by(operations.color, 0.3), _enhanced(ImageEnhance.Color, 0.3), 1),
        (_by(operations.color, 1.8), _enhanced(ImageEnhance.Color, 1.8), 2),
        (_by(scaled_contrast, 1.7), _enhanced(ImageEnhance.Contrast, 1.7), 1),
        (_by(scaled_brightness, 0.4), _enhanced(ImageEnhance.Brightness, 0.4), 1),
        (_by(operations.sharpness, 1.9), _enhanced(ImageEnhance.Sharpness, 1.9), 2),
        (_by(operations.sharpness, 0.2), _enhanced(ImageEnhance.Sharpness, 0.2), 1),
    ],
)
def test_operations_are_pils(
    ours: Callable[[Picture], Picture], pil: Callable[[Image.Image], Image.Image], tolerance: int
) -> None:
    expected = np.asarray(pil(Image.fromarray(NOISE))).astype(int)
    assert np.abs(ours(NOISE) - expected).max() <= tolerance


def test_solarize_add_brightens_what_is_dark() -> None:
    levels = np.array([[0, 100, 127, 128, 255]], dtype=np.uint8)[:, :, np.newaxis]
    assert operations.solarize_add(levels, 0.5).ravel().tolist() == [55, 155, 182, 128, 255]


def test_one_sub_policy_is_drawn_evenly_and_each_step_by_its_probability(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = Step(Name.SOLARIZE_ADD, 0.0, 0)
    pairs = tuple((Step(Name.SOLARIZE_ADD, 0.25 * number, 2 * number), nothing) for number in range(1, 5))
    monkeypatch.setitem(POLICIES, V1, pairs)
    random, chosen = np.random.default_rng(0), option("AutoAugment", policy="V1")
    black = sample_of(np.zeros((1, 1), dtype=np.uint8))
    counts = Counter(int(auto_augment(chosen, black, random).picture[0, 0, 0]) for _ in range(DRAWS))
    for number in range(1, 5):
        assert counts[22 * number] / DRAWS == pytest.approx(number / 16, abs=0.015)


@pytest.mark.parametrize(
    ("name", "policy", "magnitude", "expected"),
    [
        (Name.COLOR, IMAGENET, 9, {0.1, 1.9}),
        (Name.COLOR, V1, 10, {1.9}),
        (Name.COLOR, V1, 6, {1.18}),
        (Name.COLOR, V3, 0, {0.1}),
    ],
)
def test_factors(name: Name, policy: AutoAugmentPolicy, magnitude: int, expected: set[float]) -> None:
    sample = sample_of(np.array([[[150, 100, 100]]], dtype=np.uint8))
    random = np.random.default_rng(0)
    results = [apply_step(sample, Step(name, 1.0, magnitude), policy, random).picture[0, 0] for _ in range(50)]
    factors = {round(float(int(red) - int(green)) / 50, 2) for red, green, _ in results}
    assert all(min(abs(factor - each) for each in expected) < 0.03 for factor in factors)
    assert len({min(expected, key=lambda each: abs(each - factor)) for factor in factors}) == len(expected)


@pytest.mark.parametrize("name", [name for name in Name if name.name.endswith("ONLY_BOXES")])
def test_only_the_inside_of_boxes_changes_for_a_third_of_the_probability(name: Name) -> None:
    picture = np.random.default_rng(2).integers(0, 100, (30, 40, 3), dtype=np.uint8)
    sample = sample_of(picture, [[1, 1, 17, 29], [20.4, 10, 38, 29.2]])
    random = np.random.default_rng(0)
    changed = Counter[str]()
    for _ in range(600):
        result = apply_step(sample, Step(name, 0.9, 6), V1, random)
        assert result.boxes_N4 is sample.boxes_N4
        differs = (result.picture != picture).any(axis=2)
        changed["first"] += bool(differs[1:29, 1:17].any())
        changed["second"] += bool(differs[10:30, 20:38].any())
        differs[1:29, 1:17] = differs[10:30, 20:38] = False
        assert not differs.any()
    assert changed["first"] / 600 == pytest.approx(0.3, abs=0.06)
    assert changed["second"] / 600 == pytest.approx(0.3, abs=0.06)


def test_cutouts() -> None:
    sample = sample_of(np.zeros((64, 64), dtype=np.uint8), [[40, 8, 60, 40]])
    random = np.random.default_rng(0)
    squares = [apply_step(sample, Step(Name.CUTOUT, 1.0, 10), V1, random).picture > 0 for _ in range(200)]
    assert max(int(square.sum()) for square in squares) == 20 * 20  # 100 of 640 pixels on each side, of 64
    inside = [apply_step(sample, Step(Name.CUTOUT_IN_BOX, 1.0, 10), V3, random).picture > 0 for _ in range(200)]
    assert max(int(part.sum()) for part in inside) == 14 * 24  # three quarters of 20 and 32
    centres = [np.argwhere(part[..., 0]).mean(axis=0) for part in inside]
    assert min(x for _, x in centres) > 38
    assert np.mean(centres, axis=0) == pytest.approx([24, 50], abs=2)
    without = sample_of(sample.picture)
    assert apply_step(without, Step(Name.CUTOUT_IN_BOX, 1.0, 10), V3, random) is without


def test_translations_are_shares_of_the_larger_side() -> None:
    sample = sample_of(np.zeros((32, 64), dtype=np.uint8), [[24, 12, 40, 20]])
    random = np.random.default_rng(0)
    moved = {
        name: {
            tuple(apply_step(sample, Step(name, 1.0, 4), V3, random).boxes_N4[0] - sample.boxes_N4[0])
            for _ in range(20)
        }
        for name in (Name.TRANSLATE_X, Name.TRANSLATE_Y)
    }
    assert moved[Name.TRANSLATE_X] == {(10, 0, 10, 0), (-10, 0, -10, 0)}  # 0.4 of 250 of 640 pixels, of 64
    assert moved[Name.TRANSLATE_Y] == {(0, 10, 0, 10), (0, -10, 0, -10)}
