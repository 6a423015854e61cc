import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from support.modelversions import modelversion
from tintype_api.catalogue import CATALOGUE
from tintype_api.errors import UserError
from tintype_api.modelversion import ModelVersion, resolve
from tintype_trainer.device import Device
from tintype_trainer.networks import build_classifier
from tintype_trainer.networks.weights import InitialWeightsRecord, random_weights
from tintype_trainer.starting import initial_network
from tintype_trainer.storage import Store

ENTRY = CATALOGUE["mobilenet_v3_small"]
State = dict[str, Tensor]
Loaded = tuple[nn.Module, InitialWeightsRecord, Path]


@pytest.fixture(scope="module")
def many() -> State:
    torch.manual_seed(1)
    return build_classifier(ENTRY, 256, (64, 64)).state_dict()


def _load(state: State, folder: Path, metadata: dict[str, str] | None = None, concepts: int = 2) -> Loaded:
    path = folder / "weights.safetensors"
    save_file(state, path, metadata)
    network, record = start(folder, {"uri": path.as_uri()}, concepts)
    return network, record, path


def start(folder: Path, weights: dict[str, str], concepts: int = 2) -> tuple[nn.Module, InitialWeightsRecord]:
    """Return the network that a training with these initial weights starts from."""
    changes = {
        "spec.concepts": [f"c{number}" for number in range(concepts)],
        "spec.training.architecture": ENTRY.name,
        "spec.training.initialWeights": weights,
        "spec.imageResizer": {"type": "Fixed", "width": 64, "height": 64},
    }
    spec = resolve(ModelVersion.parse(modelversion(changes))).spec
    device = Device(torch.device("cpu"), bfloat16=False, threads=1)
    return initial_network(spec, Store.from_settings(environment={}), folder, device)


def test_all_but_a_head_of_another_shape_is_loaded(many: State, tmp_path: Path) -> None:
    network, record, path = _load(many, tmp_path)
    torch.manual_seed(0)
    drawn = build_classifier(ENTRY, 2, (64, 64)).state_dict()
    for name, tensor in network.state_dict().items():
        expected = drawn[name] if name.startswith("classifier.3.") else many[name]
        assert torch.equal(tensor, expected), name
    assert (record.head, record.source) == ("drawn", path.as_uri())
    assert record.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_head_of_the_same_shape_is_loaded_too(many: State, tmp_path: Path) -> None:
    network, record, _ = _load(many, tmp_path, concepts=256)
    assert record.head == "loaded"
    assert all(torch.equal(tensor, many[name]) for name, tensor in network.state_dict().items())


