"""What the catalogue states, against what the libraries state."""

import pytest
from timm import list_models
from timm.models import get_pretrained_cfg
from torchvision.models import get_weight

from tintype_api.architecture import COCO, IMAGENET, TIMM, TORCHVISION, PretrainedWeights
from tintype_api.catalogue import CATALOGUE, DEFAULT_ARCHITECTURE, DEFAULT_DETECTOR, architecture
from tintype_api.timm_names import TIMM_NAMES, TIMM_WITHOUT_WEIGHTS

WEIGHTS = {weights.tag: weights for entry in CATALOGUE.values() for weights in entry.weights.values()}
OF_TORCHVISION = [tag for tag in WEIGHTS if "_Weights." in tag]
PORTED = ("GoogLeNet_Weights.IMAGENET1K_V1", "Inception_V3_Weights.IMAGENET1K_V1")
"""Whose builders turn torchvision's usual normalisation into the one that they were trained with."""


@pytest.mark.parametrize("tag", OF_TORCHVISION)
def test_torchvisions_weights_are_as_torchvision_has_them(tag: str) -> None:
    weights, known = WEIGHTS[tag], get_weight(tag)
    assert weights.url == known.url
    assert weights.url.endswith(f"/{weights.file}.pth")
    assert weights.file.endswith(f"-{weights.sha256}")
    assert len(weights.sha256) == 8
    preset = known.transforms()
    if hasattr(preset, "mean") and tag not in PORTED:
        assert (list(weights.mean), list(weights.std)) == (preset.mean, preset.std)
        assert preset.interpolation.value == weights.interpolation


@pytest.mark.parametrize("tag", [tag for tag in WEIGHTS if tag not in OF_TORCHVISION and "/" not in tag])
def test_timms_weights_are_as_timm_has_them(tag: str) -> None:
    weights, known = WEIGHTS[tag], get_pretrained_cfg(tag)
    assert known is not None
    assert weights.url == f"https://huggingface.co/{known.hf_hub_id}/resolve/main/model.safetensors"
    assert (weights.mean, weights.std, weights.licence) == (known.mean, known.std, known.license)
    assert weights.interpolation == known.interpolation


def test_every_architecture_has_weights_that_may_be_used() -> None:
    assert len(CATALOGUE) >= 40
    for entry in CATALOGUE.values():
        assert entry.weights.keys() & {IMAGENET, COCO}, entry.name
        assert all(weights.licence in ("bsd-3-clause", "apache-2.0", "mit") for weights in entry.weights.values())
    assert not CATALOGUE[DEFAULT_ARCHITECTURE].detector
    assert COCO in CATALOGUE[DEFAULT_DETECTOR].weights


def _of_classifier(weights: PretrainedWeights) -> bool:
    return weights.tag in OF_TORCHVISION and weights.tag not in PORTED and "EfficientNet_B2" not in weights.tag


CLASSIFIERS = [
    entry
    for entry in CATALOGUE.values()
    if entry.library == TORCHVISION and not entry.detector and _of_classifier(entry.weights[IMAGENET])
]


@pytest.mark.parametrize("entry", CLASSIFIERS, ids=lambda entry: entry.name)
def test_figures_are_those_of_torchvisions_tables(entry: object) -> None:
    meta = get_weight(entry.weights[IMAGENET].tag).meta  # type: ignore[attr-defined]
    assert entry.parameters == meta["num_params"]  # type: ignore[attr-defined]
    assert entry.gflops == pytest.approx(meta["_ops"], abs=0.006, rel=0.01)  # type: ignore[attr-defined]


def test_names_of_timm_are_those_of_the_pinned_timm() -> None:
    """`python tools/list_timm.py` writes them anew."""
    assert list(TIMM_NAMES) == list_models()
    without = {name for name in TIMM_NAMES if not (known := get_pretrained_cfg(name)) or not known.has_weights}
    assert without == TIMM_WITHOUT_WEIGHTS


def test_any_of_timms_has_an_entry() -> None:
    entry = architecture("timm/vit_tiny_patch16_384")
    assert (entry.library, entry.function, entry.input_size) == (TIMM, "vit_tiny_patch16_384", 384)
    assert IMAGENET in entry.weights
    with pytest.raises(KeyError):
        architecture("timm/nothing")
