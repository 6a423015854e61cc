"""evaluation.json against scikit-learn, pycocotools and the formulas of the papers, and its answers to odd cases."""

import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, confusion_matrix, precision_recall_fscore_support

from support.coco_oracle import coco_oracle
from support.located import located
from tintype_api.spec.view import ViewType
from tintype_api.status import Best
from tintype_trainer.datasets.dataset import Split
from tintype_trainer.evaluation.document import Evaluation, schema_json
from tintype_trainer.evaluation.for_status import status_concepts
from tintype_trainer.evaluation.making import Evaluated, evaluate_elsewhere, evaluate_training
from tintype_trainer.learners.predictions import DetectionPredictions, ScorePredictions
from tintype_trainer.metrics.boxes import AnnotatedBoxes, DetectedBoxes
from tintype_trainer.metrics.classification import measure_classification
from tintype_trainer.metrics.detection import measure_detection
from tintype_trainer.metrics.tagging import measure_tagging

CONCEPTS = ("a", "b", "c")
BEST = Best(epoch=2, iteration=20, selected_by="mAP", performance_indicator=0.75, performance_indicator_name="mAP")
SCHEMA = Path(__file__).parents[2] / "trainer" / "evaluation.schema.json"


def scored(view_type: ViewType, scores_NK: NDArray[np.float64], shares_NK: NDArray[np.float32]) -> Evaluated:
    measure = measure_classification if view_type is ViewType.CLASSIFICATION else measure_tagging
    losses_N = np.zeros(len(scores_NK))
    measures = measure(losses_N, scores_NK, shares_NK, CONCEPTS[: scores_NK.shape[1]])
    predictions = ScorePredictions(losses_N, scores_NK, shares_NK)
    return Evaluated([f"{place}.png" for place in range(len(scores_NK))], predictions, measures)


def detected(predictions: DetectionPredictions, concepts: tuple[str, ...] = CONCEPTS) -> Evaluated:
    measures = measure_detection(predictions.losses_N, predictions.detected, predictions.annotated, concepts)
    return Evaluated([f"{place}.png" for place in range(len(predictions.detected))], predictions, measures)


def classes(count: int, seed: int = 0) -> Evaluated:
    random = np.random.default_rng(seed)
    labels_N = random.integers(0, 3, count)
    scores_NK = random.dirichlet(np.ones(3), count)
    scores_NK[np.arange(count), labels_N] += 0.3
    scores_NK /= scores_NK.sum(axis=1, keepdims=True)
    return scored(ViewType.CLASSIFICATION, scores_NK, np.eye(3, dtype=np.float32)[labels_N])


def tags(count: int, seed: int = 0) -> Evaluated:
    random = np.random.default_rng(seed)
    shares_NK = (random.random((count, 3)) < 0.3).astype(np.float32)
    return scored(ViewType.TAGGING, (random.random((count, 3)) + 0.4 * shares_NK) / 1.4, shares_NK)


VIEWS = {
    ViewType.CLASSIFICATION: lambda seed: classes(60, seed),
    ViewType.TAGGING: lambda seed: tags(60, seed),
    ViewType.DETECTION: lambda seed: detected(located(12, len(CONCEPTS), seed)),
}


def evaluation(view_type: ViewType, **splits: Evaluated) -> Evaluation:
    return evaluate_training(view_type, CONCEPTS, BEST, {Split[name.upper()]: of for name, of in splits.items()})


@pytest.mark.parametrize("view_type", ViewType)
def test_the_file_is_as_its_schema_says(view_type: ViewType) -> None:
    made = evaluation(view_type, validation=VIEWS[view_type](0), test=VIEWS[view_type](1), train=VIEWS[view_type](2))
    document = json.loads(made.to_bytes())
    jsonschema.validate(document, json.loads(schema_json()))
    assert (document["kind"], document["best"], document["thresholdsFrom"]) == (
        "Evaluation",
        BEST.to_wire(),
        "Validation",
    )
    assert {"validation", "test", "train"} <= document.keys()
    assert Evaluation.model_validate(document).to_bytes() == made.to_bytes()


def test_the_schema_in_the_repository_is_as_generated() -> None:
    assert SCHEMA.read_bytes() == schema_json(), "trainer/evaluation.schema.json is stale; run make generate"


@pytest.mark.parametrize("view_type", ViewType)
def test_test_figures_are_at_the_thresholds_of_validation(view_type: ViewType) -> None:
    validation, test = VIEWS[view_type](0), VIEWS[view_type](1)
    both = evaluation(view_type, validation=validation, test=test)
    assert both.validation is not None
    assert both.test is not None
    assert both.validation.thresholds_chosen_here == (view_type is not ViewType.CLASSIFICATION)
    assert not both.test.thresholds_chosen_here
    assert {each.name: each.threshold for each in both.test.per_concept} == both.thresholds
    again = evaluate_elsewhere(view_type, both.thresholds, test)
    assert again.dataset == both.test
    assert again.thresholds_from == "Version"


