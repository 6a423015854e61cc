"""report.html: that its counts are the evaluation's, that no name leads out of it, and that it stays small."""

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from support.located import located
from support.reported import HOSTILE, Reported, flat, reported
from tintype_api.spec.view import ViewType
from tintype_api.status import Best
from tintype_trainer.datasets.dataset import Split
from tintype_trainer.evaluation.detection import evaluate_detection, match
from tintype_trainer.evaluation.making import Evaluated, evaluate_training
from tintype_trainer.evaluation.scores import evaluate_classification, evaluate_tagging
from tintype_trainer.learners.predictions import DetectionPredictions
from tintype_trainer.metrics.boxes import DetectedBoxes
from tintype_trainer.metrics.decisions import Counts
from tintype_trainer.metrics.measures import Measures
from tintype_trainer.output.predictions import predictions_jsonl_gz
from tintype_trainer.report import answers as answers_module
from tintype_trainer.report.answers import Answers, answers_of
from tintype_trainer.report.counting import counts_at
from tintype_trainer.report.document import MATCHES, Match, Report
from tintype_trainer.report.gathering import gather, most_doubtful_first
from tintype_trainer.report.making import MOST_BYTES, make_report
from tintype_trainer.report.rendering import render
from tintype_trainer.report.sources import read_lines

VIEWS = tuple(ViewType)


