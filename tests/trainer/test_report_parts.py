"""Parts of the report: options, thumbnails, words."""

import base64
import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from support.modelversions import modelversion
from support.reported import reported
from tintype_api.errors import data_error
from tintype_api.modelversion import ModelVersion, resolve
from tintype_api.spec.view import ViewType
from tintype_trainer.pixels.images import Picture
from tintype_trainer.report.facts import duration
from tintype_trainer.report.options import options_of
from tintype_trainer.report.snippets import snippets_of
from tintype_trainer.report.thumbnails import LEAST_BYTES, PREFIX, thumbnail, thumbnails


def changed(**spec: object) -> dict[str, tuple[str, str | None]]:
    document = modelversion({f"spec.{path.replace('__', '.')}": value for path, value in spec.items()})
    options = options_of(resolve(ModelVersion.parse(document)))
    return {option.path: (option.value, option.default) for option in options if option.changed}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, {}),
        ({"training__epochs": 3}, {"training.epochs": ("3", "10")}),
        ({"training__epochs": 10}, {}),
        ({"training__iterations": 50}, {"training.iterations": ("50", None)}),
        ({"training__architecture": "resnet18"}, {"training.architecture": ("resnet18", "efficientnet_b0")}),
        (
            {"training__initialWeights": {"source": "Random"}},
            {"training.initialWeights": ("source Random", "source ImageNet")},
        ),
        (
            {"imageResizer": {"type": "Fixed", "width": 32, "height": 64}},
            {"imageResizer": ("Fixed, width 32, height 64", "Fixed, width 224, height 224")},
        ),
        (
            {"training__earlyStopping": {"patience": 5}},
            {"training.earlyStopping": ("patience 5, minDelta 0.001", None)},
        ),
        (
            {"augmentations": [{"type": "HorizontalFlip", "probability": 0.5}]},
            {"augmentations": ("HorizontalFlip, probability 0.5", "none")},
        ),
        (
            {"training__schedule": {"type": "Step", "stepEpochs": 2}},
            {"training.schedule": ("Step, warmupSteps 0, stepEpochs 2, stepFactor 0.1", "Auto, warmupSteps 0")},
        ),
        ({"dataset__validation": {"fraction": 0.2}}, {"dataset.validation": ("fraction 0.2, seed 0", None)}),
    ],
)
def test_options_that_differ_from_the_default(
    spec: dict[str, Any], expected: dict[str, tuple[str, str | None]]
) -> None:
    assert changed(**spec) == expected


def test_a_learning_rate_is_compared_with_that_of_the_chosen_batch_size() -> None:
    assert changed(training__batchSize=64).keys() == {"training.batchSize"}
    assert changed(training__optimizer={"learningRate": 0.5}).keys() == {"training.optimizer.learningRate"}


def noise(index: int, side: int = 400) -> Picture:
    return np.random.default_rng(index).integers(0, 256, (side, side, 3), dtype=np.uint8)


def opened(uri: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(uri.removeprefix(PREFIX))))


@pytest.mark.parametrize("most_bytes", [20_000, 6_000, 3_000, 1_500])
def test_a_thumbnail_is_no_larger_than_it_may_be(most_bytes: int) -> None:
    made = thumbnail(noise(0), most_bytes)
    assert made.size == (400, 400)
    assert len(base64.b64decode(made.uri.removeprefix(PREFIX))) <= most_bytes


def test_more_room_makes_larger_thumbnails() -> None:
    sides = [opened(thumbnail(noise(0), most_bytes).uri).width for most_bytes in (1_500, 3_000, 20_000)]
    assert sides == sorted(set(sides))


def test_a_small_picture_stays_as_it_is() -> None:
    grey = np.full((30, 50, 1), 128, dtype=np.uint8)
    assert opened(thumbnail(grey, 20_000).uri).size == (50, 30)


def test_the_first_pictures_are_made_where_there_is_no_room_for_all() -> None:
    made = thumbnails([3, 1, 2], lambda index: noise(index, 40), 2 * LEAST_BYTES * 4 // 3 + 10, workers=2)
    assert list(made) == [3, 1]
    assert thumbnails([3, 1, 2], noise, 0, workers=2) == {}


def test_an_unreadable_picture_is_left_out_and_a_stop_is_heard() -> None:
    def broken(index: int) -> Picture:
        if index == 1:
            raise data_error("broken")
        return noise(index, 20)

    assert list(thumbnails([0, 1, 2], broken, 100_000, workers=1)) == [0, 2]

    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        thumbnails([0, 1], broken, 100_000, workers=1, check=stop)


def test_durations() -> None:
    assert [duration(seconds) for seconds in (9.64, 247, 7325)] == ["9.6 s", "4 min 7 s", "2 h 2 min"]


def test_snippets_can_be_pasted() -> None:
    made = reported(ViewType.TAGGING, 10)
    texts = {snippet.title: snippet.text for snippet in snippets_of(made.sources)}
    assert texts["Ask it about pictures"] == "tintype predict /models/team/made-up picture.png"
    again = texts["made-up-again.yaml"]
    assert "podTemplate" not in again
    assert "runPolicy" not in again
    assert "formats: [ONNX]" in texts["Have it as ONNX"]
    for snippet in snippets_of(reported(ViewType.DETECTION, 10).sources):
        if snippet.title == "Use it as ONNX, without tintype":
            compile(snippet.text, "onnx", "exec")