@pytest.mark.parametrize(
    ("view_type", "threshold"), [(ViewType.CLASSIFICATION, 0.0), (ViewType.TAGGING, 0.5), (ViewType.DETECTION, 0.5)]
)
def test_without_a_validation_set_nothing_is_invented(view_type: ViewType, threshold: float) -> None:
    alone = evaluation(view_type, test=VIEWS[view_type](1))
    assert alone.thresholds == dict.fromkeys(CONCEPTS, threshold)
    assert alone.thresholds_from == "Default"
    assert alone.note is not None
    assert "there is no validation set" in alone.note
    assert "validation" not in json.loads(alone.to_bytes())
    assert status_concepts(alone) == ()
    nothing = json.loads(evaluation(view_type).to_bytes())
    assert nothing.keys() & {"validation", "test", "train", "dataset"} == set()


def test_classification_is_as_scikit_learn_has_it() -> None:
    of = classes(300)
    assert isinstance(of.predictions, ScorePredictions)
    labels_N, scores_NK = of.predictions.shares_NK.argmax(axis=1), of.predictions.scores_NK
    split = evaluation(ViewType.CLASSIFICATION, validation=of).validation
    assert split is not None
    decided_N = scores_NK.argmax(axis=1)
    precision, recall, f1, support = precision_recall_fscore_support(labels_N, decided_N)
    assert [each.precision for each in split.per_concept] == pytest.approx(precision)
    assert [each.recall for each in split.per_concept] == pytest.approx(recall)
    assert [each.f1 for each in split.per_concept] == pytest.approx(f1)
    assert [each.support for each in split.per_concept] == support.tolist()
    for mean, average in ((split.micro, "micro"), (split.macro, "macro")):
        expected = precision_recall_fscore_support(labels_N, decided_N, average=average)[:3]
        assert (mean.precision, mean.recall, mean.f1) == pytest.approx(expected)
    assert split.confusion_matrix is not None
    assert [row[:-1] for row in split.confusion_matrix.counts] == [
        tuple(row) for row in confusion_matrix(labels_N, decided_N).tolist()
    ]
    for place, each in enumerate(split.per_concept):
        assert each.average_precision == pytest.approx(average_precision_score(labels_N == place, scores_NK[:, place]))


def test_a_threshold_of_classification_only_rejects() -> None:
    scores_NK = np.array([[0.9, 0.05, 0.05], [0.5, 0.3, 0.2], [0.2, 0.7, 0.1]])
    of = scored(ViewType.CLASSIFICATION, scores_NK, np.eye(3, dtype=np.float32)[[0, 0, 0]])
    split = evaluate_elsewhere(ViewType.CLASSIFICATION, {"a": 0.6, "b": 0.6, "c": 0.6}, of).dataset
    assert split is not None
    assert split.confusion_matrix is not None
    assert split.confusion_matrix.columns == ("a", "b", "c", "none")
    assert split.confusion_matrix.counts[0] == (1, 1, 0, 1)
    assert split.accuracy == pytest.approx(2 / 3)


def test_tagging_is_as_scikit_learn_has_it() -> None:
    of = tags(200)
    assert isinstance(of.predictions, ScorePredictions)
    holds_NK, scores_NK = of.predictions.shares_NK > 0.5, of.predictions.scores_NK
    made = evaluation(ViewType.TAGGING, validation=of)
    assert made.validation is not None
    decided_NK = scores_NK >= np.array([made.thresholds[name] for name in CONCEPTS])
    for average, mean in (("micro", made.validation.micro), ("macro", made.validation.macro)):
        expected = precision_recall_fscore_support(holds_NK, decided_NK, average=average)[:3]
        assert (mean.precision, mean.recall, mean.f1) == pytest.approx(expected)
    assert made.validation.mean_average_precision == pytest.approx(average_precision_score(holds_NK, scores_NK))
    interval = made.validation.mean_average_precision_interval
    assert interval is not None
    assert interval.lower < made.validation.mean_average_precision < interval.upper


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.integers(1, 4))
def test_detection_is_as_pycocotools_has_it(seed: int, concepts: int) -> None:
    predictions = located(6, concepts, seed)
    names = tuple(f"c{place}" for place in range(concepts))
    made = evaluate_training(ViewType.DETECTION, names, BEST, {Split.VALIDATION: detected(predictions, names)})
    assert made.validation is not None
    for levels, field in (
        (slice(None), "average_precision"),
        (slice(0, 1), "average_precision50"),
        (slice(5, 6), "average_precision75"),
    ):
        expected = coco_oracle(predictions.detected, predictions.annotated, concepts, levels)
        found = [getattr(each, field) for each in made.validation.per_concept]
        assert [-1.0 if ap is None else ap for ap in found] == pytest.approx(expected, abs=1e-6)


