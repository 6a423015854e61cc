from pathlib import Path

import pytest
import torch
from PIL import Image

from support.samples import option
from support.targets import classified
from tintype_api.errors import UserError
from tintype_api.spec.augmentations import HorizontalFlip
from tintype_api.spec.resizer import ImageResizer, ResizerType
from tintype_api.spec.training import Training
from tintype_trainer.datasets.dataset import Box, Example, Split
from tintype_trainer.loop.plan import plan
from tintype_trainer.pixels.batches import Batch, Loader
from tintype_trainer.pixels.picture_memory import PictureMemory, picture_budget_bytes
from tintype_trainer.pixels.samples import targets_of

RESIZER = ImageResizer(type=ResizerType.FIXED, width=16, height=16)
FLIP = [HorizontalFlip(type="HorizontalFlip")]
PICTURE_BYTES = 20 * 24 * 3


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    made = [tmp_path / f"{number}.png" for number in range(11)]
    for number, path in enumerate(made):
        image = Image.effect_noise((24, 20), 60).convert("RGB")
        image.putpixel((0, 0), (number, 0, 0))
        image.save(path)
    return made


def _detected(number: int) -> Example:
    concept = ("even", "odd")[number % 2]
    boxes = (Box(concept, 0.25, 0.25, 0.75, 0.75), Box(concept, 0.0, 0.0, 0.1, 0.1, ignore=True))
    return Example(str(number), "", Split.TRAIN, (concept,), boxes)


def _read(paths: list[Path], budget_bytes: int, workers: int) -> list[Batch]:
    memory = PictureMemory(paths, budget_bytes)
    planned = plan(10, Training(batch_size=4, epochs=3))
    with Loader(memory, classified(range(11), 11), RESIZER, workers) as loader:
        return list(loader.training(range(1, 11), planned, 7, FLIP))


@pytest.mark.parametrize(("budget_bytes", "workers"), [(0, 1), (0, 3), (3 * PICTURE_BYTES, 3), (1 << 30, 5)])
def test_batches_depend_on_neither_memory_nor_workers(paths: list[Path], budget_bytes: int, workers: int) -> None:
    expected, batches = _read(paths, 1 << 30, 1), _read(paths, budget_bytes, workers)
    assert [len(batch) for batch in batches] == [4, 4, 2] * 3
    for one, other in zip(expected, batches, strict=True):
        assert torch.equal(one.shares_BK, other.shares_BK)
        assert torch.equal(one.images_B3HW, other.images_B3HW)


def test_each_reading_is_augmented_anew(paths: list[Path]) -> None:
    batches = _read(paths, 0, 1)
    first = [image for batch in batches[:3] for image in _by_label(batch)]
    second = [image for batch in batches[3:6] for image in _by_label(batch)]
    same = [torch.equal(dict(first)[label], dict(second)[label]) for label in range(1, 11)]
    assert 0 < sum(same) < 10


def _by_label(batch: Batch) -> list[tuple[int, torch.Tensor]]:
    return list(zip(batch.shares_BK.argmax(dim=1).tolist(), batch.images_B3HW, strict=True))


def test_evaluation_reads_in_order(paths: list[Path]) -> None:
    with Loader(PictureMemory(paths, 0), classified(range(11), 11), RESIZER, 2) as loader:
        batches = list(loader.evaluation([8, 3, 5], 2))
    assert [batch.shares_BK.argmax(dim=1).tolist() for batch in batches] == [[8, 3, 5]]


def test_memory_keeps_what_fits_and_the_picture_as_it_is(paths: list[Path]) -> None:
    memory = PictureMemory(paths, 3 * PICTURE_BYTES)
    pictures = [memory[index] for index in range(11)]
    assert memory.kept == 3
    assert pictures[0].shape == (20, 24, 3)
    assert memory[0] is pictures[0]
    assert memory[10] is not pictures[10]


def test_a_fault_of_a_picture_reaches_the_reader(paths: list[Path]) -> None:
    paths[4].write_bytes(b"")
    with pytest.raises(UserError, match=r"4\.png is empty; replace it"):
        _read(paths, 0, 2)


BOXES = [_detected(number) for number in range(11)]
ALL_OF_DETECTION = [
    option("RandomCrop"),
    option("AutoAugment", policy="V3"),
    option("RandomErasing"),
    option("Mosaic", probability=0.4),
]


