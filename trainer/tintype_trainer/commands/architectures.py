"""`tintype architectures`: the catalogue."""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from tintype_api.architecture import Architecture
from tintype_api.catalogue import CATALOGUE
from tintype_api.constants import ExitCode
from tintype_api.timm_names import TIMM_NAMES

HEADINGS: Final = ("NAME", "SIZE", "PARAMETERS", "GFLOPS", "BATCH", "OPTIMIZER", "RATE", "WEIGHTS", "PURPOSE")
MORE: Final = f"timm/<name> takes any of timm's {len(TIMM_NAMES):,} networks, too, for Classification and Tagging."


def architectures(arguments: argparse.Namespace) -> int:
    """Print the catalogue, or what of it is for a kind of view, as a table or as JSON."""
    detection = None if arguments.view is None else arguments.view == "Detection"
    entries = [entry for entry in CATALOGUE.values() if detection is None or entry.detector is detection]
    if arguments.json:
        print(json.dumps([_as_json(entry) for entry in entries], indent=2))
        return ExitCode.OK
    print(table([HEADINGS, *(_row(entry) for entry in entries)]))
    if not detection:
        print(MORE)
    return ExitCode.OK


def table(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as columns of their widest cell, two blanks apart. Pure."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _row(entry: Architecture) -> tuple[str, ...]:
    return (
        entry.name,
        str(entry.input_size),
        "" if entry.parameters is None else f"{entry.parameters / 1e6:.1f}M",
        "" if entry.gflops is None else f"{entry.gflops:.2f}",
        str(entry.batch_size),
        entry.optimizer.value,
        f"{entry.learning_rates[entry.optimizer]:.3g}",
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