def direct_lrp(predictions: DetectionPredictions, concept: int, threshold: float) -> float | None:
    """LRP as Oksuz et al. 2018 define it in equation 2, box by box, with tau 0.5; None without a box or detection."""
    far = right = wrong = missed = 0.0
    for found, truth in zip(predictions.detected, predictions.annotated, strict=True):
        free = [tuple(box) for box, label in zip(truth.boxes_M4, truth.labels_M, strict=True) if label == concept]
        chosen = [
            (score, tuple(box))
            for box, score, label in zip(found.boxes_N4, found.scores_N, found.labels_N, strict=True)
            if label == concept and score >= threshold
        ]
        for _, box in sorted(chosen, reverse=True):
            overlap, best = max(((iou(box, other), other) for other in free), default=(0.0, None))
            if best is not None and overlap >= 0.5:
                free.remove(best)
                far, right = far + (1 - overlap) / 0.5, right + 1
            else:
                wrong += 1
        missed += len(free)
    total = right + wrong + missed
    return (far + wrong + missed) / total if total else None


def iou(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(width, 0) * max(height, 0)
    whole = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)) - shared
    return shared / whole


@pytest.mark.parametrize("seed", range(8))
def test_optimal_lrp_is_the_lowest_of_the_papers_formula(seed: int) -> None:
    predictions = located(8, 2, seed, ignored=False)
    made = evaluate_training(
        ViewType.DETECTION, ("a", "b"), BEST, {Split.VALIDATION: detected(predictions, ("a", "b"))}
    )
    assert made.validation is not None
    for place, each in enumerate(made.validation.per_concept):
        scores = {
            float(score)
            for found in predictions.detected
            for score, label in zip(found.scores_N, found.labels_N, strict=True)
            if label == place
        }
        errors = {score: direct_lrp(predictions, place, score) for score in scores}
        lowest = min(error for error in errors.values() if error is not None)
        assert each.lrp is not None
        assert each.lrp.error == pytest.approx(lowest, abs=1e-12)
        if each.lrp.threshold is not None:
            assert errors[each.lrp.threshold] == pytest.approx(lowest, abs=1e-12)


def test_the_confusion_matrix_of_detection_has_missed_and_nothing_there() -> None:
    box = [[0.0, 0, 10, 10]]
    truth = AnnotatedBoxes(
        np.array([*box, [20, 20, 30, 30], [40, 40, 50, 50]], dtype=float), np.array([0, 1, 1]), np.zeros(3, dtype=bool)
    )
    found = DetectedBoxes(
        np.array([*box, [20, 20, 30, 30], [70, 70, 80, 80]], dtype=float),
        np.array([0.9, 0.8, 0.7]),
        np.array([0, 2, 0]),
    )
    of = detected(DetectionPredictions(np.zeros(1), (found,), (truth,)))
    split = evaluate_elsewhere(ViewType.DETECTION, dict.fromkeys(CONCEPTS, 0.5), of).dataset
    assert split is not None
    matrix = split.confusion_matrix
    assert matrix is not None
    assert (matrix.rows[-1], matrix.columns[-1]) == ("nothing there", "missed")
    assert matrix.counts == ((1, 0, 0, 0), (0, 0, 1, 1), (0, 0, 0, 0), (1, 0, 0, 0))
    assert [(error.annotated, error.predicted) for error in split.likely_errors] == [("b", "c"), (None, "a")]
    assert split.mean_overlap == 1.0


def test_likely_errors_are_wrong_and_sure_the_surest_first() -> None:
    scores_NK = np.array([[0.9, 0.1, 0], [0.2, 0.8, 0], [0.3, 0.3, 0.4]])
    of = scored(ViewType.CLASSIFICATION, scores_NK, np.eye(3, dtype=np.float32)[[1, 1, 0]])
    split = evaluation(ViewType.CLASSIFICATION, validation=of).validation
    assert split is not None
    found = [(error.id, error.annotated, error.predicted, error.score) for error in split.likely_errors]
    assert found == [("0.png", "b", "a", 0.9), ("2.png", "a", "c", 0.4)]