def _detections(paths: list[Path], workers: int, seed: int = 7) -> list[Batch]:
    targets = targets_of(BOXES, ["even", "odd"], detection=True)
    with Loader(PictureMemory(paths, 1 << 30), targets, RESIZER, workers) as loader:
        return list(loader.training(range(11), plan(11, Training(batch_size=4, epochs=2)), seed, ALL_OF_DETECTION))


def _equal(one: list[Batch], other: list[Batch]) -> bool:
    return all(
        torch.equal(first.images_B3HW, second.images_B3HW)
        and all(torch.equal(a.boxes_N4, b.boxes_N4) for a, b in zip(first.boxes, second.boxes, strict=True))
        for first, second in zip(one, other, strict=True)
    )


def test_batches_of_detection_have_boxes_on_the_canvas(paths: list[Path]) -> None:
    batches = _detections(paths, 1)
    for batch in batches:
        assert batch.shares_BK.shape == (len(batch), 0)
        assert len(batch.boxes) == len(batch)
        for boxes in batch.boxes:
            assert boxes.boxes_N4.dtype == torch.float32
            assert boxes.labels_N.dtype == torch.int64
            assert not boxes.ignored_N.any()
            assert ((boxes.boxes_N4 >= 0) & (boxes.boxes_N4 <= 16)).all()
            assert (boxes.boxes_N4[:, 2:] - boxes.boxes_N4[:, :2] >= 1).all()
    assert max(len(boxes.labels_N) for batch in batches for boxes in batch.boxes) > 2  # in a mosaic


def test_batches_of_detection_depend_on_the_seed_alone(paths: list[Path]) -> None:
    batches = _detections(paths, 1)
    assert _equal(batches, _detections(paths, 4))
    assert not _equal(batches, _detections(paths, 1, seed=8))


def test_mixed_batches_depend_on_the_seed_alone_and_differ_between_epochs(paths: list[Path]) -> None:
    def read(workers: int) -> list[Batch]:
        with Loader(PictureMemory(paths, 0), classified(range(11), 11), RESIZER, workers) as loader:
            planned = plan(11, Training(batch_size=11, epochs=3))
            return list(loader.training(range(11), planned, 1, [option("MixUp", probability=1, alpha=1)]))

    one, other = read(1), read(3)
    for first, second in zip(one, other, strict=True):
        assert torch.equal(first.images_B3HW, second.images_B3HW)
        assert torch.equal(first.shares_BK, second.shares_BK)
        assert first.shares_BK.sum(dim=1).tolist() == pytest.approx([1] * 11)
    assert len({batch.shares_BK.max().item() for batch in one}) == 3


def test_a_repeated_example_is_drawn_anew_for_each_of_its_places(paths: list[Path]) -> None:
    with Loader(PictureMemory(paths, 0), classified(range(11), 11), RESIZER, 1) as loader:
        planned = plan(20, Training(batch_size=20, epochs=1))
        (batch,) = loader.training([4] * 20, planned, 0, FLIP)
    assert len({image.numpy().tobytes() for image in batch.images_B3HW}) == 2


def test_evaluation_keeps_boxes_and_the_scale_that_maps_them_back(paths: list[Path]) -> None:
    targets = targets_of(BOXES, ["even", "odd"], detection=True)
    with Loader(PictureMemory(paths, 0), targets, RESIZER, 1) as loader:
        (batch,) = loader.evaluation([2, 5], 2)
    assert [boxes.labels_N.tolist() for boxes in batch.boxes] == [[0, 0], [1, 1]]
    assert [boxes.ignored_N.tolist() for boxes in batch.boxes] == [[False, True]] * 2
    for boxes in batch.boxes:
        assert boxes.scale_xy == (16 / 24, 16 / 20)
        assert boxes.boxes_N4[0].tolist() == pytest.approx([4, 4, 12, 12])


def test_a_picture_of_many_regions_is_kept_once(paths: list[Path]) -> None:
    memory = PictureMemory([paths[0]] * 3 + [paths[1]], 2 * PICTURE_BYTES)
    assert [memory[index] is memory[0] for index in range(4)] == [True, True, True, False]
    assert memory.kept == 2


@pytest.mark.parametrize(("memory_gib", "budget_gib"), [(1, 0), (2, 0), (4, 1)])
def test_budget(memory_gib: int, budget_gib: int) -> None:
    assert picture_budget_bytes(memory_gib << 30) == budget_gib << 30
