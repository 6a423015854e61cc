"""Metrics of every kind of view, against scikit-learn and pycocotools, and the odd cases."""

import tracemalloc
from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
import pytest
from examples.shapes.draw import CONCEPTS as SHAPES
from examples.shapes.draw import draw_scene
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, average_precision_score, confusion_matrix, precision_score, recall_score

from support.coco_oracle import coco_oracle
from tintype_trainer.metrics.bootstrap import resamples
from tintype_trainer.metrics.boxes import AnnotatedBoxes, DetectedBoxes
from tintype_trainer.metrics.classification import measure_classification
from tintype_trainer.metrics.coco import coco_average_precisions
from tintype_trainer.metrics.coco_matches import ConceptMatches, average_precisions
from tintype_trainer.metrics.detection import matches, measure_detection
from tintype_trainer.metrics.measures import Measures
from tintype_trainer.metrics.tagging import average_precision, measure_tagging

CONCEPTS = ("a", "b", "c")


def one_hot(labels_N: NDArray[Any]) -> NDArray[np.float32]:
    return np.asarray(np.eye(len(CONCEPTS), dtype=np.float32)[labels_N])


def test_classification_is_as_scikit_learn_has_it() -> None:
    random = np.random.default_rng(0)
    scores_NK, labels_N = random.dirichlet(np.ones(3), 200), random.integers(0, 3, 200)
    measures = measure_classification(random.random(200), scores_NK, one_hot(labels_N), CONCEPTS)
    decided_N = scores_NK.argmax(axis=1)
    assert measures.accuracy == pytest.approx(accuracy_score(labels_N, decided_N))
    assert np.array(measures.confusion).tolist() == confusion_matrix(labels_N, decided_N).tolist()
    assert [each.precision for each in measures.concepts] == pytest.approx(
        precision_score(labels_N, decided_N, average=None)
    )
    assert [each.recall for each in measures.concepts] == pytest.approx(recall_score(labels_N, decided_N, average=None))
    assert measures.mean_average_precision is None


def test_a_concept_that_is_neither_there_nor_decided_has_no_share() -> None:
    scores_NK = np.array([[0.9, 0.1, 0.0], [0.8, 0.2, 0.0]])
    measures = measure_classification(np.zeros(2), scores_NK, one_hot(np.array([0, 1])), CONCEPTS)
    assert (measures.concepts[2].precision, measures.concepts[2].recall) == (None, None)
    assert measures.concepts_without_examples == ("c",)


@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=1, max_size=40))
def test_average_precision_is_as_scikit_learn_has_it_with_ties_too(pairs: list[tuple[int, bool]]) -> None:
    scores_N = np.array([score / 6 for score, _ in pairs])
    holds_N = np.array([holds for _, holds in pairs])
    found = average_precision(scores_N, holds_N)
    if not holds_N.any():
        assert found is None
    else:
        assert found == pytest.approx(average_precision_score(holds_N, scores_N), abs=1e-12)


def test_tagging() -> None:
    scores_NK = np.array([[0.9, 0.5, 0.1], [0.2, 0.4, 0.3], [0.6, 0.7, 0.2]])
    shares_NK = np.array([[1, 1, 0], [0, 1, 0], [0, 1, 0]], dtype=np.float32)
    measures = measure_tagging(np.array([0.1, 0.2, 0.3]), scores_NK, shares_NK, CONCEPTS)
    assert measures.loss == pytest.approx(0.2)
    assert measures.accuracy == pytest.approx(7 / 9)
    assert measures.exact_match == pytest.approx(1 / 3)
    assert [each.average_precision for each in measures.concepts] == [1.0, 1.0, None]
    assert measures.mean_average_precision == 1.0
    assert [(each.support, each.precision, each.recall) for each in measures.concepts] == [
        (1, 0.5, 1.0),
        (3, 1.0, pytest.approx(2 / 3)),
        (0, None, None),
    ]


def test_without_any_positive_there_is_no_map() -> None:
    measures = measure_tagging(np.zeros(1), np.full((1, 3), 0.2), np.zeros((1, 3), dtype=np.float32), CONCEPTS)
    assert (measures.mean_average_precision, measures.accuracy) == (None, 1.0)


