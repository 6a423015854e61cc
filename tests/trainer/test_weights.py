import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from tintype_api.catalogue import CATALOGUE
from tintype_api.errors import UserError
from tintype_trainer.networks import build_classifier
from tintype_trainer.weights import InitialWeightsRecord, load_initial_weights, random_weights

ENTRY = CATALOGUE["mobilenet_v3_small"]
URI = "s3://weights/small.safetensors"
State = dict[str, Tensor]
Loaded = tuple[nn.Module, InitialWeightsRecord, Path]


@pytest.fixture(scope="module")
def thousand() -> State:
    torch.manual_seed(1)
    return build_classifier(ENTRY, 1000, (64, 64)).state_dict()


def _load(state: State, folder: Path, metadata: dict[str, str] | None = None, concepts: int = 2) -> Loaded:
    path = folder / "weights.safetensors"
    save_file(state, path, metadata)
    torch.manual_seed(0)
    network = build_classifier(ENTRY, concepts, (64, 64))
    return network, load_initial_weights(network, ENTRY, path, URI), path


def test_all_but_a_head_of_another_shape_is_loaded(thousand: State, tmp_path: Path) -> None:
    network, record, path = _load(thousand, tmp_path)
    torch.manual_seed(0)
    drawn = build_classifier(ENTRY, 2, (64, 64)).state_dict()
    for name, tensor in network.state_dict().items():
        expected = drawn[name] if name.startswith("classifier.3.") else thousand[name]
        assert torch.equal(tensor, expected), name
    assert (record.head, record.source) == ("drawn", URI)
    assert record.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_head_of_the_same_shape_is_loaded_too(thousand: State, tmp_path: Path) -> None:
    network, record, _ = _load(thousand, tmp_path, concepts=1000)
    assert record.head == "loaded"
    assert all(torch.equal(tensor, thousand[name]) for name, tensor in network.state_dict().items())


def test_mean_and_deviation_belong_to_the_weights(thousand: State, tmp_path: Path) -> None:
    own = {"mean": "[0.5, 0.5, 0.5]", "std": "[0.25, 0.25, 0.25]", "licence": "Apache-2.0"}
    _, record, _ = _load(thousand, tmp_path, own)
    assert record.normalisation.mean == (0.5, 0.5, 0.5)
    assert record.normalisation.std == (0.25, 0.25, 0.25)
    assert record.metadata["licence"] == "Apache-2.0"
    _, record, _ = _load(thousand, tmp_path)
    assert record.normalisation.mean == ENTRY.mean
    assert random_weights(ENTRY).normalisation.std == ENTRY.std


def _without(*names: str) -> Callable[[State], State]:
    return lambda state: {name: tensor for name, tensor in state.items() if name not in names}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_without("features.0.0.weight"), "features.0.0.weight is missing"),
        (_without("classifier.3.weight"), "classifier.3.weight is missing"),
        (lambda state: {**state, "neck.weight": torch.zeros(1)}, "neck.weight is not of this architecture"),
        (
            lambda state: {**state, "features.0.0.weight": torch.zeros(16, 1, 3, 3)},
            r"features.0.0.weight has the shape \[16, 1, 3, 3\], not \[16, 3, 3, 3\]",
        ),
        (lambda state: {f"module.{name}": tensor for name, tensor in state.items()}, "and 483 more"),
    ],
)
def test_what_does_not_fit_is_named(
    thousand: State, tmp_path: Path, change: Callable[[State], State], words: str
) -> None:
    with pytest.raises(UserError, match=words) as caught:
        _load(change(dict(thousand)), tmp_path)
    assert caught.value.exit_code == 64
    assert URI in caught.value.message


@pytest.mark.parametrize("metadata", [{"mean": "half"}, {"mean": "[1, 2]"}, {"std": "[1, 0, 1]"}, {"mean": "7"}])
def test_metadata_that_is_wrong_is_named(thousand: State, tmp_path: Path, metadata: dict[str, str]) -> None:
    with pytest.raises(UserError, match=f"has the {next(iter(metadata))}") as caught:
        _load(thousand, tmp_path, metadata)
    assert caught.value.exit_code == 64


def test_what_is_no_safetensors_file(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(b"PK\x03\x04 not this format")
    with pytest.raises(UserError, match="is no safetensors file"):
        load_initial_weights(build_classifier(ENTRY, 2, (64, 64)), ENTRY, path, URI)
