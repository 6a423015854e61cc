"""COCO's average precision, by faster-coco-eval; the one module that knows that library."""

import contextlib
import io
import logging
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from faster_coco_eval import COCO, COCOeval_faster

from tintype_trainer.metrics.boxes import AnnotatedBoxes, DetectedBoxes

MAX_DETECTIONS: Final = 100
_ALL_AREAS: Final = 0


def coco_average_precisions(
    detected: Sequence[DetectedBoxes], annotated: Sequence[AnnotatedBoxes], concepts: int
) -> tuple[float | None, ...]:
    """Return each concept's AP: IoU 0.50:0.05:0.95, all areas, 100 detections an image; None where it has no box."""
    has_boxes = [
        any(bool((~truth.ignored_M & (truth.labels_M == concept)).any()) for truth in annotated)
        for concept in range(concepts)
    ]
    found = _detections(detected)
    if not found or not any(has_boxes):
        return tuple(0.0 if there else None for there in has_boxes)
    with _silent():
        truth = COCO(_dataset(annotated, concepts))
        evaluator = COCOeval_faster(truth, truth.loadRes(found), iouType="bbox")
        evaluator.evaluate()
        evaluator.accumulate()
    precision_TRKAM = np.asarray(evaluator.eval["precision"])
    return tuple(
        _mean(precision_TRKAM[:, :, concept, _ALL_AREAS, -1]) if there else None
        for concept, there in enumerate(has_boxes)
    )


def _mean(precision_TR: Any) -> float:  # noqa: ANN401  # numpy's own arrays of any kind
    return float(precision_TR[precision_TR > -1].mean())


def _dataset(annotated: Sequence[AnnotatedBoxes], concepts: int) -> dict[str, Any]:
    annotations: list[dict[str, Any]] = []
    for image, truth in enumerate(annotated, start=1):
        for box_4, label, ignored in zip(truth.boxes_M4, truth.labels_M, truth.ignored_M, strict=True):
            box = _xywh(box_4)
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image,
                    "category_id": int(label) + 1,
                    "bbox": box,
                    "area": box[2] * box[3],
                    "iscrowd": int(ignored),
                }
            )
    return {
        "images": [{"id": image} for image in range(1, len(annotated) + 1)],
        "categories": [{"id": concept + 1, "name": str(concept)} for concept in range(concepts)],
        "annotations": annotations,
    }


def _detections(detected: Sequence[DetectedBoxes]) -> list[dict[str, Any]]:
    return [
        {"image_id": image, "category_id": int(label) + 1, "bbox": _xywh(box_4), "score": float(score)}
        for image, found in enumerate(detected, start=1)
        for box_4, score, label in zip(found.boxes_N4, found.scores_N, found.labels_N, strict=True)
        if np.isfinite(score) and np.isfinite(box_4).all()
    ]


def _xywh(box_4: Any) -> list[float]:  # noqa: ANN401  # a row of an array
    x0, y0, x1, y1 = (float(number) for number in box_4)
    return [x0, y0, x1 - x0, y1 - y0]


@contextlib.contextmanager
def _silent() -> Any:  # noqa: ANN401  # contextmanager types it
    logger = logging.getLogger("faster_coco_eval")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logger.setLevel(level)