class Parsed(HTMLParser):
    """What a browser would run of a page, and the data that it carries."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.scripts: list[str] = []
        self.styles: list[str] = []
        self.data = ""
        self.policy = ""
        self.listeners: list[str] = []
        self.loads: list[str] = []
        self._inside: str | None = None
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.listeners += [name for name in given if name.startswith("on")]
        self.loads += [str(given[name]) for name in ("src", "href") if name in given]
        if given.get("http-equiv") == "Content-Security-Policy":
            self.policy = str(given["content"])
        self._inside = "data" if given.get("type") == "application/json" else tag
        if self._inside == "script":
            self.scripts.append("")
        if self._inside == "style":
            self.styles.append("")

    def handle_endtag(self, _tag: str) -> None:
        self._inside = None

    def handle_data(self, data: str) -> None:
        if self._inside == "data":
            self.data += data
        elif self._inside == "script":
            self.scripts[-1] += data
        elif self._inside == "style":
            self.styles[-1] += data

    @property
    def report(self) -> dict[str, Any]:
        """The data."""
        found: dict[str, Any] = json.loads(self.data)
        return found


def answers(of: Reported, thresholds: dict[str, float] | None = None) -> Answers:
    lines = of.sources.predictions_of(Split.VALIDATION)
    return answers_of(of.sources.version.spec.view.type, lines, thresholds or of.evaluation.thresholds)


def evaluated_counts(of: Reported, thresholds: dict[str, float]) -> list[Counts]:
    """Return what the evaluation itself counts at other thresholds than its own."""
    ids, measures = list(of.places), Measures(1, None, None, None, ())
    if isinstance(of.predictions, DetectionPredictions):
        matched = match(of.predictions, tuple(thresholds))
        found = evaluate_detection(matched, measures, thresholds, ids, chosen_here=False)
    elif of.sources.version.spec.view.type is ViewType.CLASSIFICATION:
        found = evaluate_classification(of.predictions, measures, thresholds, ids, chosen_here=False)
    else:
        found = evaluate_tagging(of.predictions, measures, thresholds, ids, chosen_here=False)
    return [Counts(each.true_positives, each.false_positives, each.false_negatives) for each in found.per_concept]


@pytest.fixture(scope="module", params=VIEWS)
def version(request: pytest.FixtureRequest) -> Reported:
    return reported(request.param, examples=40)


@pytest.fixture(scope="module")
def page(version: Reported) -> Parsed:
    return Parsed(version.html(flat))


def test_at_the_chosen_thresholds_the_counts_are_those_of_evaluation_json(version: Reported) -> None:
    report = gather(version.sources)
    assert report.evaluated is not None
    counted = counts_at(report.view_type, answers(version), list(version.evaluation.thresholds.values()))
    assert version.evaluation.validation is not None
    for concept, found, published in zip(
        report.evaluated.concepts, counted, version.evaluation.validation.per_concept, strict=True
    ):
        assert (found.right, found.wrong, found.missed) == (
            published.true_positives,
            published.false_positives,
            published.false_negatives,
        )
        assert (concept.support, concept.threshold) == (published.support, published.threshold)
        assert found.f1 == published.f1
    assert report.notes == ()


def test_at_any_threshold_the_counts_are_those_of_the_evaluation(version: Reported) -> None:
    rng = np.random.default_rng(1)
    found = answers(version)
    names = tuple(version.evaluation.thresholds)
    for _ in range(20):
        thresholds = {name: max(float(rng.random()), lowest) for name, lowest in zip(names, found.lowest, strict=True)}
        view_type = version.sources.version.spec.view.type
        assert counts_at(view_type, found, list(thresholds.values())) == evaluated_counts(version, thresholds)


@pytest.mark.parametrize("seed", range(5))
def test_boxes_with_doubles_ties_and_crowds_are_counted_as_the_evaluation_counts_them(seed: int) -> None:
    predictions = located(images=20, concepts=3, seed=seed)
    names = ("a", "b", "c")
    ids = [f"{place}.png" for place in range(len(predictions.detected))]
    of_split = {Split.VALIDATION: Evaluated(ids, predictions, Measures(1, None, None, None, ()))}
    thresholds = dict.fromkeys(names, 0.05)
    lines = read_lines(predictions_jsonl_gz(of_split, thresholds))
    found = answers_of(ViewType.DETECTION, lines, thresholds)
    matched = match(predictions, names)
    for threshold in (0.05, 0.3, 0.55, 0.8):
        limits = dict.fromkeys(names, threshold)
        split = evaluate_detection(matched, Measures(1, None, None, None, ()), limits, ids, chosen_here=False)
        expected = [Counts(one.true_positives, one.false_positives, one.false_negatives) for one in split.per_concept]
        assert counts_at(ViewType.DETECTION, found, list(limits.values())) == expected


def test_thresholds_below_a_twentieth_have_their_detections() -> None:
    predictions = located(images=20, concepts=3, seed=1)
    weak = DetectionPredictions(
        predictions.losses_N,
        tuple(DetectedBoxes(each.boxes_N4, each.scores_N / 25, each.labels_N) for each in predictions.detected),
        predictions.annotated,
    )
    ids = [f"{place}.png" for place in range(20)]
    of_split = {Split.VALIDATION: Evaluated(ids, weak, Measures(20, None, None, None, ()))}
    best = Best(epoch=1, iteration=1, selected_by="mAP")
    evaluation = evaluate_training(ViewType.DETECTION, ("a", "b", "c"), best, of_split)
    thresholds = evaluation.thresholds
    assert max(thresholds.values()) < 0.05
    found = answers_of(ViewType.DETECTION, read_lines(predictions_jsonl_gz(of_split, thresholds)), thresholds)
    assert found.lowest == tuple(thresholds.values())
    assert evaluation.validation is not None
    assert counts_at(ViewType.DETECTION, found, found.lowest) == [
        Counts(one.true_positives, one.false_positives, one.false_negatives)
        for one in evaluation.validation.per_concept
    ]


def test_counts_that_rounding_changes_are_named(version: Reported) -> None:
    if version.sources.version.spec.view.type is not ViewType.TAGGING:
        return
    lines = [dict(line) for line in version.sources.predictions]
    first = lines[0]
    first["scores"] = {name: 1 - score for name, score in first["scores"].items()}
    report = gather(replace(version.sources, predictions=lines))
    (note,) = report.notes
    assert "counts here differ from those of evaluation.json" in note


def test_hostile_names_stay_data() -> None:
    for view_type in VIEWS:
        made = reported(view_type, 20, HOSTILE, ids=HOSTILE)
        page = Parsed(made.html(flat))
        assert len(page.scripts) == 1
        assert page.listeners == []
        assert page.loads == ["data:,", "#main"]
        concepts = [concept["name"] for concept in page.report["evaluated"]["concepts"]]
        assert concepts == list(HOSTILE)
        assert page.report["evaluated"]["examples"]["ids"][: len(HOSTILE)] == list(HOSTILE)
        assert not re.search("[<>&\u2028\u2029]", page.data)


def test_the_policy_allows_the_one_script_and_the_one_style_and_nothing_else(page: Parsed) -> None:
    directives = dict(part.split(" ", 1) for part in page.policy.split("; "))
    assert directives == {
        "default-src": "'none'",
        "script-src": f"'{_hash(page.scripts)}'",
        "style-src": f"'{_hash(page.styles)}'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }


def _hash(blocks: Sequence[str]) -> str:
    (block,) = blocks
    return "sha256-" + base64.b64encode(hashlib.sha256(block.encode()).digest()).decode()


def test_the_page_writes_no_markup_from_names(page: Parsed) -> None:
    (script,) = page.scripts
    for writer in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function("):
        assert writer not in script


def test_the_same_version_has_the_same_report(version: Reported) -> None:
    places = dict(list(version.places.items())[:8])
    one, other = (make_report(version.sources, places, version.picture_of, workers) for workers in (1, 2))
    assert one == other


def test_what_a_reader_is_told(page: Parsed) -> None:
    report = page.report
    facts = {row["label"]: row["value"] for part in report["facts"] for row in part["rows"]}
    assert facts["Data set"] == "s3://datasets/made-up.jsonl"
    assert facts["Time trained"] == "3 min 0 s"
    assert facts["GPU-seconds"] == "180"
    assert facts["Epochs"] == "3 epochs"
    assert [epoch["epoch"] for epoch in report["epochs"]] == [1, 2, 3]
    assert report["best"] == {"epoch": 2, "selectedBy": "accuracy"}
    assert report["evaluated"]["concepts"][0]["test"]["support"] > 0
    titles = [snippet["title"] for snippet in report["snippets"]]
    assert titles[0] == "Ask it about pictures"
    assert titles[-1] == "made-up-again.yaml"


def test_pictures_stand_beside_their_examples(page: Parsed) -> None:
    examples = page.report["evaluated"]["examples"]
    assert len(examples["pictures"]) == len(examples["ids"]) == 40
    assert all(picture.startswith("data:image/webp;base64,") for picture in examples["pictures"])
    assert set(map(tuple, examples["sizes"])) == {(320, 240)}


def test_examples_without_a_picture_are_counted(version: Reported) -> None:
    places = {name: place for name, place in version.places.items() if place % 2}
    report = Parsed(make_report(version.sources, places, flat, 1)).report
    assert report["evaluated"]["examples"]["pictures"].count(None) == 20
    assert report["notes"] == ["20 of 40 examples have no picture here: there is no room for it, or it is gone."]


def test_a_version_without_anything_set_aside_has_a_report(version: Reported) -> None:
    evaluation = version.evaluation.model_copy(update={"validation": None, "test": None, "note": "no validation set"})
    sources = replace(version.sources, evaluation=evaluation, predictions=[])
    report = Parsed(make_report(sources, {}, flat, 1)).report
    assert report["evaluated"] is None
    assert report["notes"][0] == "no validation set"


def test_a_version_with_a_test_set_alone_shows_that(version: Reported) -> None:
    evaluation = version.evaluation.model_copy(update={"validation": None})
    report = gather(replace(version.sources, evaluation=evaluation))
    assert report.evaluated is not None
    assert report.evaluated.split == "test"
    assert "the test set" in report.notes[0]


def test_the_most_doubtful_come_first() -> None:
    made = reported(ViewType.CLASSIFICATION, 80, noise=1.0)
    report = gather(made.sources)
    assert made.evaluation.validation is not None
    surest = [error.id for error in made.evaluation.validation.likely_errors if error.score > 0.5]
    assert most_doubtful_first(report)[: len(surest)] == surest


def test_a_match_is_right_wrong_or_ignored() -> None:
    line = {
        "id": "a",
        "annotated": [
            {"concept": "x", "box": [0, 0, 10, 10]},
            {"concept": "x", "box": [50, 50, 60, 60], "ignored": True},
        ],
        "detections": [
            {"concept": "x", "box": [0, 0, 10, 9], "score": 0.9},
            {"concept": "x", "box": [0, 0, 10, 9.5], "score": 0.8},
            {"concept": "y", "box": [0, 0, 10, 10], "score": 0.7},
            {"concept": "x", "box": [51, 51, 59, 59], "score": 0.6},
            {"concept": "x", "box": [0, 0, 1, 1], "score": None},
        ],
    }
    found = answers_of(ViewType.DETECTION, [line], {"x": 0.5, "y": 0.5})
    assert found.annotated[0] == ((0, 0, 0, 10, 10), (0, 50, 50, 60, 60, 1))
    kinds = [MATCHES[each[6]] for each in found.answers[0]]
    assert kinds == [Match.RIGHT, Match.WRONG, Match.WRONG, Match.IGNORED]
    assert [each[7:] for each in found.answers[0]] == [(0, 0.9), (0, 0.95), (0, 1.0), (1, 1.0)]


def test_scores_that_are_no_numbers_decide_for_nothing() -> None:
    line = {"id": "a", "annotated": ["x"], "scores": {"x": None, "y": 0.25}}
    for view_type in (ViewType.CLASSIFICATION, ViewType.TAGGING):
        found = answers_of(view_type, [line], {"x": 0.5, "y": 0.2})
        assert found.answers == ((1, 250000),)
        assert counts_at(view_type, found, [0.5, 0.2]) == [Counts(0, 0, 1), Counts(0, 1, 0)]


@pytest.mark.parametrize("view_type", VIEWS)
def test_answers_are_left_out_below_thresholds_alone_and_then_examples_are_drawn(
    view_type: ViewType, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = reported(view_type, 80, noise=0.5)
    whole = answers(made)
    size = sum(map(len, (*whole.answers, *whole.annotated)))
    monkeypatch.setattr(answers_module, "MOST_SCORES", int(size * 0.45))
    monkeypatch.setattr(answers_module, "MOST_BOXES", int(size * 0.9))
    fewer = answers(made)
    thresholds = list(made.evaluation.thresholds.values())
    if view_type is not ViewType.CLASSIFICATION:
        assert fewer.ids == whole.ids
        assert counts_at(view_type, fewer, thresholds) == counts_at(view_type, whole, thresholds)
    monkeypatch.setattr(answers_module, "MOST_SCORES", size // 12)
    monkeypatch.setattr(answers_module, "MOST_BOXES", size // 6)
    fewest = answers(made)
    assert 1 <= len(fewest.ids) < len(whole.ids)
    report = gather(made.sources)
    assert "drawn at random" in report.notes[-1]


def test_two_thousand_images_of_forty_concepts_leave_room_for_a_picture_of_each() -> None:
    made = reported(ViewType.TAGGING, 2000, [f"concept {number}" for number in range(40)])
    room_bytes = MOST_BYTES - len(render(gather(made.sources)))
    assert MOST_BYTES < 10_000_000
    assert room_bytes // 2000 > 4000


def test_numbers_that_are_none_are_null_in_the_page(version: Reported) -> None:
    diverged = version.sources.epochs[0].model_copy(update={"train_loss": float("nan")})
    sources = replace(version.sources, epochs=(diverged, *version.sources.epochs[1:]))
    report = Parsed(make_report(sources, {}, flat, 1)).report
    assert report["epochs"][0]["trainLoss"] is None


def test_facts_of_the_document_are_typed(version: Reported) -> None:
    document = gather(version.sources).model_dump(mode="json", by_alias=True)
    assert Report.model_validate(document).model_dump(mode="json", by_alias=True) == document
