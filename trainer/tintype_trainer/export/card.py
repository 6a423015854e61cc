"""What model.json says of ONNX, under `onnx`, where `output.formats` asks for it. Pure."""

from typing import Annotated, Final, Literal, TypeAlias

from pydantic import Field

from tintype_api.model import Model

ONNX_FILE: Final = "model.onnx"
INPUT: Final = "images"
LOGITS: Final = "logits"
BOXES: Final = "boxes"
SCORES: Final = "scores"
LABELS: Final = "labels"


class OnnxExported(Model):
    """The file that was published, and how it was checked."""

    file: Literal["model.onnx"] = ONNX_FILE
    input_name: str = INPUT
    """float32 (batch, 3, height, width), normalised as `input` says."""
    output_names: tuple[str, ...]
    """logits (batch, concepts); of a detector boxes (N, 4), scores (N) and labels (N), the concept's index from 0."""
    batch: Literal["any", 1]
    """Images at a time."""
    opset: int
    """Of ONNX's own operators."""
    max_difference: Annotated[float, Field(ge=0)]
    """The largest by which a score differed from the trained network's."""
    examples_checked: Annotated[int, Field(ge=1)]
    """Examples of the data set on which both were compared."""


class OnnxNotExported(Model):
    """Why there is no file."""

    not_exported: Annotated[str, Field(max_length=1024)]


OnnxCard: TypeAlias = OnnxExported | OnnxNotExported


def not_exported(card: OnnxCard | None) -> str | None:
    """Return why there is no file although it was asked for."""
    return card.not_exported if isinstance(card, OnnxNotExported) else None
