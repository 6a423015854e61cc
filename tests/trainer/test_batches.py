from pathlib import Path

import pytest
import torch
from PIL import Image

from support.targets import classified
from tintype_api.errors import UserError
from tintype_api.spec.augmentations import HorizontalFlip
from tintype_api.spec.resizer import ImageResizer, ResizerType
from tintype_api.spec.training import Training
from tintype_trainer.batches import Batch, Loader
from tintype_trainer.picture_memory import PictureMemory, picture_budget_bytes
from tintype_trainer.plan import plan

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
    with pytest.raises(UserError, match=r"4\.png cannot be decoded"):
        _read(paths, 0, 2)


@pytest.mark.parametrize(("memory_gib", "budget_gib"), [(1, 0), (2, 0), (4, 1)])
def test_budget(memory_gib: int, budget_gib: int) -> None:
    assert picture_budget_bytes(memory_gib << 30) == budget_gib << 30
