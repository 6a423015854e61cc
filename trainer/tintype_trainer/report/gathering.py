"""From the files of a version to what the page shows, all but its pictures. Pure."""

from collections.abc import Mapping

from tintype_api.spec.view import ViewType
from tintype_api.status import Best
from tintype_trainer.datasets.dataset import Split
from tintype_trainer.evaluation.document import ConceptEvaluation, CurveDocument, SplitEvaluation
from tintype_trainer.report.answers import Answers, answers_of
from tintype_trainer.report.counting import differing
from tintype_trainer.report.document import (
    MATCHES,
    SCORE_UNIT,
    BestEpoch,
    Concept,
    CurvePoints,
    Entries,
    Evaluated,
    Examples,
    HonestFigures,
    Indicator,
    Match,
    Report,
)
from tintype_trainer.report.facts import facts_of, figures_of, summary_of, tiles_of
from tintype_trainer.report.options import options_of
from tintype_trainer.report.snippets import snippets_of
from tintype_trainer.report.sources import Sources
from tintype_trainer.report.thumbnails import Thumbnail
from tintype_trainer.sentences import first_of

DECIMALS = 4
LONGEST_ID = 300


def gather(sources: Sources) -> Report:
    """Return what the page shows of a version, without a picture yet."""
    best = sources.evaluation.best
    assert best is not None, "what is published was trained"
    evaluated, notes = _evaluated(sources)
    own = [sources.evaluation.note] if sources.evaluation.note else []
    spec = sources.version.spec
    return Report(
        name=sources.version.metadata.name,
        namespace=sources.version.metadata.namespace,
        view=spec.view.name,
        view_type=spec.view.type,
        summary=summary_of(sources),
        notes=(*own, *notes),
        indicator=_indicator(best, sources.evaluation.validation),
        best=BestEpoch(epoch=best.epoch, selected_by=best.selected_by),
        tiles=tiles_of(sources),
        facts=facts_of(sources),
        options=options_of(sources.version),
        epochs=sources.epochs,
        evaluated=evaluated,
        snippets=snippets_of(sources),
    )


def with_pictures(report: Report, pictures: Mapping[str, Thumbnail], unreachable: str | None = None) -> Report:
    """Return the report with the pictures that there are, by the examples' ids, and a note about the others."""
    if report.evaluated is None:
        return report
    examples = report.evaluated.examples
    found = [pictures.get(example) for example in examples.ids]
    shown = examples.model_copy(
        update={
            "ids": tuple(_shortened(example) for example in examples.ids),
            "sizes": tuple(each.size if each else None for each in found),
            "pictures": tuple(each.uri if each else None for each in found),
        }
    )
    missing = found.count(None)
    note = (
        unreachable
        or f"{missing:,} of {len(found):,} examples have no picture here: there is no room for it, or it is gone."
    )
    return report.model_copy(
        update={
            "evaluated": report.evaluated.model_copy(update={"examples": shown}),
            "notes": (*report.notes, *([note] if missing else [])),
        }
    )


def most_doubtful_first(report: Report) -> list[str]:
    """Return the ids of the report's examples, those first whose annotation the network contradicts most surely."""
    if report.evaluated is None:
        return []
    examples = report.evaluated.examples
    doubt = {
        ViewType.CLASSIFICATION: _doubt_of_one,
        ViewType.TAGGING: _doubt_of_each,
        ViewType.DETECTION: _doubt_of_boxes,
    }[report.view_type]
    doubts = [doubt(annotated, found) for annotated, found in zip(examples.annotated, examples.answers, strict=True)]
    places = sorted(range(len(doubts)), key=lambda place: -doubts[place])
    return [examples.ids[place] for place in places]


def _doubt_of_one(annotated: Entries, found: Entries) -> float:
    pairs = zip(found[::2], found[1::2], strict=True)
    return max((score for concept, score in pairs if concept not in annotated), default=0)


def _doubt_of_each(annotated: Entries, found: Entries) -> float:
    pairs = zip(found[::2], found[1::2], strict=True)
    return max((SCORE_UNIT - score if concept in annotated else score for concept, score in pairs), default=0)


