"""report.html in a real browser: numbers against the evaluation's, keyboard, screen readers, sizes, hostile names."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pytest

from support.chromium import ChromiumError, Page, chromium, ensure_chromium
from support.reported import HOSTILE, Reported, flat, reported
from tintype_api.spec.view import ViewType
from tintype_trainer.evaluation.detection import evaluate_detection, match
from tintype_trainer.evaluation.document import SplitEvaluation
from tintype_trainer.evaluation.scores import evaluate_classification, evaluate_tagging
from tintype_trainer.learners.predictions import DetectionPredictions
from tintype_trainer.metrics.measures import Measures

EXAMPLES: Final = 120
ROWS: Final = """[...document.querySelectorAll('table.concepts tbody tr')].map(
    (row) => [...row.cells].map((cell) => cell.textContent))"""
MATRIX: Final = """[...document.querySelectorAll('table.matrix tbody tr')].map(
    (row) => [...row.querySelectorAll('td')].map((cell) => cell.textContent === '·' ? 0 : Number(cell.textContent)))"""
TABS: Final = "[...document.querySelectorAll('[role=tab] .count')].map((count) => Number(count.textContent))"
NAMED: Final = ("button", "slider", "combobox", "spinbutton", "checkbox", "tab", "link", "dialog", "region", "image")
FOCUS: Final = "document.activeElement.id || document.activeElement.className || document.activeElement.tagName"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with chromium(tmp_path_factory.mktemp("chromium") / "profile") as page:
        yield page


@pytest.fixture(scope="module", params=tuple(ViewType))
def version(request: pytest.FixtureRequest) -> Reported:
    return reported(request.param, EXAMPLES, HOSTILE, ids=HOSTILE, noise=0.4)


@pytest.fixture(scope="module")
def file(version: Reported, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_bytes(version.html(flat))
    return path


@pytest.fixture
def page(browser: Page, file: Path) -> Iterator[Page]:
    """Yield the report, opened anew; whoever looks at it has caused no complaint."""
    browser.complaints.clear()
    browser.look(1600)
    browser.open(file)
    yield browser
    assert browser.complaints == []


def view_of(version: Reported) -> ViewType:
    return version.sources.version.spec.view.type


def evaluated(version: Reported, thresholds: dict[str, float]) -> SplitEvaluation:
    """Return what Python says at some thresholds."""
    ids, measures = list(version.places), Measures(1, None, None, None, ())
    if isinstance(version.predictions, DetectionPredictions):
        matched = match(version.predictions, tuple(thresholds))
        return evaluate_detection(matched, measures, thresholds, ids, chosen_here=False)
    of_view = evaluate_classification if view_of(version) is ViewType.CLASSIFICATION else evaluate_tagging
    return of_view(version.predictions, measures, thresholds, ids, chosen_here=False)


def choose(page: Page, concept: int | None) -> None:
    chosen = "" if concept is None else concept
    page.value(
        f"(() => {{ const box = document.getElementById('concept'); box.value = '{chosen}'; "
        "box.dispatchEvent(new Event('change')); })()"
    )


def move(page: Page, threshold: float) -> None:
    """Move the slider, and wait for the frame that it draws."""
    page.value(
        f"(() => {{ const slider = document.getElementById('threshold'); slider.value = {threshold}; "
        "slider.dispatchEvent(new Event('input')); "
        "return new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))); })()"
    )


def check_numbers(page: Page, version: Reported, thresholds: dict[str, float]) -> None:
    """Compare the table and the matrix with what Python says."""
    expected = evaluated(version, thresholds)
    for cells, concept in zip(page.value(ROWS), expected.per_concept, strict=True):
        rates = ["–" if rate is None else f"{rate:.3f}" for rate in (concept.precision, concept.recall, concept.f1)]
        counts = [concept.true_positives, concept.false_positives, concept.false_negatives]
        assert cells[0] == concept.name
        assert [float(rate) if rate != "–" else rate for rate in cells[3:6]] == [
            pytest.approx(float(rate), abs=0.0011) if rate != "–" else rate for rate in rates
        ]
        assert cells[7:10] == [str(count) for count in counts]
    if expected.confusion_matrix is not None:
        assert page.value(MATRIX) == [list(row) for row in expected.confusion_matrix.counts]
    else:
        rows = [[one.true_positives, one.false_positives, one.false_negatives] for one in expected.per_concept]
        assert page.value(MATRIX) == [[*row, EXAMPLES - sum(row)] for row in rows]


def test_the_numbers_are_those_of_the_evaluation_wherever_the_slider_is(page: Page, version: Reported) -> None:
    thresholds = dict(version.evaluation.thresholds)
    check_numbers(page, version, thresholds)
    for concept, threshold in ((0, 0.31), (1, 0.742), (3, 0.9), (5, 0.055), (0, 0.644)):
        choose(page, concept)
        move(page, threshold)
        thresholds[HOSTILE[concept]] = threshold
        check_numbers(page, version, thresholds)
    choose(page, None)
    for threshold in (0.2, 0.5, 0.835):
        move(page, threshold)
        check_numbers(page, version, dict.fromkeys(thresholds, threshold))
    page.value("document.getElementById('reset').click()")
    check_numbers(page, version, dict(version.evaluation.thresholds))


def odd(view_type: ViewType) -> dict[str, Reported]:
    """Return versions with little to show."""
    concepts = ("only", "other") if view_type is ViewType.CLASSIFICATION else ("only",)
    usual = reported(view_type, 12, concepts)
    nothing = usual.evaluation.model_copy(update={"validation": None, "test": None, "note": "nothing was set aside"})
    return {
        "few concepts": usual,
        "one example": reported(view_type, 1, ("a", "b", "c")),
        "no example of some concepts": reported(view_type, 3, [f"concept {number}" for number in range(12)]),
        "nothing set aside": replace(usual, sources=replace(usual.sources, evaluation=nothing, predictions=[])),
        "one epoch": replace(usual, sources=replace(usual.sources, epochs=usual.sources.epochs[1:2])),
        "no epoch": replace(usual, sources=replace(usual.sources, epochs=())),
    }


@pytest.mark.parametrize("view_type", tuple(ViewType))
def test_versions_with_little_to_show_open_without_complaint(
    browser: Page, view_type: ViewType, tmp_path: Path
) -> None:
    browser.complaints.clear()
    browser.look(400)
    for name, version in odd(view_type).items():
        file = tmp_path / f"{name}.html"
        file.write_bytes(version.html(flat))
        browser.open(file)
        assert browser.complaints == [], name
        assert browser.value("document.querySelector('h1').textContent") == "made-up"
        assert browser.value("document.getElementById('again') !== null"), name
        assert browser.value("document.body.innerText.match(/NaN|undefined|Infinity|null/)") is None, name


def test_without_a_browser_one_sentence_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _program: None)
    with pytest.raises(ChromiumError, match=r"^The report's tests need chromium: install it from your distribution\.$"):
        ensure_chromium()


def test_names_show_as_they_are_and_run_nothing(page: Page) -> None:
    assert page.value("document.title") == "made-up: report"
    assert [row[0] for row in page.value(ROWS)] == list(HOSTILE)
    options = page.value("[...document.querySelectorAll('#concept option')].map((option) => option.textContent)")
    assert options == ["All concepts", *HOSTILE]
    files = page.value("[...document.querySelectorAll('.card .file')].map((name) => name.textContent)")
    assert set(files).issubset({*HOSTILE, *(f"pictures/{number:05}.jpg" for number in range(EXAMPLES))})
    assert page.value("document.scripts.length") == 2
    assert page.value("document.querySelectorAll('main script, [onerror], img:not([src^=\"data:\"])').length") == 0
    assert page.value("[...document.querySelectorAll('table.concepts bdi')].every((name) => name.dir === '')")


def test_nothing_else_can_run(page: Page) -> None:
    page.value("document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.ran = 1'}))")
    assert page.value("window.ran") is None
    assert any("Content Security Policy" in said for said in page.complaints)
    page.complaints.clear()


def test_tabs_and_concepts_filter_the_pictures(page: Page, version: Reported) -> None:
    everything, right, wrong, missed = page.value(TABS)
    assert everything == EXAMPLES
    assert 0 < right < EXAMPLES
    page.value("document.getElementById('tab-wrong').click()")
    assert page.value("document.querySelectorAll('.card').length") == min(wrong, 48)
    assert page.value("document.querySelectorAll('.card.right').length") == 0
    choose(page, 2)
    of_concept = page.value(TABS)
    assert of_concept[2] <= wrong
    assert of_concept[3] <= missed
    concept = evaluated(version, dict(version.evaluation.thresholds)).per_concept[2]
    if view_of(version) is not ViewType.DETECTION:
        assert of_concept[1:] == [concept.true_positives, concept.false_positives, concept.false_negatives]
    assert page.value("document.querySelector('.filter').textContent").startswith(f"Only {HOSTILE[2]}")
    page.value("document.querySelector('.filter button').click()")
    assert page.value(TABS) == [everything, right, wrong, missed]


def test_a_cell_opens_its_pictures(page: Page, version: Reported) -> None:
    count = int(page.value("document.querySelector('.matrix tbody button').textContent"))
    page.value("document.querySelector('.matrix tbody button').click()")
    found = page.value(TABS)[0]
    assert found == count if view_of(version) is not ViewType.DETECTION else 0 < found <= count
    assert page.value("document.querySelector('.matrix [aria-pressed=true]') !== null")
    page.value("document.querySelector('.filter button').click()")
    assert page.value(TABS)[0] == EXAMPLES


def test_the_surest_mistakes_come_first(page: Page, version: Reported) -> None:
    assert version.evaluation.validation is not None
    surest = version.evaluation.validation.likely_errors[0].id
    assert page.value("document.querySelector('.card .file').textContent") == surest
    assert page.value("document.querySelector('.card').classList.contains('wrong')")


def test_boxes_are_drawn_over_the_picture(page: Page, version: Reported) -> None:
    drawn = page.value("document.querySelectorAll('.card .boxes rect.found').length")
    if view_of(version) is not ViewType.DETECTION:
        assert drawn == 0
        return
    assert drawn > 0
    page.value("document.getElementById('show-found').click()")
    assert page.value("document.querySelectorAll('.card .boxes rect.found').length") == 0
    assert page.value("document.querySelectorAll('.card .boxes rect.annotated').length") > 0
    image, boxes = page.value(
        "['img', '.boxes'].map((part) => { const place = document.querySelector(`.card ${part}`)"
        ".getBoundingClientRect(); return [place.x, place.y, place.width, place.height]; })"
    )
    assert image == boxes


def test_the_keyboard_does_it_all(page: Page) -> None:
    page.press("Tab")
    assert page.value(FOCUS) == "skip"
    page.press("Enter")
    assert page.value("location.hash") == "#main"

    page.value("document.getElementById('threshold').focus()")
    before = page.value("Number(document.getElementById('threshold').value)")
    page.press("ArrowRight")
    assert page.value("Number(document.getElementById('threshold').value)") == pytest.approx(before + 0.001, abs=6e-4)

    page.value("document.querySelector('.matrix button[tabindex=\"0\"]').focus()")
    first = page.value("document.activeElement.dataset.cell")
    page.press("ArrowDown")
    page.press("ArrowRight")
    page.press("ArrowDown")
    assert page.value("document.activeElement.dataset.cell") != first
    page.press("Enter")
    assert page.value("document.activeElement.getAttribute('aria-pressed')") == "true"
    page.press("Enter")

    page.value("document.getElementById('tab-all').focus()")
    page.press("ArrowRight")
    assert page.value(FOCUS) == "tab-right"
    assert page.value("document.getElementById('tab-right').getAttribute('aria-selected')") == "true"
    page.press("End")
    assert page.value(FOCUS) == "tab-missed"
    page.press("Home")

    page.value("document.querySelector('.card').focus()")
    place = page.value("document.activeElement.dataset.place")
    page.press("Enter")
    assert page.value("document.getElementById('closer').open")
    page.press("ArrowRight")
    assert "2 of" in page.value("document.getElementById('closer').textContent")
    page.press("ArrowLeft")
    page.press("Escape")
    page.until("!document.getElementById('closer').open")
    assert page.value("document.activeElement.dataset.place") == place


def test_everything_has_a_name_for_a_screen_reader(page: Page) -> None:
    page.value("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    nameless = [
        node["role"]["value"] for node in page.tree() if node["role"]["value"] in NAMED and not node["name"]["value"]
    ]
    roles = {node["role"]["value"] for node in page.tree()}
    assert {"slider", "combobox", "tab", "button", "table", "image", "heading"} <= roles
    assert nameless == []
    levels: list[int] = page.value(
        "[...document.querySelectorAll('h1, h2, h3')].filter((each) => each.checkVisibility())"
        ".map((each) => Number(each.tagName[1]))"
    )
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [400, 1600])
def test_small_and_large_light_and_dark(page: Page, file: Path, width: int, dark: bool) -> None:
    page.look(width, dark=dark)
    page.open(file)
    assert page.value("document.documentElement.scrollWidth") <= width
    background = page.value("getComputedStyle(document.body).backgroundColor")
    lightness = sum(int(part) for part in background[4:-1].split(",")) / 3
    assert (lightness < 60) == dark
    weak: list[Any] = page.value(CONTRASTS)
    assert weak == []
    page.value("document.querySelector('.card').click()")
    assert page.value("document.getElementById('closer').getBoundingClientRect().right") <= width


NUMBERS_ON_EACH_OTHER: Final = """(() => {
  document.querySelector('.card').click();
  const counts = [0, 0];
  for (let place = 0; place < document.querySelectorAll('.card').length; place += 1) {
    const frames = [...document.querySelectorAll('#closer .boxes text')].map((text) => text.getBBox());
    counts[0] += frames.length;
    counts[1] += frames.filter((one, at) => frames.slice(0, at).some((other) => one.x < other.x + other.width
      && other.x < one.x + one.width && Math.abs(one.y - other.y) < one.height / 2)).length;
    document.querySelector('[data-step="next"]').click();
  }
  return counts;
})()"""
"""How many numbers stand on the boxes of all large pictures, and how many of them lie on another."""


def test_no_number_of_a_box_lies_on_another(browser: Page, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_bytes(reported(ViewType.DETECTION, 40, ("only", "other"), noise=0.05).html(flat))
    browser.look(1600)
    browser.open(file)
    numbers, hidden = browser.value(NUMBERS_ON_EACH_OTHER)
    assert numbers > 40
    assert hidden == 0


CONTRASTS: Final = """(() => {
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const painted = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (colour.startsWith('rgb(')) return numbers(colour);
    }
    return [255, 255, 255];
  };
  const light = (colour) => colour.slice(0, 3).map((part) => part / 255)
    .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, place) => sum + part * [0.2126, 0.7152, 0.0722][place], 0);
  return [...document.querySelectorAll('body *')].filter((element) => element.checkVisibility() && !element.disabled
      && element.getAttribute('aria-disabled') !== 'true' && !element.closest('svg, .unseen, .matrix, .skip')
      && [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim()))
    .map((element) => [light(numbers(getComputedStyle(element).color)), light(painted(element)), element])
    .map(([one, other, element]) => [(Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05), element])
    .filter(([ratio]) => ratio < 4.5)
    .map(([ratio, element]) => [ratio, element.tagName, element.className, element.textContent.slice(0, 40)]);
})()"""
"""Texts whose contrast with what is behind them is less than WCAG's 4.5; cells of the matrix have mixed colours."""