@pytest.mark.parametrize("measure", [measure_classification, measure_tagging])
def test_scores_that_are_no_numbers_give_no_metrics(measure: Callable[..., Measures]) -> None:
    shares_NK = one_hot(np.array([0, 1]))
    measures = measure(np.full(2, np.nan), np.full((2, 3), np.nan), shares_NK, CONCEPTS)
    assert (measures.loss, measures.accuracy, measures.mean_average_precision) == (None, None, None)


def random_boxes(random: np.random.Generator, count: int) -> NDArray[np.float64]:
    corners_N2, sides_N2 = random.uniform(0, 400, (count, 2)), random.uniform(4, 120, (count, 2))
    return np.hstack([corners_N2, corners_N2 + sides_N2])


def scene(random: np.random.Generator, images: int, concepts: int) -> tuple[list[DetectedBoxes], list[AnnotatedBoxes]]:
    """Return annotated boxes, and detections that are near some of them, elsewhere, doubled or of another concept."""
    detected, annotated = [], []
    for _ in range(images):
        truth_M4 = random_boxes(random, int(random.integers(0, 8)))
        labels_M = random.integers(0, concepts, len(truth_M4))
        annotated.append(AnnotatedBoxes(truth_M4, labels_M, random.random(len(truth_M4)) < 0.15))
        near_4 = np.repeat(truth_M4, 2, axis=0) + random.normal(0, 6, (2 * len(truth_M4), 4))
        near_4[:, 2:] = np.maximum(near_4[:, 2:], near_4[:, :2] + 1)
        found_N4 = np.vstack([near_4, random_boxes(random, int(random.integers(0, 60)))])
        of_N = np.concatenate([np.repeat(labels_M, 2), random.integers(0, concepts, len(found_N4) - len(near_4))])
        scores_N = np.sort(random.random(len(found_N4)).round(2))[::-1]
        order_N = random.permutation(len(found_N4))
        detected.append(DetectedBoxes(found_N4[order_N], scores_N, of_N[order_N]))
    return detected, annotated


@pytest.mark.parametrize("seed", range(6))
def test_coco_ap_of_random_boxes_is_as_pycocotools_has_it(seed: int, capfd: pytest.CaptureFixture[str]) -> None:
    detected, annotated = scene(np.random.default_rng(seed), 25, 4)
    found = coco_average_precisions(detected, annotated, 4)
    assert capfd.readouterr() == ("", "")
    expected = coco_oracle(detected, annotated, 4)
    assert [-1.0 if each is None else each for each in found] == pytest.approx(expected, abs=1e-6)


def test_coco_ap_of_drawn_scenes_is_as_pycocotools_has_it() -> None:
    pen, random = Random(0), np.random.default_rng(0)
    detected, annotated = [], []
    for _ in range(40):
        _, shapes = draw_scene(pen)
        truth_M4 = np.array([shape.box for shape in shapes]).reshape(-1, 4)
        labels_M = np.array([SHAPES.index(shape.concept) for shape in shapes], dtype=np.int64)
        annotated.append(AnnotatedBoxes(truth_M4, labels_M, np.zeros(len(shapes), dtype=np.bool_)))
        near_N4 = np.repeat(truth_M4, 40, axis=0) + random.normal(0, 2, (40 * len(shapes), 4))
        scores_N = np.sort(random.random(len(near_N4)))[::-1]
        detected.append(DetectedBoxes(near_N4, scores_N, np.repeat(labels_M, 40)))
    assert max(len(each.scores_N) for each in detected) > 100
    found = coco_average_precisions(detected, annotated, len(SHAPES))
    assert found == pytest.approx(coco_oracle(detected, annotated, len(SHAPES)), abs=1e-6)


def nothing() -> DetectedBoxes:
    return DetectedBoxes(np.zeros((0, 4)), np.zeros(0), np.zeros(0, dtype=np.int64))


def boxes(*corners: tuple[float, float, float, float], label: int = 0, crowd: bool = False) -> AnnotatedBoxes:
    return AnnotatedBoxes(
        np.array(corners, dtype=np.float64).reshape(-1, 4),
        np.full(len(corners), label, dtype=np.int64),
        np.full(len(corners), crowd),
    )


def found(*rows: tuple[tuple[float, float, float, float], float, int]) -> DetectedBoxes:
    return DetectedBoxes(
        np.array([row[0] for row in rows], dtype=np.float64).reshape(-1, 4),
        np.array([row[1] for row in rows]),
        np.array([row[2] for row in rows], dtype=np.int64),
    )


