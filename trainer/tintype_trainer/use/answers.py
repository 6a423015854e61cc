"""From a network's answer to a line of JSON: what was decided at the version's thresholds, and all scores. Pure."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tintype_api.spec.view import ViewType
from tintype_trainer.metrics.boxes import DetectedBoxes
from tintype_trainer.output.predictions import detections_line, scores_line
from tintype_trainer.use.predicting import Predicted


def answer_line(predicted: Predicted, view_type: ViewType, thresholds: Mapping[str, float]) -> dict[str, Any]:
    """Return the line of one picture or region.

    `id` and `uri` name it. Classification and Tagging: `predicted`, the concepts that were decided for, and `scores` of
    all; Classification has one, or none where its score is below the concept's threshold. Detection: `width` and
    `height` of the picture, and `detections` from their concept's threshold on, each with `concept`, `box` (x0 y0 x1 y1
    in pixels of the picture) and `score`. What could not be read has an `error`.
    """
    line: dict[str, Any] = {"id": predicted.wanted.id, "uri": predicted.wanted.uri}
    if predicted.answer is None:
        return line | {"error": predicted.error}
    concepts = tuple(thresholds)
    if isinstance(predicted.answer, DetectedBoxes):
        assert predicted.size is not None, "what was looked at has a size"
        width, height = predicted.size
        limits_K = np.array(list(thresholds.values()))
        found = detections_line(predicted.answer, concepts, limits_K)
        return line | {"width": width, "height": height, "detections": found}
    decided = _decided(predicted.answer, view_type, thresholds)
    return line | {"predicted": decided, "scores": scores_line(predicted.answer, concepts)}


def _decided(scores_K: NDArray[np.float64], view_type: ViewType, thresholds: Mapping[str, float]) -> list[str]:
    known_K = np.where(np.isfinite(scores_K), scores_K, -np.inf)
    reached = [name for (name, limit), score in zip(thresholds.items(), known_K, strict=True) if score >= limit]
    if view_type is ViewType.CLASSIFICATION:
        highest = list(thresholds)[int(known_K.argmax())]
        return [highest] if highest in reached else []
    return reached
