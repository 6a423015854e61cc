"""Pictures: decoding, resizing and normalisation, in this order.

Pictures are uint8 arrays (H, W, C), C being 1 for grey ones and 3 for RGB. numpy and PIL work on one picture, since
torch's own operations would start a team of threads for each loader thread; only the resize is torch's, whose
uint8 kernel for RGB runs in the calling thread (0.2 ms from 300 to 128 pixels).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps
from torch import Tensor
from torch.nn import functional

from tintype_api.errors import data_error, storage_unreachable
from tintype_api.spec.resizer import ImageResizer
from tintype_trainer.pixels.geometry import canvas_size, content_size
from tintype_trainer.pixels.pictures import UnreadablePicture, check_mode, opened

Picture = NDArray[np.uint8]
RGB_CHANNELS: Final = 3


def decode(path: Path) -> Picture:
    """Return a picture with its EXIF rotation applied; (H, W, 1) where the file is grey, else (H, W, 3).

    Transparency is dropped. Of 16-bit grey pictures the upper 8 bits are kept.

    Raises:
        UserError: exit 65 where the file is no picture that can be decoded, 1 where it cannot be read: a disk may be
            well again, and another Pod brings its pictures anew.
    """
    # By its bytes, not its path: Pillow (as of 13.0) maps a plain TIFF into memory and turns it into noise where it has
    # an EXIF rotation.
    try:
        return decode_bytes(path.read_bytes())
    except OSError as error:
        raise storage_unreachable(
            f"{path} was a picture before and cannot be read any more ({error.strerror}); check the disk"
        ) from error
    except UnreadablePicture as error:
        raise data_error(f"{path} {error}; replace it or leave it out") from error


def decode_bytes(data: bytes) -> Picture:
    """Return the picture of a file's content, as `decode` does.

    Raises:
        UnreadablePicture: where it cannot be decoded.
    """
    with opened(data) as image:
        return _pixels(ImageOps.exif_transpose(image))


def resize(picture: Picture, resizer: ImageResizer) -> Picture:
    """Return the picture on the network's canvas, (height, width, 3): bilinear, antialiased; black beyond it."""
    height, width, _ = picture.shape
    canvas_width, canvas_height = canvas_size(resizer)
    content_width, content_height = content_size(resizer, width, height)
    rgb = scaled(picture, content_width, content_height)
    if (content_width, content_height) == (canvas_width, canvas_height):
        return rgb
    canvas = np.zeros((canvas_height, canvas_width, 3), dtype=np.uint8)
    canvas[:content_height, :content_width] = rgb
    return canvas


def scaled(picture: Picture, width: int, height: int) -> Picture:
    """Return the picture in RGB, (height, width, 3), of another size: bilinear, antialiased."""
    rgb = picture if picture.shape[2] == RGB_CHANNELS else np.repeat(picture, RGB_CHANNELS, axis=2)
    rgb = np.ascontiguousarray(rgb)
    if rgb.shape[:2] == (height, width):
        return rgb
    # What PIL hands to numpy is read-only, of which torch would warn.
    image_13HW = torch.from_numpy(rgb if rgb.flags.writeable else rgb.copy()).permute(2, 0, 1).unsqueeze(0)
    resized = functional.interpolate(image_13HW, size=(height, width), mode="bilinear", antialias=True)
    return resized.squeeze(0).permute(1, 2, 0).numpy()


def normalise(images_B3HW: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """Return uint8 images as float32: divided by 255, less `mean`, divided by `std`; on the images' device."""
    device = images_B3HW.device
    mean_311 = torch.tensor(mean, device=device).view(3, 1, 1)
    std_311 = torch.tensor(std, device=device).view(3, 1, 1)
    return images_B3HW.to(torch.float32).div_(255).sub_(mean_311).div_(std_311)


def _pixels(image: Image.Image) -> Picture:
    if image.mode.startswith("I;16"):
        return (np.asarray(image) >> 8).astype(np.uint8)[:, :, np.newaxis]
    check_mode(image)
    if image.mode in ("1", "L"):
        return np.array(image.convert("L"))[:, :, np.newaxis]
    if "transparency" in image.info:
        image = image.convert("RGBA")
    return np.array(image.convert("RGB"))
