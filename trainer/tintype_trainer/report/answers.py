"""Examples as the page has them: what is annotated, and what the network answers. Pure.

All answers of a large data set are too many for one page. Then the lowest scores are left out first, but never one from
which on its concept is decided for; where that is not enough, some of the examples are drawn.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tintype_api.spec.view import ViewType
from tintype_trainer.evaluation.detection import LOWEST_SCORE
from tintype_trainer.report.boxes import located
from tintype_trainer.report.document import SCORE_UNIT, Entries
from tintype_trainer.report.sources import Line

FLOORS: Final = (0.0, 0.001, 0.01, 0.05, 0.1, 0.2, 0.3, 0.5)
"""Scores below which answers are left out, tried in this order."""
MOST_EXAMPLES: Final = 10_000
MOST_SCORES: Final = 200_000
MOST_BOXES: Final = 60_000
"""Numbers of answers of which the page stays fast, and below 3 MB without its pictures."""
BEST_ANSWERS: Final = 3
"""Of Classification, whose highest score decides: what the page needs, and two more to look at."""


@dataclass(frozen=True, slots=True)
class Answers:
    """Some examples.

    Attributes:
        ids: Their names.
        annotated: As `Examples.annotated` has it.
        answers: As `Examples.answers` has it.
        lowest: From which score on the answers of each concept are among them.
    """

    ids: tuple[str, ...]
    annotated: tuple[Entries, ...]
    answers: tuple[Entries, ...]
    lowest: tuple[float, ...]


Encoded = tuple[Entries, Entries]
Encode = Callable[[Line, Mapping[str, int], Sequence[float]], Encoded]


def answers_of(view_type: ViewType, lines: Sequence[Line], thresholds: Mapping[str, float]) -> Answers:
    """Return the examples of a split, as many of them and of their answers as there is room for.

    Args:
        view_type: Of the view.
        lines: Of predictions.jsonl.gz.
        thresholds: Of each concept, in the spec's order.
    """
    # A detection is one entry, a score is two: its concept's place and itself.
    most = MOST_BOXES if view_type is ViewType.DETECTION else 2 * MOST_SCORES
    encode = {ViewType.CLASSIFICATION: decided, ViewType.TAGGING: scored, ViewType.DETECTION: located}[view_type]
    chosen = drawn(lines, MOST_EXAMPLES)
    while True:
        for floor in FLOORS:
            least = max(floor, LOWEST_SCORE) if view_type is ViewType.DETECTION else floor
            lowest = tuple(min(least, threshold) for threshold in thresholds.values())
            found = _encoded(chosen, encode, tuple(thresholds), lowest)
            if len(chosen) == 1 or sum(map(len, (*found.answers, *found.annotated))) <= most:
                return found
        chosen = drawn(chosen, len(chosen) // 2)


def drawn(lines: Sequence[Line], count: int) -> Sequence[Line]:
    """Return so many of the lines in their order, always the same ones; all where there are no more."""
    if len(lines) <= count:
        return lines
    return [lines[place] for place in sorted(random.Random(0).sample(range(len(lines)), count))]


def _encoded(lines: Sequence[Line], encode: Encode, concepts: Sequence[str], lowest: tuple[float, ...]) -> Answers:
    numbers = {name: number for number, name in enumerate(concepts)}
    encoded = [encode(line, numbers, lowest) for line in lines]
    return Answers(
        ids=tuple(line["id"] for line in lines),
        annotated=tuple(annotated for annotated, _ in encoded),
        answers=tuple(answers for _, answers in encoded),
        lowest=lowest,
    )


def decided(line: Line, numbers: Mapping[str, int], _lowest: Sequence[float]) -> Encoded:
    """Return an example of Classification: the highest scores, and that of the annotated concept."""
    annotated = _annotated(line, numbers)
    ranked = _ranked(line, numbers)
    kept = [pair for rank, pair in enumerate(ranked) if rank < BEST_ANSWERS or pair[0] in annotated]
    return annotated, _flat(kept)


def scored(line: Line, numbers: Mapping[str, int], lowest: Sequence[float]) -> Encoded:
    """Return an example of Tagging: the scores from the lowest on, and those of annotated concepts."""
    annotated = _annotated(line, numbers)
    kept = [(k, score) for k, score in _ranked(line, numbers) if score >= lowest[k] * SCORE_UNIT or k in annotated]
    return annotated, _flat(kept)


def _annotated(line: Line, numbers: Mapping[str, int]) -> tuple[int, ...]:
    return tuple(numbers[name] for name in line["annotated"])


def _ranked(line: Line, numbers: Mapping[str, int]) -> list[tuple[int, int]]:
    """Return concepts and scores, the highest first; of equal ones the first concept, as the evaluation decides."""
    known = ((numbers[name], score) for name, score in line["scores"].items() if score is not None)
    return sorted(((k, round(score * SCORE_UNIT)) for k, score in known), key=lambda pair: (-pair[1], pair[0]))


def _flat(pairs: Sequence[tuple[int, int]]) -> tuple[int, ...]:
    return tuple(number for pair in pairs for number in pair)
