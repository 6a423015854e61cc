"""Published versions without a training: their small files as a run writes them, made by hand in milliseconds."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from support.modelversions import modelversion
from tintype_api.modelversion import ModelVersion, model_digest, resolve
from tintype_trainer.datasets.dataset import Split
from tintype_trainer.evaluation.making import Evaluated
from tintype_trainer.learners.predictions import Predictions
from tintype_trainer.metrics.measures import Measures
from tintype_trainer.output.predictions import predictions_jsonl_gz
from tintype_trainer.output.publishing import Publisher
from tintype_trainer.storage import Store

EPOCH = {"epoch": 1.0, "iteration": 10, "learningRate": 0.1, "trainLoss": 0.5, "seconds": 61.0}
NOTHING_MEASURED = Measures(0, None, None, None, ())


def published(
    folder: Path,
    name: str,
    changes: Mapping[str, Any] | None = None,
    *,
    indicator: float | None = 0.9,
    interval: tuple[float, float] | None = (0.85, 0.95),
    test: float | None = None,
    validation_digest: str | None = "sha256:valid",
    dataset_digest: str = "sha256:0123456789abcdef",
    predictions: Predictions | None = None,
    thresholds: Mapping[str, float] | None = None,
    epochs: Sequence[Mapping[str, Any]] = (EPOCH,),
    files: Mapping[str, bytes] | None = None,
) -> Path:
    """Publish a version below a folder, with `changes` to the smallest ModelVersion, and return its own folder."""
    document = modelversion({"spec.output.uri": folder.as_uri(), **(changes or {})}, name=name)
    version = resolve(ModelVersion.parse(document))
    spec = version.spec
    figure = "accuracy" if spec.view.type.value == "Classification" else "mAP"
    card = {
        "view": spec.view.to_wire(),
        "model": model_digest(spec),
        "input": {"mean": [0.5] * 3, "std": [0.5] * 3},
        "output": {"thresholds": dict(thresholds or dict.fromkeys(spec.concepts, 0.0))},
        "dataset": {"validationDigest": validation_digest},
        "best": {} if indicator is None else {"performanceIndicator": indicator, "performanceIndicatorName": figure},
    }
    between = None if interval is None else {"lower": interval[0], "upper": interval[1], "resamples": 1000}
    publisher = Publisher(Store.from_settings(), version, f"run-{name}")
    publisher.begin()
    publisher.add("model.json", json.dumps(card).encode())
    evaluation = {"validation": {f"{figure}Interval": between}, "test": None if test is None else {figure: test}}
    publisher.add("evaluation.json", json.dumps(evaluation).encode())
    publisher.add("metrics.jsonl", "".join(json.dumps(epoch) + "\n" for epoch in epochs).encode())
    if predictions is not None:
        ids = [f"{place:03}.png" for place in range(len(predictions.losses_N))]
        evaluated = Evaluated(ids, predictions, NOTHING_MEASURED)
        publisher.add(
            "predictions.jsonl.gz",
            predictions_jsonl_gz({Split.VALIDATION: evaluated}, dict.fromkeys(spec.concepts, 0.5)),
        )
    for file, content in (files or {}).items():
        publisher.add(file, content)
    publisher.finish(dataset_digest)
    return folder / version.metadata.namespace / name


def one_hot(labels: Sequence[int], concepts: int) -> "np.ndarray[Any, np.dtype[np.float32]]":
    """Return 1 for the concept of each label, else 0."""
    return np.eye(concepts, dtype=np.float32)[list(labels)]
