"""A comparison of two versions for people. Pure."""

from collections.abc import Iterator, Sequence
from typing import Final

from tintype_api.spec.view import ViewType
from tintype_trainer.comparison.document import (
    Better,
    Change,
    PictureChange,
    TestName,
    VersionComparison,
)
from tintype_trainer.sentences import counted

FIGURES: Final = {
    ViewType.CLASSIFICATION: "recall",
    ViewType.TAGGING: "average precision",
    ViewType.DETECTION: "average precision",
}
UNKNOWN: Final = "-"
SMALLEST_P: Final = 0.0001
CHANCE: Final = 20
"""Of so many concepts without any difference one is marked, by the 95 % interval."""


def text_of(comparison: VersionComparison, most_pictures: int) -> str:
    """Return the lines that `tintype compare` prints; at most so many pictures of each kind."""
    lines = [*_verdict(comparison), "", *_concepts(comparison)]
    for said, pictures in (("fixed", comparison.fixed), ("broken", comparison.broken)):
        lines += ["", *_pictures(said, pictures, comparison, most_pictures)]
    return "\n".join(lines)


def _verdict(comparison: VersionComparison) -> Iterator[str]:
    indicator = comparison.indicator
    yield _which(comparison)
    yield (
        f"{comparison.indicator_name} on the same {comparison.examples} validation examples: "
        f"{_figure(indicator.first)} and {_figure(indicator.second)}{_how_much(indicator)}"
    )
    yield f"{_chance(comparison)}, p {_probability(comparison.p_value)}"
    yield from (f"note: {note}" for note in comparison.notes)


def _which(comparison: VersionComparison) -> str:
    first, second = comparison.first.name, comparison.second.name
    match comparison.better:
        case Better.FIRST:
            return f"{first} is better than {second}."
        case Better.SECOND:
            return f"{second} is better than {first}."
        case _:
            return f"Neither {first} nor {second} is better by more than chance."


def _how_much(change: Change) -> str:
    if change.change is None:
        return ""
    interval = change.interval
    between = f" (95 % interval {interval.lower:+.4f} to {interval.upper:+.4f})" if interval else ""
    return f", a change of {change.change:+.4f}{between}"


def _chance(comparison: VersionComparison) -> str:
    if comparison.test is TestName.MCNEMAR:
        return (
            f"{counted(len(comparison.fixed), 'picture')} fixed, {len(comparison.broken)} broken: McNemar's exact test"
        )
    resamples = comparison.indicator.interval.resamples if comparison.indicator.interval else 0
    return f"{resamples} resamples of the examples: paired bootstrap"


def _probability(p_value: float | None) -> str:
    if p_value is None:
        return "unknown"
    return f"< {SMALLEST_P:.4f}" if p_value < SMALLEST_P else f"= {p_value:.4f}"


def _concepts(comparison: VersionComparison) -> Iterator[str]:
    names = (comparison.first.name, comparison.second.name)
    support = "BOXES" if comparison.view is ViewType.DETECTION else "EXAMPLES"
    header = ("CONCEPT", support, *names, "CHANGE", "95 % INTERVAL", "")
    rows = [
        (
            concept.name,
            str(concept.support),
            _figure(concept.first),
            _figure(concept.second),
            f"{concept.change:+.4f}" if concept.change is not None else UNKNOWN,
            f"{concept.interval.lower:+.4f} to {concept.interval.upper:+.4f}" if concept.interval else UNKNOWN,
            "*" if concept.is_apart else "",
        )
        for concept in comparison.concepts
    ]
    yield f"by concept, {FIGURES[comparison.view]}; * where the interval leaves 0 out, by chance alone one in {CHANCE}"
    yield from _table([header, *rows])


def _pictures(said: str, pictures: Sequence[PictureChange], comparison: VersionComparison, most: int) -> Iterator[str]:
    fewer = "fewer" if said == "fixed" else "more"
    yield f"{said} by {comparison.second.name}: {counted(len(pictures), 'picture')} with {fewer} wrong decisions"
    if not pictures or not most:
        return
    rows = [(each.id, each.annotated, each.first, each.second) for each in pictures[:most]]
    yield from _table([("ID", "ANNOTATED", comparison.first.name, comparison.second.name), *rows])
    if len(pictures) > most:
        yield f"  and {len(pictures) - most} more; --pictures {len(pictures)} shows all of them, --json too"


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    # A line break or a terminal's control sequence in a name must not become one here.
    shown = [["".join(sign if sign.isprintable() else "?" for sign in cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    for row in shown:
        yield ("  " + "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True))).rstrip()


def _figure(figure: float | None) -> str:
    return UNKNOWN if figure is None else f"{figure:.4f}"
