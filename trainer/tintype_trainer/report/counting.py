"""What the page counts at its thresholds, counted by Python: whether both agree with evaluation.json. Pure."""

from collections.abc import Sequence

from tintype_api.spec.view import ViewType
from tintype_trainer.metrics.decisions import Counts
from tintype_trainer.report.answers import Answers
from tintype_trainer.report.document import MATCHES, SCORE_UNIT, Concept, Entries, Match


def counts_at(view_type: ViewType, answers: Answers, thresholds: Sequence[float]) -> list[Counts]:
    """Return the decisions for each concept.

    Args:
        view_type: Of the view.
        answers: Of the examples.
        thresholds: Of each concept.
    """
    count = _located if view_type is ViewType.DETECTION else _scored
    tables = [[0, 0, 0] for _ in thresholds]
    for annotated, found in zip(answers.annotated, answers.answers, strict=True):
        chosen = found[:2] if view_type is ViewType.CLASSIFICATION else found
        count(tables, annotated, chosen, thresholds)
    return [Counts(*table) for table in tables]


def differing(view_type: ViewType, answers: Answers, concepts: Sequence[Concept]) -> list[str]:
    """Return the names of the concepts whose counts at their thresholds are not those of the evaluation.

    predictions.jsonl.gz has six decimals of a score: where a threshold lies between two scores that are equal then, one
    more or one less is decided for.
    """
    counted = counts_at(view_type, answers, [concept.threshold for concept in concepts])
    published = [Counts(each.true_positives, each.false_positives, each.false_negatives) for each in concepts]
    return [concept.name for concept, one, other in zip(concepts, counted, published, strict=True) if one != other]


def _scored(tables: list[list[int]], annotated: Entries, found: Entries, thresholds: Sequence[float]) -> None:
    decided = {
        concept
        for concept, score in zip(found[::2], found[1::2], strict=True)
        if score / SCORE_UNIT >= thresholds[concept]
    }
    for concept in decided.union(annotated):
        tables[concept][_place(concept in annotated, concept in decided)] += 1


def _place(holds: bool, decided: bool) -> int:
    if holds:
        return 0 if decided else 2
    return 1


def _located(tables: list[list[int]], annotated: Entries, found: Entries, thresholds: Sequence[float]) -> None:
    for concept, *rest in annotated:
        tables[concept][2] += len(rest) == 4
    for concept, score, *rest in found:
        match = MATCHES[rest[4]]
        if score / SCORE_UNIT >= thresholds[concept] and match is not Match.IGNORED:
            right = match is Match.RIGHT
            tables[concept][0 if right else 1] += 1
            tables[concept][2] -= right
