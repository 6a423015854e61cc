"""Of what the sides of a picture must be multiples for timm's networks, against timm itself."""

import inspect
import re

import pytest
import torch
from timm import create_model
from timm.models import model_entrypoint

from tintype_api.catalogue import architecture
from tintype_api.spec.resizer import STEP
from tintype_api.timm_names import TIMM_NAMES, TIMM_SIZES
from tintype_api.timm_strides import timm_stride
from tintype_trainer.networks.classifiers import classifier_arguments

PATCH = re.compile(r"\bpatch_size['\"]?\s*[=:]\s*\(?(\d+)")
BORDER_OF_A_FEW_PIXELS = ("convmixer_768_32", "convmixer_1536_20", "pit_b_224", "pit_b_distilled_224")
"""Whose patches are of 7 pixels, or lie half over one another: at most six pixels of the border are not seen."""
OWN_SIZE_CUT = ("vit_so400m_patch14_siglip_384", "vit_so400m_patch14_siglip_gap_384")
"""Whose own size their patches do not divide."""
IN_STEPS_OF_32 = (
    "botnet26t_256",
    "coat_tiny",
    "coatnet_nano_rw_224",
    "coatnext_nano_rw_224",
    "dla34",
    "eca_botnext26ts_256",
    "efficientformerv2_s0",
    "gcvit_xxtiny",
    "hiera_tiny_224",
    "hieradet_small",
    "hrnet_w18_small",
    "lambda_resnet26t",
    "maxvit_tiny_rw_224",
    "maxxvit_rmlp_nano_rw_256",
    "qwen3_vit_88m_merge",
    "resnet50_clip",
    "resnet50_mlp",
    "resnetaa34d",
    "sam2_hiera_tiny",
    "sebotnet33ts_256",
    "seresnextaa101d_32x8d",
    "twins_svt_small",
    "vit_tiny_r_s16_p8_224",
)
"""One of each family, among the smallest."""


def test_own_sizes_fit() -> None:
    assert not [name for name in TIMM_NAMES if TIMM_SIZES[name] % timm_stride(f"timm/{name}")]


def test_patches_that_timm_states_are_known() -> None:
    """Of patches of 14 and 32 pixels, which the steps of 16 need not be multiples of."""
    stated = {name: set(map(int, PATCH.findall(inspect.getsource(model_entrypoint(name))))) for name in TIMM_NAMES}
    crossing = {name for name, sizes in stated.items() if any(STEP % size for size in sizes)}
    wrong = {name for name in crossing if timm_stride(f"timm/{name}") not in stated[name]}
    assert wrong == {*BORDER_OF_A_FEW_PIXELS, *OWN_SIZE_CUT}


@pytest.mark.parametrize("name", IN_STEPS_OF_32)
def test_steps_of_16_fail_and_steps_of_32_do_not(name: str) -> None:
    assert timm_stride(f"timm/{name}") == 32
    assert _takes(name, 160)
    with pytest.raises((AssertionError, RuntimeError)):
        _takes(name, 208)


def _takes(name: str, side: int) -> bool:
    """Return whether a network, built as the trainer builds it, answers for pictures of this size; without memory."""
    arguments = classifier_arguments(architecture(f"timm/{name}"), 3, (side, side))
    with torch.device("meta"), torch.no_grad():
        network = create_model(name, pretrained=False, **arguments).eval()
        return bool(network(torch.zeros(1, 3, side, side)).shape[0])
