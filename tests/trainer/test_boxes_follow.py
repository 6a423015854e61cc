"""Boxes after each step still enclose the pixels that they enclosed, and closely."""

import numpy as np
import pytest

from support.samples import option, painted, sample_of, white_box
from tintype_api.spec.augmentations import AutoAugmentPolicy
from tintype_trainer.pixels.augmentations import augment
from tintype_trainer.pixels.augmentations.autoaugment import apply_step
from tintype_trainer.pixels.augmentations.autoaugment.policies import POLICIES, Name, Step
from tintype_trainer.pixels.samples import Sample

SIZE = (60, 44)
BOX = (14, 9, 39, 30)
STILL = {"maxRotation": 0, "maxShear": 0, "minScale": 1, "maxScale": 1, "maxTranslation": 0}
GEOMETRIC = {Name.ROTATE, Name.SHEAR_X, Name.SHEAR_Y, Name.TRANSLATE_X, Name.TRANSLATE_Y}


def _encloses(sample: Sample, slack: float) -> None:
    """Check that the white pixels lie in the one box, which is at most `slack` pixels larger on each side."""
    box = sample.boxes_N4[0]
    seen = np.array(white_box(sample.picture))
    assert (seen[:2] - box[:2] >= -0.75).all(), (seen, box)
    assert (box[2:] - seen[2:] >= -0.75).all(), (seen, box)
    assert np.abs(seen - box).max() <= slack, (seen, box)


@pytest.mark.parametrize(
    ("kind", "fields", "slack"),
    [
        ("HorizontalFlip", {}, 0),
        ("VerticalFlip", {}, 0),
        ("Rotate90", {}, 0),
        ("RandomCrop", {}, 0),
        ("RandomCrop", {"minArea": 0.1, "minAspectRatio": 0.3, "maxAspectRatio": 4}, 0),
        ("Affine", {}, 2),
        ("Affine", {**STILL, "maxTranslation": 0.3}, 1),
        ("Affine", {**STILL, "minScale": 0.3, "maxScale": 2}, 1.5),
        ("Affine", {**STILL, "maxRotation": 180}, 2),
        ("Affine", {**STILL, "maxShear": 40}, 2),
        ("Brightness", {"maxDelta": 0.3}, 0),
        ("Blur", {}, 0),
    ],
)
def test_pixels_stay_in_their_box(kind: str, fields: dict[str, float], slack: float) -> None:
    kept = 0
    for seed in range(200):
        result = augment(painted(SIZE, BOX), [option(kind, probability=1, **fields)], np.random.default_rng(seed))
        height, width, _ = result.picture.shape
        assert (result.boxes_N4 >= 0).all()
        assert (result.boxes_N4 <= [width, height, width, height]).all()
        if len(result.boxes_N4):
            _encloses(result, slack)
            kept += 1
    assert kept > 60


@pytest.mark.parametrize("policy", [AutoAugmentPolicy.V1, AutoAugmentPolicy.V3])
def test_pixels_stay_in_their_box_under_the_learned_policies(policy: AutoAugmentPolicy) -> None:
    steps = {step for pair in POLICIES[policy] for step in pair if step.name in GEOMETRIC}
    assert len(steps) > 4
    for step in steps:
        always = Step(step.name, 1.0, step.magnitude)
        kept = 0
        for seed in range(20):
            # The learned policies fill with grey, which must not count as white.
            result = apply_step(painted(SIZE, BOX), always, policy, np.random.default_rng(seed))
            if len(result.boxes_N4):
                box, seen = result.boxes_N4[0], np.array(white_box(result.picture, 190))
                assert np.abs(seen - box).max() <= 2.5, (step, seen, box)
                kept += 1
        assert kept > 5


def test_a_box_whose_centre_is_cut_away_is_dropped_and_its_label_with_it() -> None:
    boxes = [[0, 0, 4, 4], [8, 8, 12, 12], [2, 2, 18, 18], [16, 16, 20, 20]]
    sample = sample_of(np.zeros((20, 20), dtype=np.uint8), boxes)
    crop = option("RandomCrop", minArea=0.36, maxArea=0.36, minAspectRatio=1, maxAspectRatio=1)
    seen: set[tuple[int, ...]] = set()
    for seed in range(100):
        result = augment(sample, [crop], np.random.default_rng(seed))
        labels = tuple(result.labels_N.tolist())
        seen.add(labels)
        assert 2 in labels or result.picture.shape != (12, 12, 1) or not labels
        assert len(result.boxes_N4) == len(labels)
    assert (0, 1, 2) in seen
    assert any(3 in labels and 0 not in labels for labels in seen)


def test_boxes_that_leave_none_behind_keep_their_shape() -> None:
    crop = option("RandomCrop", minArea=0.01, maxArea=0.01)
    sample = sample_of(np.zeros((100, 100), dtype=np.uint8), [[0, 0, 1, 1]])
    results = [
        augment(sample, [crop, option("Affine", probability=1)], np.random.default_rng(seed)) for seed in range(20)
    ]
    empty = [result for result in results if not len(result.boxes_N4)]
    assert empty
    assert all(result.boxes_N4.shape == (0, 4) and result.labels_N.shape == (0,) for result in empty)
