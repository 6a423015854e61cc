"""Exports every architecture of the catalogue to ONNX once, at a small size, and compares it with torch.

    python -m benchmarks.onnx_catalogue [NAME...] > onnx.jsonl

One JSON line for each: whether it is exported, the largest difference of a score on eight drawings, seconds, bytes; or
why not. A NAME may be `timm/<name>`, too. Each is trained for some steps before: of a network that has just been drawn
all scores are nearly equal, and rounding decides which of them are the highest. It takes about an hour on two cores.
"""

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from tintype_api.catalogue import CATALOGUE, TIMM_PREFIX, Architecture, architecture
from tintype_api.spec.view import ViewType
from tintype_trainer.export.card import OnnxExported
from tintype_trainer.export.making import make_onnx
from tintype_trainer.networks import Detector, DetectorTarget, build_classifier
from tintype_trainer.networks.building import build_detector

CONCEPTS: Final = 3
BATCH: Final = 4
CHECKED: Final = 8
STEPS: Final = {True: 20, False: 4}
"""Of detectors, and of others."""


def main() -> None:
    for name in sys.argv[1:] or CATALOGUE:
        print(json.dumps({"architecture": name, **export(architecture(name))}), flush=True)


def export(entry: Architecture) -> dict[str, object]:
    """Return what came of exporting one architecture."""
    torch.manual_seed(0)
    side = entry.input_size if entry.name.startswith(TIMM_PREFIX) else max(entry.minimum_size, 64)
    network = train(entry, side)
    drawn_B3HW, _ = draw(1 + CHECKED, side)
    traced_13HW, checked = drawn_B3HW[:1], [drawn_B3HW[1:2], drawn_B3HW[2:5], drawn_B3HW[5:]]
    view = ViewType.DETECTION if entry.detector else ViewType.CLASSIFICATION
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.onnx")
        card = make_onnx(network, view, traced_13HW, checked, path, threads=1)
        found: dict[str, object] = {"side": side, "seconds": round(time.perf_counter() - started, 1)}
        if isinstance(card, OnnxExported):
            return found | {"maxDifference": card.max_difference, "bytes": path.stat().st_size}
        return found | {"notExported": card.not_exported}


def train(entry: Architecture, side: int) -> nn.Module:
    """Return a network that has been trained for some steps, so that it tells drawings apart a little."""
    if entry.detector:
        network: nn.Module = build_detector(entry, CONCEPTS, (side, side), pretrained=False)
    else:
        network = build_classifier(entry, CONCEPTS, (side, side))
    optimizer = torch.optim.AdamW(network.parameters(), lr=5e-4)
    network.train()
    for _ in range(STEPS[entry.detector]):
        images_B3HW, targets = draw(BATCH, side)
        optimizer.zero_grad()
        torch.autograd.backward(loss_of(network, images_B3HW, targets))
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
    return network.eval()


def loss_of(network: nn.Module, images_B3HW: Tensor, targets: list[DetectorTarget]) -> Tensor:
    if isinstance(network, Detector):
        return network.losses(images_B3HW, targets)
    return functional.cross_entropy(network(images_B3HW), torch.cat([target.labels_N for target in targets]))


def draw(count: int, side: int) -> tuple[Tensor, list[DetectorTarget]]:
    """Return drawings of one square each before clouds; its colour is its concept."""
    clouds_B388 = torch.randn(count, 3, 8, 8) / 2
    images_B3HW = functional.interpolate(clouds_B388, (side, side), mode="bilinear")
    size, targets = side // 4, []
    for image_3HW in images_B3HW:
        concept = int(torch.randint(CONCEPTS, ()))
        x, y = torch.randint(side - size, (2,)).tolist()
        image_3HW[concept, y : y + size, x : x + size] = 2.5
        boxes_N4 = torch.tensor([[x, y, x + size, y + size]], dtype=torch.float32)
        targets.append(DetectorTarget(boxes_N4, torch.tensor([concept])))
    return images_B3HW, targets


if __name__ == "__main__":
    main()
