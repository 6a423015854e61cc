"""`tintype architectures`: the catalogue."""

import argparse
import json
import textwrap
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from tintype_api.architecture import Architecture
from tintype_api.catalogue import CATALOGUE
from tintype_api.constants import ExitCode
from tintype_api.timm_names import TIMM_NAMES

WIDTH: Final = 120
"""Columns that the table is readable on."""
HEADINGS: Final = ("NAME", "SIZE", "PARAMS", "GFLOPS", "WEIGHTS", "PURPOSE")
GROUPS: Final = {False: "Classification and Tagging", True: "Detection"}
MORE: Final = f"timm/<name> takes any of timm's {len(TIMM_NAMES):,} networks, too, for Classification and Tagging."


def architectures(arguments: argparse.Namespace) -> int:
    """Print the catalogue, or what of it is for a kind of view, as tables or as JSON."""
    wanted = tuple(GROUPS) if arguments.view is None else (arguments.view == "Detection",)
    if arguments.json:
        entries = [entry for entry in CATALOGUE.values() if entry.detector in wanted]
        print(json.dumps([_as_json(entry) for entry in entries], indent=2))
        return ExitCode.OK
    print("\n\n".join(_group(detector) for detector in wanted))
    return ExitCode.OK


def table(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as columns of their widest cell, two blanks apart; the last one is wrapped at WIDTH. Pure."""
    widths = [max(len(cell) for cell in column) for column in list(zip(*rows, strict=True))[:-1]]
    indent = sum(widths) + 2 * len(widths)
    lines = []
    for *cells, last in rows:
        start = "".join(cell.ljust(width) + "  " for cell, width in zip(cells, widths, strict=True))
        first, *others = textwrap.wrap(last, WIDTH - indent)
        lines += [start + first, *(" " * indent + line for line in others)]
    return "\n".join(lines)


def _group(detector: bool) -> str:
    rows = [_row(entry) for entry in CATALOGUE.values() if entry.detector == detector]
    text = f"{GROUPS[detector]}\n{table([HEADINGS, *rows])}"
    return text if detector else f"{text}\n{MORE}"


def _row(entry: Architecture) -> tuple[str, ...]:
    assert entry.parameters is not None, "the catalogue's own are counted"
    return (
        entry.name,
        str(entry.input_size),
        f"{entry.parameters / 1e6:.1f}M",
        f"{entry.gflops:.2f}",
        ", ".join(entry.weights),
        entry.purpose,
    )


def _as_json(entry: Architecture) -> dict[str, Any]:
    return {
        "name": entry.name,
        "views": ["Detection"] if entry.detector else ["Classification", "Tagging"],
        "library": entry.library,
        "function": entry.function,
        "inputSize": entry.input_size,
        "minimumSize": entry.minimum_size,
        "stride": entry.stride,
        "parameters": entry.parameters,
        "gflops": entry.gflops,
        "batchSize": entry.batch_size,
        "optimizer": entry.optimizer.value,
        "learningRates": {optimizer.value: rate for optimizer, rate in entry.learning_rates.items()},
        "weights": {source: asdict(weights) for source, weights in entry.weights.items()},
        "purpose": entry.purpose,
    }
