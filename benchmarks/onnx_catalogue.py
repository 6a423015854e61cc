"""Exports every architecture of the catalogue to ONNX once, at its smallest size, and compares it with torch.

    python -m benchmarks.onnx_catalogue [NAME...] > onnx.jsonl

One JSON line for each: whether it is exported, the largest difference of a score on noise, seconds, bytes; or why not.
Its result is `exports` in the catalogue, by which `output.formats: [ONNX]` is refused. It takes about half an hour.
"""

import json
import sys
import tempfile
import time
from pathlib import Path

import torch

from tintype_api.catalogue import CATALOGUE, Architecture
from tintype_api.spec.view import ViewType
from tintype_trainer.export.card import OnnxExported
from tintype_trainer.export.making import make_onnx
from tintype_trainer.networks import build_classifier
from tintype_trainer.networks.building import build_detector

CONCEPTS = 3


def main() -> None:
    torch.manual_seed(0)
    for name in sys.argv[1:] or CATALOGUE:
        print(json.dumps({"architecture": name, **export(CATALOGUE[name])}), flush=True)


def export(architecture: Architecture) -> dict[str, object]:
    """Return what came of exporting one architecture with random weights."""
    side = max(architecture.minimum_size, 64)
    if architecture.detector:
        network = build_detector(architecture, CONCEPTS, (side, side), pretrained=False)
    else:
        network = build_classifier(architecture, CONCEPTS, (side, side))
    view = ViewType.DETECTION if architecture.detector else ViewType.CLASSIFICATION
    batch = 1 if architecture.detector else 2
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.onnx")
        checked = [torch.randn(1, 3, side, side), torch.randn(batch, 3, side, side)]
        card = make_onnx(network, view, torch.randn(1, 3, side, side), checked, path, threads=1)
        found: dict[str, object] = {"side": side, "seconds": round(time.perf_counter() - started, 1)}
        if isinstance(card, OnnxExported):
            return found | {"maxDifference": card.max_difference, "bytes": path.stat().st_size}
        return found | {"notExported": card.not_exported}


if __name__ == "__main__":
    main()