def _doubt_of_boxes(_annotated: Entries, found: Entries) -> float:
    wrong = MATCHES.index(Match.WRONG)
    return max((score for _, score, *rest in found if rest[4] == wrong), default=0)


def _indicator(best: Best, validation: SplitEvaluation | None) -> Indicator | None:
    if best.performance_indicator is None or best.performance_indicator_name is None:
        return None
    interval = None
    if validation is not None:
        of_map = best.performance_indicator_name == "mAP"
        interval = validation.mean_average_precision_interval if of_map else validation.accuracy_interval
    return Indicator(name=best.performance_indicator_name, value=best.performance_indicator, interval=interval)


def _evaluated(sources: Sources) -> tuple[Evaluated | None, list[str]]:
    split = sources.split
    evaluation = sources.evaluation_of(split) if split else None
    if split is None or evaluation is None:
        return None, ["No example was set aside, so nothing can be said here of how good it is."]
    lines = sources.predictions_of(split)
    view_type = sources.version.spec.view.type
    answers = answers_of(view_type, lines, sources.evaluation.thresholds)
    concepts = _concepts(sources, split, evaluation, answers)
    document = Evaluated(
        split=split.value,
        total=len(lines),
        figures=figures_of(evaluation),
        concepts=concepts,
        calibration=evaluation.calibration,
        examples=Examples(
            ids=answers.ids,
            annotated=answers.annotated,
            answers=answers.answers,
            sizes=(None,) * len(answers.ids),
            pictures=(None,) * len(answers.ids),
        ),
    )
    return document, _notes(view_type, split, answers, document)


def _notes(view_type: ViewType, split: Split, answers: Answers, evaluated: Evaluated) -> list[str]:
    notes = []
    if split is Split.TEST:
        notes.append("There is no validation set: what follows is counted on the test set.")
    if len(answers.ids) < evaluated.total:
        return [
            *notes,
            f"The {split} set has {evaluated.total:,} examples, too many for one page: what moves with the thresholds, "
            f"and the gallery, are of {len(answers.ids):,} of them drawn at random; evaluation.json is about all.",
        ]
    names = differing(view_type, answers, evaluated.concepts)
    if names:
        notes.append(
            f"At the chosen thresholds, counts here differ from those of evaluation.json for {len(names)} concepts, "
            f"since predictions.jsonl.gz rounds scores and boxes: {first_of(names, len(names))}."
        )
    return notes


def _concepts(sources: Sources, split: Split, evaluation: SplitEvaluation, answers: Answers) -> tuple[Concept, ...]:
    counts = sources.counts_by_split()
    test = sources.evaluation.test if split is Split.VALIDATION else None
    honest = {each.name: each for each in test.per_concept} if test else {}
    return tuple(
        _concept(each, counts.get((each.name, Split.TRAIN.value), 0), lowest, honest.get(each.name))
        for each, lowest in zip(evaluation.per_concept, answers.lowest, strict=True)
    )


def _concept(each: ConceptEvaluation, trained_on: int, lowest: float, test: ConceptEvaluation | None) -> Concept:
    return Concept(
        name=each.name,
        trained_on=trained_on,
        support=each.support,
        threshold=each.threshold,
        lowest=lowest,
        true_positives=each.true_positives,
        false_positives=each.false_positives,
        false_negatives=each.false_negatives,
        average_precision=each.average_precision,
        average_precision50=each.average_precision50,
        curve=_curve(each.curve),
        calibration=each.calibration,
        test=_honest(test) if test else None,
    )


def _honest(test: ConceptEvaluation) -> HonestFigures:
    return HonestFigures(
        support=test.support,
        precision=test.precision,
        recall=test.recall,
        f1=test.f1,
        average_precision=test.average_precision,
    )


def _curve(curve: CurveDocument | None) -> CurvePoints | None:
    if curve is None:
        return None
    return CurvePoints(
        precision=tuple(round(number, DECIMALS) for number in curve.precision),
        recall=tuple(round(number, DECIMALS) for number in curve.recall),
    )


def _shortened(name: str) -> str:
    return name if len(name) <= LONGEST_ID else f"{name[: LONGEST_ID // 2]}…{name[-LONGEST_ID // 2 :]}"
