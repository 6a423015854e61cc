from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms.v2 import functional

from tintype_api.constants import ExitCode, Reason
from tintype_api.errors import UserError
from tintype_api.spec.resizer import ImageResizer, ResizerType
from tintype_trainer.pixels.geometry import content_size
from tintype_trainer.pixels.images import Picture, decode, normalise, resize
from tintype_trainer.pixels.pictures import UnreadablePicture, check_picture

FIXED = ImageResizer(type=ResizerType.FIXED, width=48, height=32)
SQUARE = ImageResizer(type=ResizerType.KEEP_ASPECT_RATIO, max_dimension=64)


def _noise(height: int, width: int, channels: int = 3) -> Picture:
    return np.random.default_rng(0).integers(0, 256, (height, width, channels), dtype=np.uint8)


def _save(path: Path, pixels: Picture, **options: object) -> Path:
    Image.fromarray(pixels.squeeze()).save(path, **options)
    return path


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [(128, 64, (64, 32)), (64, 128, (32, 64)), (32, 32, (64, 64)), (100, 75, (64, 48)), (4000, 2, (64, 1))],
)
def test_keep_aspect_ratio(width: int, height: int, expected: tuple[int, int]) -> None:
    assert content_size(SQUARE, width, height) == expected


def test_resizing_is_torchvisions() -> None:
    picture = _noise(100, 75)
    expected = functional.resize(torch.from_numpy(picture).permute(2, 0, 1), [32, 48], antialias=True)
    assert np.array_equal(resize(picture, FIXED), expected.permute(1, 2, 0).numpy())


def test_padding_is_black_at_the_right_and_the_bottom() -> None:
    resized = resize(np.full((75, 100, 3), 255, dtype=np.uint8), SQUARE)
    assert resized.shape == (64, 64, 3)
    assert resized[:48].min() == 255
    assert resized[48:].max() == 0


def test_grey_pictures_are_kept_with_one_channel_and_seen_as_rgb(tmp_path: Path) -> None:
    grey = _noise(40, 60, 1)
    decoded = decode(_save(tmp_path / "grey.png", grey))
    assert np.array_equal(decoded, grey)
    assert np.array_equal(resize(decoded, FIXED), resize(np.repeat(grey, 3, axis=2), FIXED))


@pytest.mark.parametrize("suffix", ["png", "tiff"])
@pytest.mark.parametrize("channels", [1, 3])
def test_exif_rotation_is_applied(tmp_path: Path, suffix: str, channels: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    pixels = _noise(20, 30, channels)
    decoded = decode(_save(tmp_path / f"turned.{suffix}", pixels, exif=exif))
    assert np.array_equal(decoded, np.rot90(pixels, -1))


def test_sixteen_bits_keep_the_upper_eight(tmp_path: Path) -> None:
    deep = np.random.default_rng(0).integers(0, 65536, (8, 8), dtype=np.uint16)
    Image.fromarray(deep).save(tmp_path / "deep.png")
    assert np.array_equal(decode(tmp_path / "deep.png")[:, :, 0], deep // 256)


@pytest.mark.parametrize("mode", ["RGBA", "P", "LA", "CMYK", "1"])
def test_other_modes(tmp_path: Path, mode: str) -> None:
    path = tmp_path / f"picture.{'tiff' if mode == 'CMYK' else 'png'}"
    Image.fromarray(_noise(8, 8)).convert(mode).save(path)
    assert decode(path).shape == ((8, 8, 1) if mode == "1" else (8, 8, 3))


@pytest.mark.parametrize(
    ("mode", "options", "words"),
    [("F", {}, "no known range"), ("I", {}, "no known range"), ("L", {"exif": b"abc"}, "not a TIFF file")],
)
def test_staging_refuses_what_the_training_could_not_read(
    tmp_path: Path, mode: str, options: dict[str, bytes], words: str
) -> None:
    path = tmp_path / ("picture.png" if options else "picture.tiff")
    Image.fromarray(_noise(8, 8, 1).squeeze()).convert(mode).save(path, **options)
    with pytest.raises(UnreadablePicture, match=words):
        check_picture(path.read_bytes())
    with pytest.raises(UserError, match=words):
        decode(path)


def test_what_is_no_picture_is_named(tmp_path: Path) -> None:
    (tmp_path / "words.png").write_text("no picture")
    with pytest.raises(UserError, match=r"words\.png is no picture of a known kind; replace it") as caught:
        decode(tmp_path / "words.png")
    assert caught.value.exit_code == 65


def test_a_file_that_cannot_be_read_any_more_is_no_fault_of_the_data(tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"gone\.png was a picture before and cannot be read any more \(No such"
    ) as caught:
        decode(tmp_path / "gone.png")
    assert (caught.value.exit_code, caught.value.reason) == (ExitCode.FAILED, Reason.STORAGE_UNREACHABLE)


def test_normalise() -> None:
    images = torch.randint(0, 256, (2, 3, 4, 4), dtype=torch.uint8)
    expected = functional.normalize(functional.to_dtype(images, torch.float32, scale=True), [0.5, 0.4, 0.3], [0.2] * 3)
    assert torch.allclose(normalise(images, (0.5, 0.4, 0.3), (0.2, 0.2, 0.2)), expected, atol=1e-6)
