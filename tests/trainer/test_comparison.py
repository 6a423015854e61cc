"""Two versions beside each other, against scikit-learn, scipy and pycocotools on the same draws."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binomtest
from sklearn.metrics import accuracy_score, average_precision_score, recall_score

from support.commandline import Tintype
from support.handmade import one_hot, published
from support.located import located
from tintype_api.spec.view import ViewType
from tintype_trainer.comparison.comparing import Pairs, compare
from tintype_trainer.comparison.document import Better, NamedVersion, TestName, VersionComparison
from tintype_trainer.comparison.sides import side_of, truth_of
from tintype_trainer.learners.predictions import DetectionPredictions, Predictions, ScorePredictions
from tintype_trainer.metrics.bootstrap import resamples
from tintype_trainer.metrics.coco import coco_average_precisions

CONCEPTS = ("glass", "metal", "plastic")
NAMES = (
    NamedVersion(name="one", uri="file:///one", published_indicator=None),
    NamedVersion(name="two", uri="file:///two", published_indicator=None),
)


def classes(count: int, seed: int, help_: float) -> ScorePredictions:
    labels_N = np.random.default_rng(0).integers(0, 3, count)
    scores_NK = np.random.default_rng(seed).dirichlet(np.ones(3), count)
    scores_NK[np.arange(count), labels_N] += help_
    return ScorePredictions(np.zeros(count), scores_NK / scores_NK.sum(axis=1, keepdims=True), one_hot(labels_N, 3))


def tags(count: int, seed: int, help_: float) -> ScorePredictions:
    shares_NK = (np.random.default_rng(0).random((count, 3)) < 0.3).astype(np.float32)
    scores_NK = (np.random.default_rng(seed).random((count, 3)) + help_ * shares_NK) / (1 + help_)
    return ScorePredictions(np.zeros(count), scores_NK, shares_NK)


def compared(view: ViewType, one: Predictions, two: Predictions, threshold: float = 0.5) -> VersionComparison:
    thresholds = dict.fromkeys(CONCEPTS, threshold)
    ids = [f"{place:03}.png" for place in range(len(one.losses_N))]
    sides = [side_of(view, each, thresholds) for each in (one, two)]
    return compare(Pairs(view, CONCEPTS, ids, truth_of(one, CONCEPTS), *sides), NAMES, "sha256:0")


def drawn(count: int) -> list[NDArray[np.int64]]:
    """Return the examples of each resample, each as often as it is drawn."""
    return [np.repeat(np.arange(count), weights_N) for rows in resamples(count) for weights_N in rows]


def test_classification_has_scikit_learns_figures_on_each_draw() -> None:
    one, two = classes(120, 1, 0.3), classes(120, 2, 0.8)
    found = compared(ViewType.CLASSIFICATION, one, two)
    labels_N = one.shares_NK.argmax(axis=1)
    decisions = [each.scores_NK.argmax(axis=1) for each in (one, two)]
    first, second = (accuracy_score(labels_N, each) for each in decisions)
    assert (found.indicator.first, found.indicator.second) == (pytest.approx(first), pytest.approx(second))
    changes = [
        accuracy_score(labels_N[draw], decisions[1][draw]) - accuracy_score(labels_N[draw], decisions[0][draw])
        for draw in drawn(120)
    ]
    assert found.indicator.interval is not None
    ends = (found.indicator.interval.lower, found.indicator.interval.upper)
    assert ends == pytest.approx(tuple(np.quantile(changes, [0.025, 0.975])))
    recalls = [recall_score(labels_N, each, average=None, labels=range(3)) for each in decisions]
    for concept in found.concepts:
        place = CONCEPTS.index(concept.name)
        assert (concept.first, concept.second) == pytest.approx((recalls[0][place], recalls[1][place]))
        assert concept.support == int((labels_N == place).sum())


def test_classification_is_judged_by_mcnemars_exact_test() -> None:
    one, two = classes(120, 1, 0.3), classes(120, 2, 0.8)
    found = compared(ViewType.CLASSIFICATION, one, two)
    labels_N = one.shares_NK.argmax(axis=1)
    right = [each.scores_NK.argmax(axis=1) == labels_N for each in (one, two)]
    fixed, broken = int((~right[0] & right[1]).sum()), int((right[0] & ~right[1]).sum())
    assert (len(found.fixed), len(found.broken)) == (fixed, broken)
    assert found.test is TestName.MCNEMAR
    assert found.p_value == pytest.approx(binomtest(broken, fixed + broken, 0.5).pvalue)
    assert found.better is Better.SECOND


def test_the_other_way_round_everything_is_the_other_way_round() -> None:
    one, two = classes(120, 1, 0.3), classes(120, 2, 0.8)
    there, back = (compared(ViewType.CLASSIFICATION, *each) for each in ((one, two), (two, one)))
    assert back.better is Better.FIRST
    assert back.indicator.change == pytest.approx(-(there.indicator.change or 0))
    assert back.p_value == there.p_value
    assert [each.id for each in back.fixed] == [each.id for each in there.broken]


@pytest.mark.parametrize("view", list(ViewType))
def test_a_version_is_no_better_than_itself(view: ViewType) -> None:
    if view is ViewType.DETECTION:
        one: Predictions = boxes(20, seed=1)
    else:
        one = classes(30, 1, 0.3) if view is ViewType.CLASSIFICATION else tags(30, 1, 0.3)
    found = compared(view, one, one)
    assert found.better is Better.NEITHER
    assert (found.indicator.change, found.p_value) == (0, 1)
    assert (found.fixed, found.broken) == ((), ())


def test_tagging_has_scikit_learns_mean_average_precision_on_each_draw() -> None:
    one, two = tags(60, 1, 0.2), tags(60, 2, 1.0)
    found = compared(ViewType.TAGGING, one, two)

    def mean(of: ScorePredictions, draw: NDArray[np.int64]) -> float:
        return float(np.mean([average_precision_score(of.shares_NK[draw, k], of.scores_NK[draw, k]) for k in range(3)]))

    everything = np.arange(60)
    assert found.indicator.first == pytest.approx(mean(one, everything))
    changes = np.array([mean(two, draw) - mean(one, draw) for draw in drawn(60)])
    assert found.indicator.interval is not None
    ends = (found.indicator.interval.lower, found.indicator.interval.upper)
    assert ends == pytest.approx(tuple(np.quantile(changes, [0.025, 0.975])))
    assert found.test is TestName.BOOTSTRAP
    smaller = min((changes <= 0).sum(), (changes >= 0).sum())
    assert found.p_value == pytest.approx(min(1, 2 * (smaller + 1) / 1001))


def test_tagging_counts_wrong_decisions_at_the_thresholds() -> None:
    one, two = tags(60, 1, 0.2), tags(60, 2, 1.0)
    found = compared(ViewType.TAGGING, one, two, threshold=0.4)
    holds_NK = one.shares_NK > 0.5
    wrong = [((each.scores_NK >= 0.4) != holds_NK).sum(axis=1) for each in (one, two)]
    assert {each.id for each in found.fixed} == {f"{n:03}.png" for n in np.flatnonzero(wrong[1] < wrong[0])}
    assert {each.id for each in found.broken} == {f"{n:03}.png" for n in np.flatnonzero(wrong[1] > wrong[0])}
    gains = [each.first_errors - each.second_errors for each in found.fixed]
    assert gains == sorted(gains, reverse=True)


def boxes(images: int, seed: int) -> DetectionPredictions:
    """Return the same annotated boxes for each seed, and detections that are shaken by it."""
    of, random = located(images, 3, seed=0), np.random.default_rng(seed)
    detected = [
        replace(each, boxes_N4=each.boxes_N4 + random.normal(0, 1, each.boxes_N4.shape)) for each in of.detected
    ]
    return DetectionPredictions(np.zeros(images), tuple(detected), of.annotated)


def test_detection_has_cocos_average_precisions() -> None:
    one, two = boxes(25, seed=1), boxes(25, seed=2)
    found = compared(ViewType.DETECTION, one, two)
    for side, of in (("first", one), ("second", two)):
        expected = coco_average_precisions(of.detected, of.annotated, 3)
        each = {concept.name: getattr(concept, side) for concept in found.concepts}
        assert [each[name] for name in CONCEPTS] == pytest.approx(list(expected))
        assert getattr(found.indicator, side) == pytest.approx(np.mean(expected))
    weights_N = next(resamples(25))[0]
    draw = np.repeat(np.arange(25), weights_N)
    again = coco_average_precisions([one.detected[n] for n in draw], [one.annotated[n] for n in draw], 3)
    side = side_of(ViewType.DETECTION, one, dict.fromkeys(CONCEPTS, 0.5))
    assert side.figures(weights_N[None])[1:, 0] == pytest.approx(again, abs=5e-3)  # doubles tie, and their order counts


def decided(decisions: Sequence[int]) -> ScorePredictions:
    """Return predictions of twelve examples, of which four are of each concept."""
    return ScorePredictions(np.zeros(12), one_hot(decisions, 3).astype(np.float64), one_hot([0, 1, 2] * 4, 3))


TEXT = """\
bottles-2 is better than bottles-1.
accuracy on the same 12 validation examples: 0.3333 and 1.0000, a change of +0.6667 (95 % interval +0.4167 to +0.9167)
8 pictures fixed, 0 broken: McNemar's exact test, p = 0.0078

