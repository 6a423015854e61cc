"""COCO's average precision, by faster-coco-eval; the one module that knows that library."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
from faster_coco_eval import COCO, COCOeval_faster
from numpy.typing import NDArray

from tintype_trainer.metrics.boxes import AnnotatedBoxes, DetectedBoxes

MAX_DETECTIONS: Final = 100


def coco_average_precisions(
    detected: Sequence[DetectedBoxes], annotated: Sequence[AnnotatedBoxes], concepts: int
) -> tuple[float | None, ...]:
    """Return each concept's AP: IoU 0.50:0.05:0.95, all areas, 100 detections an image; None where it has no box."""
    labels_M = np.concatenate([truth.labels_M[~truth.ignored_M] for truth in annotated])
    has_boxes = [count > 0 for count in np.bincount(labels_M, minlength=concepts)]
    found = _detections(detected)
    if not found or not any(has_boxes):
        return tuple(0.0 if there else None for there in has_boxes)
    precision_TRK = _precision(COCO(_dataset(annotated, concepts), print_function=_silent), found)
    return tuple(_mean(precision_TRK[:, :, concept]) if there else None for concept, there in enumerate(has_boxes))


def _precision(truth: COCO, found: list[dict[str, Any]]) -> NDArray[np.float64]:
    evaluator = COCOeval_faster(truth, truth.loadRes(found), iouType="bbox", print_function=_silent)
    evaluator.params.maxDets = [MAX_DETECTIONS]
    evaluator.params.areaRng = evaluator.params.areaRng[:1]
    evaluator.params.areaRngLbl = evaluator.params.areaRngLbl[:1]
    assert evaluator.params.areaRngLbl == ["all"]
    evaluator.evaluate()
    evaluator.accumulate()
    return np.asarray(evaluator.eval["precision"])[:, :, :, 0, 0]


def _silent(*_: object) -> None:
    """Say nothing, whatever the level of logging."""


def _mean(precision_TR: NDArray[np.float64]) -> float:
    return float(precision_TR[precision_TR > -1].mean())


def _dataset(annotated: Sequence[AnnotatedBoxes], concepts: int) -> dict[str, Any]:
    annotations: list[dict[str, Any]] = []
    for image, truth in enumerate(annotated, start=1):
        boxes_M4 = _xywh(truth.boxes_M4).tolist()
        for box, label, ignored in zip(boxes_M4, truth.labels_M, truth.ignored_M, strict=True):
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
        {"image_id": image, "category_id": label + 1, "bbox": box, "score": score}
        for image, found in enumerate(detected, start=1)
        for box, score, label in _finite(found)
    ]


def _finite(found: DetectedBoxes) -> Iterator[tuple[list[float], float, int]]:
    finite_N = np.isfinite(found.scores_N) & np.isfinite(found.boxes_N4).all(axis=1)
    boxes_N4 = _xywh(found.boxes_N4[finite_N])
    return zip(boxes_N4.tolist(), found.scores_N[finite_N].tolist(), found.labels_N[finite_N].tolist(), strict=True)


def _xywh(boxes_N4: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.hstack([boxes_N4[:, :2], boxes_N4[:, 2:] - boxes_N4[:, :2]])
