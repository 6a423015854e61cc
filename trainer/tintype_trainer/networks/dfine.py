"""D-FINE (Peng et al. 2024) by transformers: a modern detector in real time, without anchors or suppression.

Its configurations are those that its weights were published with; nothing is downloaded to build one.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from types import MappingProxyType
from typing import Any, Final

import torch
from torch import Tensor, nn
from torchvision.ops import box_convert, clip_boxes_to_image

from tintype_api.errors import environment_error
from tintype_trainer.networks.detector import DETECTIONS_PER_IMAGE, SCORE_THRESHOLD, Detections, DetectorTarget
from tintype_trainer.networks.heads import HeadLayer
from tintype_trainer.networks.library_detector import LibraryDetector

_SHARED: Final = re.compile(r"model\.decoder\.((?:class|bbox)_embed\..+)")
"""Tensors that the library also has under a second name."""


@dataclass(frozen=True, slots=True)
class _Size:
    """What tells one D-FINE from another.

    Attributes:
        stem: Channels of the backbone's stem: of the picture, within, and after it.
        channels: After each of the backbone's four stages.
        within: Channels within the blocks of each stage.
        blocks: Blocks of each stage.
        layers: Layers of each block.
        levels: How many of the last stages are seen.
        width: Channels of encoder and decoder.
        inner_width: Channels of their inner layers.
        points: Places that the decoder looks at, for each level.
        decoder_layers: Layers of the decoder.
        depth: Of the encoder's blocks, as a share of the largest model's.
        expansion: Of the encoder's blocks.
    """

    stem: tuple[int, int, int]
    channels: tuple[int, int, int, int]
    within: tuple[int, int, int, int]
    blocks: tuple[int, int, int, int]
    layers: int
    levels: int
    width: int
    inner_width: int
    points: tuple[int, ...]
    decoder_layers: int
    depth: float
    expansion: float


_SMALL_STEM: Final = (3, 16, 16)
_SMALL_CHANNELS: Final = (64, 256, 512, 1024)
_SMALL_WITHIN: Final = (16, 32, 64, 128)
_SIZES: Final[Mapping[str, _Size]] = MappingProxyType(
    {
        "dfine_n": _Size(
            _SMALL_STEM, _SMALL_CHANNELS, _SMALL_WITHIN, (1, 1, 2, 1), 3, 2, 128, 512, (6, 6), 3, 0.5, 0.34
        ),
        "dfine_s": _Size(
            _SMALL_STEM, _SMALL_CHANNELS, _SMALL_WITHIN, (1, 1, 2, 1), 3, 3, 256, 1024, (3, 6, 3), 3, 0.34, 0.5
        ),
        "dfine_m": _Size(
            (3, 24, 32),
            (96, 384, 768, 1536),
            (32, 64, 128, 256),
            (1, 1, 3, 1),
            4,
            3,
            256,
            1024,
            (3, 6, 3),
            4,
            0.67,
            1.0,
        ),
    }
)


class DfineDetector(LibraryDetector):
    """D-FINE; it computes in single precision, since its boxes are sums of many small corrections.

    In eval mode its loss leaves out what belongs to training alone: noisy copies of the annotated boxes, and the
    decoder's layers before the last.
    """

    library: Any

    def losses(self, images_B3HW: Tensor, targets: Sequence[DetectorTarget]) -> Tensor:
        """Return the weighted sum of the losses of all layers, noisy copies of the annotated boxes among them."""
        loss: Tensor = self._see(images_B3HW, targets).loss
        return loss

    def losses_and_detections(
        self, images_B3HW: Tensor, targets: Sequence[DetectorTarget]
    ) -> tuple[Tensor, list[Detections]]:
        """Return loss and detections of one pass; nothing is drawn at random in eval mode."""
        seen = self._see(images_B3HW, targets)
        return seen.loss, self._detections(seen, images_B3HW)

    def detections(self, images_B3HW: Tensor) -> list[Detections]:
        """Return the detections."""
        return self._detections(self._see(images_B3HW), images_B3HW)

    def body(self) -> nn.Module:
        """Return the backbone."""
        backbone: nn.Module = self.library.model.backbone
        return backbone

    def head_layers(self) -> tuple[HeadLayer, ...]:
        """Return the layers of scores, and the embedding of concepts for noisy copies, which has one more for none."""
        scores = (f"model.decoder.class_embed.{number}" for number in range(len(self.library.class_embed)))
        return (
            HeadLayer("model.denoising_class_embed", after=1),
            *(HeadLayer(name) for name in ("model.enc_score_head", *scores)),
        )

    def parts_of_library(self) -> tuple[nn.Module, ...]:
        """Return none: all of it computes in single precision."""
        return ()

    def state_dict(self, *args: Any, **kwargs: Any) -> dict[str, Any]:  # type: ignore[override]  # noqa: ANN401
        """Return the library's own state, without the second names of tensors that are shared."""
        state = self.library.state_dict(*args, **kwargs)
        return {name: tensor for name, tensor in state.items() if not name.startswith(("class_embed.", "bbox_embed."))}

    def load_state_dict(self, state_dict: Mapping[str, Any], *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        """Load a state with the library's own names, without second ones."""
        second = {found[1]: tensor for name, tensor in state_dict.items() if (found := _SHARED.fullmatch(name))}
        return self.library.load_state_dict({**state_dict, **second}, *args, **kwargs)

    def _see(self, images_B3HW: Tensor, targets: Sequence[DetectorTarget] | None = None) -> Any:  # noqa: ANN401
        labels = None if targets is None else [_label(target, images_B3HW) for target in targets]
        with torch.autocast(images_B3HW.device.type, enabled=False):
            try:
                return self.library(images_B3HW.float(), labels=labels)
            except ValueError:
                # Its matching refuses boxes and scores that are no numbers, whose loss is none either.
                seen = self.library(images_B3HW.float())
                seen.loss = seen.pred_boxes.sum() + seen.logits.sum()
                if bool(seen.loss.isfinite()):
                    raise
                return seen

    def _detections(self, seen: Any, images_B3HW: Tensor) -> list[Detections]:  # noqa: ANN401
        height, width = images_B3HW.shape[-2:]
        concepts = seen.logits.shape[-1]
        shares_BQ4 = box_convert(seen.pred_boxes, "cxcywh", "xyxy")
        boxes_BQ4 = clip_boxes_to_image(shares_BQ4 * _scale(images_B3HW), (height, width))
        scores_BN, places_BN = seen.logits.sigmoid().flatten(1).topk(DETECTIONS_PER_IMAGE, dim=1)
        found = []
        for boxes_Q4, scores_N, places_N in zip(boxes_BQ4, scores_BN, places_BN, strict=True):
            kept = scores_N > SCORE_THRESHOLD
            places = places_N[kept]
            found.append(Detections(boxes_Q4[places // concepts], scores_N[kept], places % concepts))
        return found


def build_dfine(name: str, concepts: int) -> DfineDetector:
    """Return a D-FINE, drawn from torch's global random state.

    Args:
        name: Its name in the catalogue.
        concepts: Number of concepts.

    Raises:
        UserError: exit 78 where transformers is not installed.
    """
    if find_spec("transformers") is None or find_spec("scipy") is None:
        raise environment_error(
            f"training.architecture: {name} needs the packages transformers and scipy, which are not installed here; "
            "install tintype with the extra dfine, or choose another architecture"
        )
    from transformers import DFineConfig, DFineForObjectDetection, HGNetV2Config  # noqa: PLC0415  # an extra

    size = _SIZES[name]
    backbone = HGNetV2Config(**_backbone(size))
    return DfineDetector(DFineForObjectDetection(DFineConfig(backbone_config=backbone, **_detector(size, concepts))))


def _backbone(size: _Size) -> dict[str, Any]:
    return {
        "stem_channels": list(size.stem),
        "hidden_sizes": list(size.channels),
        "stage_in_channels": [size.stem[-1], *size.channels[:-1]],
        "stage_mid_channels": list(size.within),
        "stage_out_channels": list(size.channels),
        "stage_num_blocks": list(size.blocks),
        "stage_numb_of_layers": [size.layers] * 4,
        "out_indices": [4 - level for level in reversed(range(size.levels))],
        "use_learnable_affine_block": True,
    }


def _detector(size: _Size, concepts: int) -> dict[str, Any]:
    return {
        "num_labels": concepts,
        "num_feature_levels": size.levels,
        "feat_strides": [8, 16, 32][-size.levels :],
        "encoder_in_channels": list(size.channels[-size.levels :]),
        "encoder_hidden_dim": size.width,
        "encoder_ffn_dim": size.inner_width,
        "encode_proj_layers": [size.levels - 1],
        "d_model": size.width,
        "decoder_in_channels": [size.width] * size.levels,
        "decoder_ffn_dim": size.inner_width,
        "decoder_n_points": list(size.points),
        "decoder_layers": size.decoder_layers,
        "depth_mult": size.depth,
        "hidden_expansion": size.expansion,
        "freeze_backbone_batch_norms": False,
    }


def _label(target: DetectorTarget, images_B3HW: Tensor) -> dict[str, Tensor]:
    shares_N4 = target.boxes_N4.float() / _scale(images_B3HW)
    return {"class_labels": target.labels_N, "boxes": box_convert(shares_N4, "xyxy", "cxcywh")}


def _scale(images_B3HW: Tensor) -> Tensor:
    height, width = images_B3HW.shape[-2:]
    return torch.tensor([width, height, width, height], dtype=torch.float32, device=images_B3HW.device)