BOX, NEAR, FAR = (0.0, 0.0, 10.0, 10.0), (0.0, 0.0, 10.0, 9.0), (50.0, 50.0, 60.0, 60.0)


@pytest.mark.parametrize(
    ("detected", "annotated", "counted"),
    [
        (nothing(), boxes(BOX), (0, 0, 1)),
        (found((NEAR, 0.9, 0)), boxes(BOX), (1, 0, 0)),
        (found((NEAR, 0.4, 0)), boxes(BOX), (0, 0, 1)),
        (found((NEAR, 0.9, 0), (BOX, 0.8, 0)), boxes(BOX), (1, 1, 0)),
        (found((FAR, 0.9, 0)), boxes(BOX), (0, 1, 1)),
        (found((BOX, 0.9, 0)), boxes(BOX, crowd=True), (0, 0, 0)),
        (found((FAR, 0.9, 0)), boxes(), (0, 1, 0)),
        (found((BOX, 0.9, 1)), boxes(BOX), (0, 0, 1)),
    ],
)
def test_matches_of_a_score_and_an_overlap_of_a_half(
    detected: DetectedBoxes, annotated: AnnotatedBoxes, counted: tuple[int, int, int]
) -> None:
    assert tuple(matches(detected, annotated, 2)[0]) == counted


def test_detection() -> None:
    detected = [found((BOX, 0.9, 0), (FAR, 0.8, 0)), found((BOX, 0.7, 1)), nothing()]
    annotated = [boxes(BOX), boxes(BOX, label=1), boxes(FAR, label=1)]
    measures = measure_detection(np.array([1.0, 2.0, 3.0]), detected, annotated, CONCEPTS)
    assert measures.loss == pytest.approx(2.0)
    assert measures.accuracy == pytest.approx(2 / 4)
    assert [each.average_precision for each in measures.concepts] == pytest.approx([1.0, 51 / 101, None])
    assert measures.mean_average_precision == pytest.approx((1 + 51 / 101) / 2)
    assert [(each.support, each.precision, each.recall) for each in measures.concepts] == [
        (1, 0.5, 1.0),
        (2, 1.0, 0.5),
        (0, None, None),
    ]


@pytest.mark.parametrize(
    ("annotated", "accuracy", "mean"), [([boxes(BOX)], 0.0, 0.0), ([boxes()], None, None)], ids=["boxes", "none"]
)
def test_a_detector_that_finds_nothing(annotated: list[AnnotatedBoxes], accuracy: float, mean: float) -> None:
    measures = measure_detection(np.zeros(1), [nothing()], annotated, CONCEPTS)
    assert (measures.accuracy, measures.mean_average_precision) == (accuracy, mean)


def test_detections_that_are_no_numbers_are_none() -> None:
    nan = float("nan")
    detected = [found((BOX, nan, 0), ((nan, 0.0, 1.0, 1.0), 0.9, 0), (BOX, 0.8, 0))]
    assert coco_average_precisions(detected, [boxes(BOX)], 1) == (pytest.approx(1.0),)


@settings(max_examples=25)
@given(st.integers(0, 2**31 - 1))
def test_counted_boxes_are_all_boxes(seed: int) -> None:
    detected, annotated = scene(np.random.default_rng(seed), 3, 2)
    for each, truth in zip(detected, annotated, strict=True):
        table_K3 = matches(each, truth, 2)
        supports = [int((~truth.ignored_M & (truth.labels_M == concept)).sum()) for concept in range(2)]
        assert (table_K3[:, 0] + table_K3[:, 2]).tolist() == supports


def test_resampling_many_detections_takes_little_memory() -> None:
    images, each = 2000, 100
    random = np.random.default_rng(0)
    right_TN = random.random((10, images * each)) < 0.01
    of_images_N = np.repeat(np.arange(images), each)
    matches = ConceptMatches(
        scores_N=np.linspace(1, 0, images * each),
        images_N=random.permutation(of_images_N),
        overlaps_N=np.zeros(images * each),
        right_TN=right_TN,
        ignored_TN=np.zeros_like(right_TN),
        boxes_I=np.full(images, 5),
    )
    weights_RI = next(resamples(images))
    tracemalloc.start()
    together = average_precisions(matches, weights_RI)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 250e6
    alone = [average_precisions(matches, weights_I[None])[:, 0] for weights_I in weights_RI[:3]]
    assert np.array_equal(together[:, :3], np.stack(alone, axis=1))
