"""From a trained network to a checked model.onnx, or to the reason why there is none."""

import copy
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

from tintype_api.spec.view import ViewType
from tintype_trainer.export.card import LOGITS, OnnxCard, OnnxExported, OnnxNotExported
from tintype_trainer.export.comparing import Agreement, compare_detections, compare_scores
from tintype_trainer.export.network import OnnxNetwork
from tintype_trainer.export.writing import DETECTION_OUTPUTS, LARGEST_BYTES, OPSET, weight_bytes, write_onnx
from tintype_trainer.learners.scores import scores_of
from tintype_trainer.sentences import first_line

LONGEST_CAUSE: Final = 500
"""Characters of an error that a user is shown."""


def make_onnx(
    network: nn.Module, view: ViewType, traced_13HW: Tensor, checked: Iterable[Tensor], path: Path, threads: int
) -> OnnxCard:
    """Write a network to `path` and compare what onnxruntime makes of it with the network itself, on the CPU.

    Nothing that goes wrong with it ends the run: the version is then published without it, with the reason. What is
    at `path` is to be published only where the result is an `OnnxExported`.

    Args:
        network: The trained network; it stays as it is.
        view: What the network answers.
        traced_13HW: The normalised image to trace it by.
        checked: Batches of other normalised images, (B, 3, H, W), of at least two sizes where there are enough.
        path: A file that is not there.
        threads: Threads of onnxruntime.
    """
    size_bytes = weight_bytes(network)
    if size_bytes > LARGEST_BYTES:
        return OnnxNotExported(
            not_exported=f"the weights have {size_bytes / 2**30:.1f} GiB, and a file of ONNX holds less than 2 GiB; "
            "choose a smaller architecture"
        )
    try:
        on_cpu = copy.deepcopy(network).to("cpu").eval()
        agreement = _write_and_compare(on_cpu, view, traced_13HW, checked, path, threads)
    except Exception as error:  # noqa: BLE001  # exporters raise anything, a copy may find no memory, and none of it may end a good training
        return OnnxNotExported(not_exported=f"torch's exporter or onnxruntime failed: {_cause(error)}")
    if agreement.fault is not None:
        return OnnxNotExported(
            not_exported=f"compared with the trained network on {agreement.examples} examples, {agreement.fault}"
        )
    return _card(view, agreement)


def describe(card: OnnxCard) -> str:
    """Return what came of the export, in one sentence. Pure."""
    if isinstance(card, OnnxNotExported):
        return f"published without ONNX: {card.not_exported}"
    return (
        f"{card.file} answers as the network on {card.examples_checked} examples, "
        f"scores within {card.max_difference:.2g}"
    )


def _write_and_compare(
    network: nn.Module, view: ViewType, traced_13HW: Tensor, checked: Iterable[Tensor], path: Path, threads: int
) -> Agreement:
    write_onnx(network, traced_13HW, path)
    exported = OnnxNetwork(path, threads)
    with torch.no_grad():
        pairs: list[tuple[Any, Any]] = [(network(images_B3HW), exported(images_B3HW)) for images_B3HW in checked]
    if view is ViewType.DETECTION:
        return compare_detections([pair for found in pairs for pair in zip(*found, strict=True)])
    return compare_scores([(scores_of(one, view), scores_of(other, view)) for one, other in pairs])


def _card(view: ViewType, agreement: Agreement) -> OnnxExported:
    detection = view is ViewType.DETECTION
    return OnnxExported(
        output_names=DETECTION_OUTPUTS if detection else (LOGITS,),
        batch=1 if detection else "any",
        opset=OPSET,
        max_difference=agreement.max_difference,
        examples_checked=agreement.examples,
    )


def _cause(error: BaseException) -> str:
    """Return what an error was caused by, in a line; exporters wrap it in pages of advice."""
    while error.__cause__ is not None:
        error = error.__cause__
    return f"{type(error).__name__}: {first_line(error)[:LONGEST_CAUSE]}"
