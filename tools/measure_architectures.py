"""Writes crds/tintype_api/catalogue_figures.py: `python tools/measure_architectures.py`, in a few minutes.

Parameters are counted with 1,000 concepts, of a detector with 80. Multiply-adds are half of what torch's
FlopCounterMode counts for one picture of the architecture's own size, as torchvision's tables have it; a detector is
counted with all that it does to find boxes.
"""

import sys
from collections import defaultdict
from pathlib import Path
from types import ModuleType

import torch
from torch.utils.flop_counter import FlopCounterMode

NAME = "tintype_api.catalogue_figures"
TARGET = Path("crds/tintype_api/catalogue_figures.py")
CONCEPTS, DETECTED_CONCEPTS = 1000, 80
HEADER = '''"""What each architecture of the catalogue costs: parameters, and billions of multiply-adds for one picture.

Written by tools/measure_architectures.py, which says how they are counted.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

FIGURES: Final[Mapping[str, tuple[int, float]]] = MappingProxyType(
    {
'''


def main() -> None:
    """Measure every entry of the catalogue and write the module."""
    stand_in = ModuleType(NAME)
    stand_in.FIGURES = defaultdict(lambda: (0, 0.0))  # type: ignore[attr-defined]  # the catalogue imports its own figures
    sys.modules[NAME] = stand_in
    from tintype_api.catalogue import CATALOGUE  # noqa: PLC0415  # after the stand-in

    lines = []
    for name in CATALOGUE:
        parameters, gflops = measure(name)
        lines.append(f'        "{name}": ({parameters:_}, {gflops:.2f}),\n')
        print(lines[-1].strip(), flush=True)
    TARGET.write_text(HEADER + "".join(lines) + "    }\n)\n")


def measure(name: str) -> tuple[int, float]:
    """Return parameters and billions of multiply-adds of an entry of the catalogue."""
    from tintype_api.catalogue import CATALOGUE  # noqa: PLC0415  # after the stand-in
    from tintype_trainer.networks import build_classifier  # noqa: PLC0415  # after the stand-in
    from tintype_trainer.networks.building import build_detector  # noqa: PLC0415  # after the stand-in

    entry = CATALOGUE[name]
    side = entry.input_size
    if entry.detector:
        network = build_detector(entry, DETECTED_CONCEPTS, (side, side), pretrained=False).eval()
        image = torch.rand(1, 3, side, side)
    else:
        network = build_classifier(entry, CONCEPTS, (side, side)).eval().to("meta")
        image = torch.rand(1, 3, side, side, device="meta")
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        network(image)
    return sum(parameter.numel() for parameter in network.parameters()), counter.get_total_flops() / 2e9


if __name__ == "__main__":
    main()