def test_likely_errors_of_tagging_go_both_ways() -> None:
    scores_NK = np.array([[0.95, 0.1, 0.5], [0.9, 0.01, 0.5], [0.1, 0.9, 0.5]])
    shares_NK = np.array([[0, 0, 1], [1, 1, 1], [0, 1, 1]], dtype=np.float32)
    of = scored(ViewType.TAGGING, scores_NK, shares_NK)
    split = evaluate_elsewhere(ViewType.TAGGING, dict.fromkeys(CONCEPTS, 0.5), of).dataset
    assert split is not None
    found = [(error.id, error.annotated, error.predicted, round(error.score, 6)) for error in split.likely_errors]
    assert found == [("1.png", "b", None, 0.99), ("0.png", None, "a", 0.95)]


class TestOddCases:
    """Each with the answer that docs/metrics.md gives."""

    def test_a_concept_without_example(self) -> None:
        scores_NK = np.array([[0.9, 0.1, 0.2], [0.2, 0.8, 0.1]])
        of = scored(ViewType.TAGGING, scores_NK, np.array([[1, 0, 0], [0, 1, 0]], dtype=np.float32))
        made = evaluation(ViewType.TAGGING, validation=of)
        assert made.validation is not None
        absent = made.validation.per_concept[2]
        assert made.validation.concepts_without_examples == ("c",)
        assert (absent.average_precision, absent.threshold, absent.recall, absent.curve) == (None, 0.5, None, None)
        assert made.validation.mean_average_precision == 1.0
        assert made.validation.macro.recall == 1.0

    def test_a_concept_that_all_examples_have(self) -> None:
        of = scored(ViewType.TAGGING, np.array([[0.9], [0.2], [0.4]]), np.ones((3, 1), dtype=np.float32))
        made = evaluate_training(ViewType.TAGGING, ("a",), BEST, {Split.VALIDATION: of})
        assert made.validation is not None
        assert made.thresholds == {"a": pytest.approx(0.1)}
        assert made.validation.per_concept[0].f1 == 1.0

    def test_no_detection_at_all(self) -> None:
        truth = AnnotatedBoxes(np.array([[0.0, 0, 10, 10]]), np.array([0]), np.array([False]))
        none = DetectedBoxes(np.zeros((0, 4)), np.zeros(0), np.zeros(0, dtype=np.int64))
        made = evaluation(ViewType.DETECTION, validation=detected(DetectionPredictions(np.zeros(1), (none,), (truth,))))
        assert made.validation is not None
        first = made.validation.per_concept[0]
        assert (first.precision, first.recall, first.f1, first.average_precision) == (None, 0.0, 0.0, 0.0)
        assert first.threshold == 0.5
        assert first.lrp is not None
        assert (first.lrp.error, first.lrp.threshold) == (1.0, None)
        assert made.validation.calibration is None
        assert made.validation.mean_overlap is None

    def test_a_single_image(self) -> None:
        of = scored(ViewType.CLASSIFICATION, np.array([[0.2, 0.5, 0.3]]), np.eye(3, dtype=np.float32)[[1]])
        split = evaluation(ViewType.CLASSIFICATION, validation=of).validation
        assert split is not None
        assert split.accuracy_interval is not None
        assert (split.accuracy_interval.lower, split.accuracy_interval.upper) == (1.0, 1.0)

    def test_scores_that_are_no_numbers_decide_for_nothing(self) -> None:
        scores_NK = np.array([[np.nan, np.nan, np.nan], [0.2, 0.8, 0.0], [0.7, 0.1, 0.2]])
        shares_NK = np.eye(3, dtype=np.float32)[[0, 1, 0]]
        split = evaluation(ViewType.CLASSIFICATION, validation=scored(ViewType.CLASSIFICATION, scores_NK, shares_NK))
        assert split.validation is not None
        assert split.validation.confusion_matrix is not None
        assert split.validation.confusion_matrix.counts[0] == (1, 0, 0, 1)
        tagged = evaluation(ViewType.TAGGING, validation=scored(ViewType.TAGGING, scores_NK, shares_NK)).validation
        assert tagged is not None
        assert tagged.per_concept[0].false_negatives == 1
        json.loads(split.to_bytes())

    def test_ties_are_one_threshold(self) -> None:
        of = scored(ViewType.TAGGING, np.full((4, 1), 0.6), np.array([[1], [0], [1], [1]], dtype=np.float32))
        made = evaluate_training(ViewType.TAGGING, ("a",), BEST, {Split.VALIDATION: of})
        assert made.validation is not None
        assert made.thresholds == {"a": pytest.approx(0.3)}
        curve = made.validation.per_concept[0].curve
        assert curve is not None
        assert (curve.precision, curve.recall) == ((0.75,), (1.0,))
