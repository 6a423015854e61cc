"""From pictures and targets to the canvas: crops of regions, boxes in step, and the way back."""

import numpy as np
import pytest

from support.samples import white_box
from tintype_api.spec.resizer import ImageResizer, ResizerType
from tintype_trainer.datasets.dataset import Box, Example, Region, Split
from tintype_trainer.pixels.geometry import crop_bounds
from tintype_trainer.pixels.images import Picture
from tintype_trainer.pixels.reading import read_evaluation, read_training, see
from tintype_trainer.pixels.samples import Target, targets_of

FIXED = ImageResizer(type=ResizerType.FIXED, width=64, height=32)
SQUARE = ImageResizer(type=ResizerType.KEEP_ASPECT_RATIO, max_dimension=48)
NONE = np.zeros(0, dtype=np.float32)


def _target(*boxes: tuple[float, float, float, float], ignore: tuple[int, ...] = ()) -> Target:
    annotated = tuple(Box("ab"[n % 2], *box, ignore=n in ignore) for n, box in enumerate(boxes))
    return targets_of([Example("1", "", Split.TRAIN, ("a",), annotated)], ["a", "b"], detection=True)[0]


def _painted(width: int, height: int, left: int, top: int, right: int, bottom: int) -> Picture:
    picture = np.zeros((height, width, 3), dtype=np.uint8)
    picture[top:bottom, left:right] = 255
    return picture


def test_targets() -> None:
    region = Region(0.1, 0.2, 0.3, 0.4)
    examples = [
        Example("1", "", Split.TRAIN, ("b",), region=region),
        Example("2", "", Split.TRAIN, ("a", "c")),
        Example("3", "", Split.TRAIN, ()),
    ]
    targets = targets_of(examples, ["c", "b", "a"], detection=False)
    assert [target.shares_K.tolist() for target in targets] == [[0, 1, 0], [1, 0, 1], [0, 0, 0]]
    assert [target.region for target in targets] == [region, None, None]
    assert all(target.boxes_N4.shape == (0, 4) for target in targets)
    boxes = _target((0, 0, 0.5, 1), (0.25, 0, 1, 1), ignore=(1,))
    assert boxes.shares_K.shape == (0,)
    assert boxes.boxes_N4.tolist() == [[0, 0, 0.5, 1], [0.25, 0, 1, 1]]
    assert boxes.labels_N.tolist() == [0, 1]
    assert boxes.ignored_N.tolist() == [False, True]


@pytest.mark.parametrize(
    ("region", "margin", "expected"),
    [
        (Region(0.2, 0.2, 0.6, 0.4), 0.0, (20, 10, 60, 20)),
        (Region(0.2, 0.2, 0.6, 0.4), 0.1, (19, 9, 61, 21)),  # a tenth of the smaller side, 10 pixels
        (Region(0.2, 0.2, 0.6, 0.4), 3.0, (0, 0, 90, 50)),  # as far as the picture goes
        (Region(0.0, 0.0, 1.0, 1.0), 0.5, (0, 0, 100, 50)),
        (Region(0.5, 0.5, 0.501, 0.501), 0.0, (50, 25, 51, 26)),  # never less than a pixel
        (Region(0.999, 0.999, 1.0, 1.0), 0.0, (99, 49, 100, 50)),
    ],
)
def test_crop(region: Region, margin: float, expected: tuple[int, int, int, int]) -> None:
    assert crop_bounds(region, margin, 100, 50) == expected


@pytest.mark.parametrize("training", [True, False])
def test_a_region_is_cropped_before_all_else(training: bool) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    target = Target(np.ones(1, dtype=np.float32), np.zeros((0, 4), dtype=np.float32), NONE.astype(np.int64),
                    NONE.astype(np.bool_), Region(0.5, 0.25, 1.0, 0.75))  # fmt: skip
    fixed = ImageResizer(type=ResizerType.FIXED, width=32, height=24)
    if training:
        sample = read_training(picture, target, 0.1)
        assert np.array_equal(sample.picture, picture[8:32, 28:60])
        canvas = see(sample, target.shares_K, fixed).canvas
    else:
        canvas = read_evaluation(picture, target, 0.1, fixed).canvas
    assert np.array_equal(canvas, picture[8:32, 28:60])


@pytest.mark.parametrize(
    ("resizer", "content", "expected"),
    [(FIXED, (64, 32), (16, 8, 48, 24)), (SQUARE, (48, 36), (12, 9, 36, 27))],
)
def test_boxes_lie_on_the_canvas_and_can_be_mapped_back(
    resizer: ImageResizer, content: tuple[int, int], expected: tuple[int, int, int, int]
) -> None:
    picture = _painted(80, 60, 20, 15, 60, 45)
    seen = read_evaluation(picture, _target((0.25, 0.25, 0.75, 0.75)), 0.0, resizer)
    assert seen.content == content
    assert seen.boxes_N4.tolist() == [list(expected)]
    assert white_box(seen.canvas) == expected
    assert seen.boxes_N4 / np.array([*seen.scale_xy] * 2) == pytest.approx(np.array([[20, 15, 60, 45]]))


def test_training_leaves_out_what_cannot_be_learned_from() -> None:
    target = _target((0.1, 0.1, 0.9, 0.9), (0, 0, 1, 1), (0.5, 0.5, 0.509, 0.9), (0.5, 0.5, 1.2, 0.9), ignore=(1,))
    picture = np.zeros((100, 100, 3), dtype=np.uint8)
    seen = see(read_training(picture, target, 0.0), NONE, SQUARE)
    assert seen.boxes_N4 == pytest.approx(np.array([[4.8, 4.8, 43.2, 43.2], [24, 24, 48, 43.2]]))
    assert seen.labels_N.tolist() == [0, 1]
    assert not seen.ignored_N.any()
    assert seen.scale_xy == (1, 1)
    evaluated = read_evaluation(picture, target, 0.0, SQUARE)
    assert evaluated.labels_N.tolist() == [0, 1, 0, 1]
    assert evaluated.ignored_N.tolist() == [False, True, False, False]


def test_a_picture_without_boxes_stays() -> None:
    seen = see(read_training(np.zeros((9, 9, 1), dtype=np.uint8), _target(), 0.0), NONE, FIXED)
    assert seen.canvas.shape == (32, 64, 3)
    assert seen.boxes_N4.shape == (0, 4)
