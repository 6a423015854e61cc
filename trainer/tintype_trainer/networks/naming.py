"""Tensors of a file under the names and in the shapes that a network has them."""

import re
import sys
from collections.abc import Mapping
from typing import Final

from torch import Tensor, nn

from tintype_trainer.networks import Detector, head_layers

COUNTER: Final = ".num_batches_tracked"
_AUXILIARY: Final = ("aux1.", "aux2.", "AuxLogits.")
"""Heads of Inception networks that serve trainings from nothing, and are not built here."""
_DERIVED: Final = ("model.anchors", "model.valid_mask", "model.decoder.anchors", "model.decoder.valid_mask")
"""What files of D-FINE may hold for one size of images, and is computed here."""
_OLDER: Final = (
    (re.compile(r"((?:class|bbox)_embed\..+)"), r"model.decoder.\1"),
    (re.compile(r"(backbone\.fpn\.(?:inner|layer)_blocks\.\d+)\.(weight|bias)"), r"\1.0.\2"),
    (re.compile(r"(rpn\.head\.conv)\.(weight|bias)"), r"\1.0.0.\2"),
    (re.compile(r"(head\.(?:classification|regression)_head\.conv)\.0\.(weight|bias)"), r"\1.0.0.\2"),
    (re.compile(r"(head\.(?:classification|regression)_head\.conv)\.2\.(weight|bias)"), r"\1.1.0.\2"),
    (re.compile(r"(head\.(?:classification|regression)_head\.conv)\.4\.(weight|bias)"), r"\1.2.0.\2"),
    (re.compile(r"(head\.(?:classification|regression)_head\.conv)\.6\.(weight|bias)"), r"\1.3.0.\2"),
)
"""Names that files still have, and those of today.

Of torchvision's files of COCO, which its own loading renames likewise; of D-FINE's the second name of what is shared.
"""


def as_built(network: nn.Module, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors as the network would have them.

    Auxiliary heads are left out, older names replaced, counters that nothing reads added, and what depends on the size
    of images, such as the position embeddings of a transformer, is interpolated to the network's by timm.
    """
    own = network.state_dict()
    given = {_name(key, own): value for key, value in tensors.items() if key in own or not _is_unread(key)}
    given |= {key: own[key] for key in own if key.endswith(COUNTER) and key not in given}
    return _resized(network, own, given)


def without_eps(tensors: Mapping[str, Tensor], eps: float) -> dict[str, Tensor]:
    """Return the tensors for BatchNorms with `eps`, of a network whose own had none.

    Both add it to the running variance, which has so much less here.
    """
    return {key: value - eps if key.endswith(".running_var") else value for key, value in tensors.items()}


def _is_unread(key: str) -> bool:
    return key.startswith(_AUXILIARY) or key in _DERIVED


def _name(key: str, own: Mapping[str, Tensor]) -> str:
    if key in own:
        return key
    today = (pattern.sub(name, key) for pattern, name in _OLDER if pattern.fullmatch(key))
    return next((name for name in today if name in own), key)


def _resized(network: nn.Module, own: Mapping[str, Tensor], given: dict[str, Tensor]) -> dict[str, Tensor]:
    if isinstance(network, Detector):
        return given
    heads = tuple(f"{layer.name}." for layer in head_layers(network))
    differ = (key in own and own[key].shape != given[key].shape for key in given if not key.startswith(heads))
    resize = getattr(sys.modules[type(network).__module__], "checkpoint_filter_fn", None)
    if resize is None or not any(differ):
        return given
    resized: dict[str, Tensor] = resize(dict(given), network)
    return resized
