"""COCO's average precision by pycocotools, which ours is held against."""

import contextlib
import io
from collections.abc import Sequence

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from tintype_trainer.metrics.boxes import AnnotatedBoxes, DetectedBoxes


def coco_oracle(
    detected: Sequence[DetectedBoxes],
    annotated: Sequence[AnnotatedBoxes],
    concepts: int,
    levels: slice = slice(None),
) -> list[float]:
    """Return each concept's AP by pycocotools, over all ten overlaps or some of them; -1 where it has no box."""
    annotations = [
        {
            "image_id": image,
            "category_id": int(label) + 1,
            "bbox": [box[0], box[1], box[2] - box[0], box[3] - box[1]],
            "area": (box[2] - box[0]) * (box[3] - box[1]),
            "iscrowd": int(crowd),
        }
        for image, truth in enumerate(annotated, 1)
        for box, label, crowd in zip(truth.boxes_M4, truth.labels_M, truth.ignored_M, strict=True)
    ]
    results = [
        {
            "image_id": image,
            "category_id": int(label) + 1,
            "bbox": [box[0], box[1], box[2] - box[0], box[3] - box[1]],
            "score": float(score),
        }
        for image, found in enumerate(detected, 1)
        for box, label, score in zip(found.boxes_N4, found.labels_N, found.scores_N, strict=True)
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = {
            "info": {},
            "images": [{"id": image} for image in range(1, len(annotated) + 1)],
            "categories": [{"id": concept + 1, "name": str(concept)} for concept in range(concepts)],
            "annotations": [each | {"id": number} for number, each in enumerate(annotations, 1)],
        }
        truth.createIndex()
        evaluator = COCOeval(truth, truth.loadRes(results), "bbox")
        evaluator.evaluate()
        evaluator.accumulate()
    precision = evaluator.eval["precision"][levels, :, :, 0, 2]
    return [
        float(precision[:, :, k][precision[:, :, k] > -1].mean()) if (precision[:, :, k] > -1).any() else -1.0
        for k in range(concepts)
    ]