by concept, recall; * where the interval leaves 0 out, by chance alone one in 20
  CONCEPT  EXAMPLES  bottles-1  bottles-2  CHANGE   95 % INTERVAL
  metal    4         0.0000     1.0000     +1.0000  +1.0000 to +1.0000  *
  plastic  4         0.0000     1.0000     +1.0000  +1.0000 to +1.0000  *
  glass    4         1.0000     1.0000     +0.0000  +0.0000 to +0.0000

fixed by bottles-2: 8 pictures with fewer wrong decisions
  ID       ANNOTATED  bottles-1  bottles-2
  001.png  metal      glass      metal
  002.png  plastic    glass      plastic
  and 6 more; --pictures 8 shows all of them, --json too

broken by bottles-2: 0 pictures with more wrong decisions
"""


def test_the_command_says_it_in_text_and_in_json(tmp_path: Path, tintype: Tintype) -> None:
    one = published(tmp_path, "bottles-1", indicator=1 / 3, predictions=decided([0] * 12))
    two = published(tmp_path, "bottles-2", indicator=1.0, predictions=decided([0, 1, 2] * 4))
    assert tintype("compare", one, two, "--pictures", 2) == (0, TEXT, "")
    code, out, _ = tintype("compare", one, two.as_uri(), "--json")
    document = json.loads(out)
    assert code == 0
    assert document["better"] == "Second"
    assert document["pValue"] == pytest.approx(2 / 2**8)
    assert document["first"] == {"name": "bottles-1", "uri": one.as_uri(), "publishedIndicator": 1 / 3}
    assert document["fixed"][0] == {
        "id": "001.png",
        "annotated": "metal",
        "first": "glass",
        "second": "metal",
        "firstErrors": 1,
        "secondErrors": 0,
    }


@pytest.mark.parametrize("view", [ViewType.TAGGING, ViewType.DETECTION])
def test_what_was_published_is_read_as_it_was(view: ViewType, tmp_path: Path, tintype: Tintype) -> None:
    of: list[Predictions] = [tags(30, 1, 0.2), tags(30, 2, 1.0)]
    if view is ViewType.DETECTION:
        of = [boxes(25, seed=1), boxes(25, seed=2)]
    versions = [
        published(
            tmp_path,
            f"v-{number}",
            {"spec.view": {"name": "v", "type": view.value}},
            predictions=each,
            thresholds=dict.fromkeys(CONCEPTS, 0.5),
        )
        for number, each in enumerate(of)
    ]
    code, out, _ = tintype("compare", *versions, "--json")
    document, expected = json.loads(out), compared(view, *of)
    assert code == 0
    for side in ("first", "second"):
        # Detections below 0.05 are not published, and coordinates have two decimals.
        assert document["indicator"][side] == pytest.approx(getattr(expected.indicator, side), abs=5e-3)
    assert [each["id"] for each in document["broken"]] == [each.id for each in expected.broken]
    assert [each["firstErrors"] for each in document["fixed"]] == [each.first_errors for each in expected.fixed]
    assert document["notes"][0].startswith("v-0 was published with 0.9000: predictions.jsonl.gz has")


@pytest.mark.parametrize(
    ("changes", "options", "words"),
    [
        (
            {"spec.concepts": ["glass", "metal", "wood"]},
            {},
            "have different concepts ('plastic' is in one of them only)",
        ),
        ({"spec.view.type": "Tagging"}, {}, "are versions of a Classification and of a Tagging view"),
        ({}, {"validation_digest": "sha256:other"}, "were measured on different validation examples"),
        ({}, {"validation_digest": None}, "was trained without a validation set"),
        ({}, {"predictions": None}, "has no predictions.jsonl.gz"),
        ({}, {"files": {"predictions.jsonl.gz": b"nothing"}}, "holds no predictions of tintype"),
    ],
    ids=["concepts", "view", "examples", "no validation set", "no predictions", "broken predictions"],
)
def test_what_cannot_be_compared_is_refused_in_one_sentence(
    changes: dict[str, object], options: dict[str, object], words: str, tmp_path: Path, tintype: Tintype
) -> None:
    one = published(tmp_path, "bottles-1", predictions=decided([0] * 12))
    given = {"predictions": decided([0] * 12), **options}
    two = published(tmp_path, "bottles-2", changes, **given)  # type: ignore[arg-type]
    code, out, error = tintype("compare", one, two)
    assert (out, error.count("\n")) == ("", 1)
    assert code in (64, 65, 66)
    assert words in error


def test_concepts_in_another_order_are_the_same_concepts(tmp_path: Path, tintype: Tintype) -> None:
    turned = ScorePredictions(np.zeros(12), one_hot([2, 1, 0] * 4, 3).astype(np.float64), one_hot([2, 1, 0] * 4, 3))
    one = published(tmp_path, "bottles-1", indicator=1.0, predictions=decided([0, 1, 2] * 4))
    two = published(
        tmp_path, "bottles-2", {"spec.concepts": ["plastic", "metal", "glass"]}, indicator=1.0, predictions=turned
    )
    code, out, _ = tintype("compare", one, two)
    assert code == 0
    assert "Neither bottles-1 nor bottles-2 is better by more than chance.\n" in out
    assert "0 pictures fixed, 0 broken: McNemar's exact test, p = 1.0000" in out
