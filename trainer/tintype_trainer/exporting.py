"""Within the last stage: the best network as ONNX, where output.formats asks for it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from tintype_api.spec import ModelVersionSpec
from tintype_api.spec.run import OutputFormat
from tintype_api.spec.view import ViewType
from tintype_trainer.export.card import ONNX_FILE, OnnxCard, OnnxExported, OnnxNotExported
from tintype_trainer.export.making import describe, make_onnx
from tintype_trainer.learners import Learner
from tintype_trainer.learners.evaluating import inputs_of
from tintype_trainer.loop.records import Examples
from tintype_trainer.networks.weights import Normalisation
from tintype_trainer.output.publishing import Publisher
from tintype_trainer.pixels.batches import Loader
from tintype_trainer.reporting.journal import Journal
from tintype_trainer.storage import temporary_folder

CHECKED_EXAMPLES: Final = 16
"""On which the exported network is compared with the trained one, besides the one that it is traced by."""
CHECKED_AT_ONCE: Final = 3


def export_best(
    publisher: Publisher,
    spec: ModelVersionSpec,
    examples: Examples,
    learner: Learner,
    loader: Loader,
    normalisation: Normalisation,
    cache: Path,
    journal: Journal,
) -> OnnxCard | None:
    """Export the learner's network, check it and add it to what is published; None where nobody asks for it.

    What goes wrong with it is said in the log and in what is returned.

    Args:
        publisher: Who publishes the file.
        spec: The resolved spec.
        examples: Of the run.
        learner: With the best weights.
        loader: Makes batches of the examples.
        normalisation: What the network expects of its input.
        cache: Folder for the file until it is published.
        journal: Who is told.
    """
    if OutputFormat.ONNX not in spec.output.formats:
        return None
    with temporary_folder(cache) as folder:
        path = Path(folder, ONNX_FILE)
        card = _export(spec.view.type, examples_to_check(examples), learner, loader, normalisation, path)
        if isinstance(card, OnnxExported):
            publisher.add(ONNX_FILE, path)
    journal.note(describe(card))
    return card


def examples_to_check(examples: Examples) -> list[int]:
    """Return the example to trace a network by and up to 16 others, spread over the validation set.

    Where that is too small there are training examples among them. Pure.
    """
    wanted = 1 + CHECKED_EXAMPLES
    validation = spread(examples.validation, wanted)
    return validation + spread(sorted(set(examples.train)), wanted - len(validation))


def spread(indices: Sequence[int], count: int) -> list[int]:
    """Return at most so many of them, at even distances. Pure."""
    kept = min(count, len(indices))
    return [indices[place * len(indices) // kept] for place in range(kept)]


def _export(
    view: ViewType, chosen: Sequence[int], learner: Learner, loader: Loader, normalisation: Normalisation, path: Path
) -> OnnxCard:
    if len(chosen) < 2:
        return OnnxNotExported(not_exported="the data set has one example, and none is left to check the export with")
    device = replace(learner.device, torch_device=torch.device("cpu"))

    def images(indices: Sequence[int], at_once: int) -> Iterator[Tensor]:
        return (inputs_of(batch, device, normalisation) for batch in loader.evaluation(indices, at_once))

    (traced_13HW,) = images(chosen[:1], 1)
    at_once = 1 if view is ViewType.DETECTION else CHECKED_AT_ONCE
    checked = chain(images(chosen[1:2], 1), images(chosen[2:], at_once))
    return make_onnx(learner.network, view, traced_13HW, checked, path, device.threads)
