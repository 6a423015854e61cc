"""Versions that are really trained, in seconds, by the command that people use, and what they publish."""

import gzip
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from support.modelversions import modelversion
from tintype_trainer.commandline import run_command_line
from tintype_trainer.interruption import Interruption


def train(
    folder: Path, name: str, view: Mapping[str, object], concepts: Sequence[str], architecture: str, **spec: object
) -> Path:
    """Train three steps on the scenes below a folder; return where the version is published."""
    document = modelversion(
        {
            "spec.view": dict(view),
            "spec.concepts": list(concepts),
            "spec.dataset.uri": (folder / "scenes.jsonl").as_uri(),
            "spec.output.uri": (folder / "models").as_uri(),
            "spec.training": {
                "architecture": architecture,
                "initialWeights": {"source": "Random"},
                "iterations": 3,
                "batchSize": 6,
            },
            "spec.imageResizer": {"type": "KeepAspectRatio", "maxDimension": 64},
            "spec.compute": {"gpus": 0, "cpu": "1", "memory": "3Gi"},
            **{f"spec.{path}": value for path, value in spec.items()},
        },
        name=name,
    )
    file = folder / f"{name}.json"
    file.write_text(json.dumps(document))
    assert run_command_line(["run", str(file), "--cache", str(folder / "cache")], Interruption()) == 0
    return folder / "models" / document["metadata"].get("namespace", "default") / name


def lines_of(text: str) -> list[dict[str, Any]]:
    """Return the documents of JSON lines."""
    return [json.loads(line) for line in text.splitlines()]


def predictions(version: Path) -> dict[str, dict[str, Any]]:
    """Return the published predictions by the examples' ids."""
    content = published_file(version, "predictions.jsonl.gz")
    return {line["id"]: line for line in lines_of(gzip.decompress(content).decode())}


def published_file(version: Path, name: str) -> bytes:
    """Return the content of a published file."""
    return published_path(version, name).read_bytes()


def published_path(version: Path, name: str) -> Path:
    """Return where a published file is."""
    manifest = json.loads((version / "manifest.json").read_text())
    (path,) = [file["path"] for file in manifest["files"] if file["name"] == name]
    return version / str(path)
