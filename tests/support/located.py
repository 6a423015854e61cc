"""Random detections beside random annotations, with everything that makes matching hard."""

import numpy as np

from tintype_trainer.learners.predictions import DetectionPredictions
from tintype_trainer.metrics.boxes import AnnotatedBoxes, DetectedBoxes


def located(images: int, concepts: int, seed: int, *, ignored: bool = True) -> DetectionPredictions:
    """Return detections near the annotated boxes, doubled, of another concept, or nowhere; scores have ties."""
    random = np.random.default_rng(seed)
    detected, annotated = [], []
    for _ in range(images):
        boxes = int(random.integers(0, 6))
        corners_M2 = random.uniform(0, 60, (boxes, 2))
        boxes_M4 = np.hstack([corners_M2, corners_M2 + random.uniform(8, 40, (boxes, 2))])
        labels_M = random.integers(0, concepts, boxes)
        ignored_M = (random.random(boxes) < 0.2) & ignored
        annotated.append(AnnotatedBoxes(boxes_M4, labels_M, ignored_M))
        detected.append(_detected(random, boxes_M4, labels_M, concepts))
    return DetectionPredictions(random.random(images), tuple(detected), tuple(annotated))


def _detected(random: np.random.Generator, boxes_M4: np.ndarray, labels_M: np.ndarray, concepts: int) -> DetectedBoxes:
    near = random.integers(0, 3, len(boxes_M4))
    boxes_N4 = np.repeat(boxes_M4, near, axis=0) + random.normal(0, 2.5, (near.sum(), 4))
    boxes_N4[:, 2:] = np.maximum(boxes_N4[:, 2:], boxes_N4[:, :2] + 1)
    labels_N = np.repeat(labels_M, near)
    other_N = random.random(len(labels_N)) < 0.2
    labels_N = np.where(other_N, random.integers(0, concepts, len(labels_N)), labels_N)
    nowhere = int(random.integers(0, 4))
    corners_N2 = random.uniform(0, 60, (nowhere, 2))
    boxes_N4 = np.vstack([boxes_N4, np.hstack([corners_N2, corners_N2 + random.uniform(8, 40, (nowhere, 2))])])
    labels_N = np.concatenate([labels_N, random.integers(0, concepts, nowhere)])
    scores_N = random.random(len(labels_N)).round(2)
    order_N = np.argsort(-scores_N, kind="stable")
    return DetectedBoxes(boxes_N4[order_N], scores_N[order_N], labels_N[order_N])