def test_mean_and_deviation_belong_to_the_weights(many: State, tmp_path: Path) -> None:
    own = {"mean": "[0.5, 0.5, 0.5]", "std": "[0.25, 0.25, 0.25]", "licence": "Apache-2.0"}
    _, record, _ = _load(many, tmp_path, own)
    assert record.normalisation.mean == (0.5, 0.5, 0.5)
    assert record.normalisation.std == (0.25, 0.25, 0.25)
    assert record.metadata["licence"] == "Apache-2.0"
    _, record, _ = _load(many, tmp_path)
    assert record.normalisation.mean == (0.485, 0.456, 0.406)
    assert random_weights(ENTRY).normalisation.std == (0.229, 0.224, 0.225)


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
        (lambda state: {f"module.{name}": tensor for name, tensor in state.items()}, r"and \d+ more"),
    ],
)
def test_what_does_not_fit_is_named(many: State, tmp_path: Path, change: Callable[[State], State], words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        _load(change(dict(many)), tmp_path)
    assert caught.value.exit_code == 64
    assert "weights.safetensors for mobilenet_v3_small" in caught.value.message


@pytest.mark.parametrize("metadata", [{"mean": "half"}, {"mean": "[1, 2]"}, {"std": "[1, 0, 1]"}, {"mean": "7"}])
def test_metadata_that_is_wrong_is_named(many: State, tmp_path: Path, metadata: dict[str, str]) -> None:
    with pytest.raises(UserError, match=f"has the {next(iter(metadata))}") as caught:
        _load(many, tmp_path, metadata)
    assert caught.value.exit_code == 64


@pytest.mark.parametrize("content", [b"PK\x03\x04 not this format", b"\x80\x02.", b"\x80\x02X"])
def test_what_is_no_safetensors_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    with pytest.raises(UserError, match="is no safetensors file"):
        start(tmp_path, {"uri": path.as_uri()})


def test_torchs_own_files_are_read_too(many: State, tmp_path: Path) -> None:
    torch.save(many, tmp_path / "weights.pth")
    network, record = start(tmp_path, {"uri": (tmp_path / "weights.pth").as_uri()})
    assert torch.equal(network.state_dict()["features.0.0.weight"], many["features.0.0.weight"])
    assert record.head == "drawn"


NAME = ENTRY.weights["ImageNet"].file


@pytest.fixture
def mirror(many: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "mirror"
    folder.mkdir()
    save_file(many, folder / f"{NAME}.safetensors")
    monkeypatch.setenv("TINTYPE_WEIGHTS_MIRROR", folder.as_uri())
    return folder


def test_weights_of_imagenet_come_from_the_mirror_first(mirror: Path, many: State, tmp_path: Path) -> None:
    network, record = start(tmp_path, {"source": "ImageNet"})
    assert torch.equal(network.state_dict()["features.0.0.weight"], many["features.0.0.weight"])
    assert record.source == f"ImageNet: {mirror.as_uri()}/{NAME}.safetensors"
    assert record.metadata == {"tag": "MobileNet_V3_Small_Weights.IMAGENET1K_V1", "licence": "bsd-3-clause"}
    assert record.head == "drawn"
    assert record.normalisation.mean == (0.485, 0.456, 0.406)


def test_weights_that_are_nowhere_are_never_random(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unreachable = replace(ENTRY.weights["ImageNet"], url="http://127.0.0.1:9/small.pth")
    monkeypatch.setenv("TINTYPE_WEIGHTS_MIRROR", "file:///nowhere")
    monkeypatch.setenv("TINTYPE_WEIGHTS_FOLDER", str(tmp_path / "image"))
    monkeypatch.setattr("tintype_trainer.starting.known_weights", lambda *_: unreachable)
    with pytest.raises(UserError) as caught:
        start(tmp_path, {"source": "ImageNet"})
    assert caught.value.exit_code == 66
    for place in (f"file:///nowhere/{NAME}.safetensors", "the image", "http://127.0.0.1:9/small.pth: ConnectError"):
        assert place in caught.value.message
    assert "\n" not in caught.value.message


def test_a_file_that_is_not_what_its_name_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / f"{NAME}.pth").write_bytes(b"something else")
    monkeypatch.setenv("TINTYPE_WEIGHTS_MIRROR", tmp_path.as_uri())
    with pytest.raises(UserError, match=r"has the sha256 .* as its name says") as caught:
        start(tmp_path, {"source": "ImageNet"})
    assert caught.value.exit_code == 65


@pytest.mark.usefixtures("mirror")
def test_only_allowed_licences_are_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    others = replace(ENTRY.weights["ImageNet"], licence="cc-by-nc-4.0")
    monkeypatch.setattr("tintype_trainer.starting.known_weights", lambda *_: others)
    with pytest.raises(UserError, match=r"are under cc-by-nc-4\.0, which is not allowed here") as caught:
        start(tmp_path, {"source": "ImageNet"})
    assert caught.value.exit_code == 64
    monkeypatch.setenv("TINTYPE_WEIGHTS_LICENCES", "CC-BY-4.0, CC-BY-NC-4.0")
    assert start(tmp_path, {"source": "ImageNet"})[1].metadata["licence"] == "cc-by-nc-4.0"


def test_another_version_is_named_by_its_folder_without_a_cluster(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="can be found in a cluster only") as caught:
        start(tmp_path, {"modelVersion": "bottles-0"})
    assert caught.value.exit_code == 64
