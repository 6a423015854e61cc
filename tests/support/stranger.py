"""What a stranger does who has read model.json and knows nothing of tintype."""

from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor
from torchvision.transforms.v2 import functional


def network_input(model: dict[str, Any], picture: Image.Image) -> Tensor:
    """Return what a stranger makes of a picture who has read `input`."""
    expects = model["input"]
    image = torch.tensor(np.array(ImageOps.exif_transpose(picture).convert("RGB"))).permute(2, 0, 1)
    size = [expects["height"], expects["width"]]
    if expects["resizer"]["type"] == "KeepAspectRatio":
        scale = expects["resizer"]["maxDimension"] / max(image.shape[1:])
        size = [round(side * scale) for side in image.shape[1:]]
    canvas = torch.zeros(3, expects["height"], expects["width"])
    canvas[:, : size[0], : size[1]] = functional.resize(image, size, antialias=True) / 255
    normalised: Tensor = functional.normalize(canvas, expects["mean"], expects["std"])
    return normalised
