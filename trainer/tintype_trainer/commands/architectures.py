"""`tintype architectures`: the catalogue."""

import argparse
import json
from collections.abc import Sequence
from typing import Any

from tintype_api.catalogue import CATALOGUE, Architecture
from tintype_api.constants import ExitCode

HEADINGS = ("NAME", "SIZE", "BATCH", "OPTIMIZER", "RATE", "PURPOSE")


def architectures(arguments: argparse.Namespace) -> int:
    """Print the catalogue, as a table or as JSON."""
    if arguments.json:
        text = json.dumps([_as_json(entry) for entry in CATALOGUE.values()], indent=2)
    else:
        text = table([HEADINGS, *(_row(entry) for entry in CATALOGUE.values())])
    print(text)
    return ExitCode.OK


def table(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as columns of their widest cell, two blanks apart. Pure."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _row(entry: Architecture) -> tuple[str, ...]:
    rate = f"{entry.learning_rates[entry.optimizer]:g}"
    return entry.name, str(entry.input_size), str(entry.batch_size), entry.optimizer.value, rate, entry.purpose


def _as_json(entry: Architecture) -> dict[str, Any]:
    return {
        "name": entry.name,
        "library": entry.library,
        "function": entry.function,
        "inputSize": entry.input_size,
        "minimumSize": entry.minimum_size,
        "batchSize": entry.batch_size,
        "optimizer": entry.optimizer.value,
        "learningRates": {optimizer.value: rate for optimizer, rate in entry.learning_rates.items()},
        "mean": list(entry.mean),
        "std": list(entry.std),
        "purpose": entry.purpose,
    }
