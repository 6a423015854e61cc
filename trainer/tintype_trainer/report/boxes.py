"""Images of Detection as the page has them. Pure.

Which detection is right at an IoU of 0.5 depends on surer detections alone, so it is found out here once and holds at
every threshold. Which box a wrong one is mistaken for does not: for that the page is given the overlaps.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from tintype_trainer.metrics.boxes import AnnotatedBoxes, DetectedBoxes, overlaps
from tintype_trainer.metrics.coco_matches import AT_50, OVERLAPS, match_concept
from tintype_trainer.report.document import MATCHES, SCORE_UNIT, Entries, Match, Number
from tintype_trainer.report.sources import Line


def located(line: Line, numbers: Mapping[str, int], lowest: Sequence[float]) -> tuple[Entries, Entries]:
    """Return an image: its annotated boxes, and its detections from their concepts' lowest scores on."""
    found, truth = _found(line, numbers), _truth(line, numbers)
    match_N = _matches(found, truth)
    overlaps_NM = overlaps(found.boxes_N4, truth.boxes_M4, truth.ignored_M)
    kept = np.flatnonzero(found.scores_N >= np.array(lowest, dtype=np.float64)[found.labels_N]).tolist()
    return tuple(_boxes(truth)), tuple(_detection(found, place, match_N[place], overlaps_NM[place]) for place in kept)


def _found(line: Line, numbers: Mapping[str, int]) -> DetectedBoxes:
    known = [each for each in line["detections"] if each["score"] is not None]
    known.sort(key=lambda each: -each["score"])
    return DetectedBoxes(
        _corners(known),
        np.array([each["score"] for each in known], dtype=np.float64),
        np.array([numbers[each["concept"]] for each in known], dtype=np.int64),
    )


def _truth(line: Line, numbers: Mapping[str, int]) -> AnnotatedBoxes:
    boxes = line["annotated"]
    return AnnotatedBoxes(
        _corners(boxes),
        np.array([numbers[each["concept"]] for each in boxes], dtype=np.int64),
        np.array([each.get("ignored", False) for each in boxes], dtype=np.bool_),
    )


def _corners(boxes: Sequence[Line]) -> NDArray[np.float64]:
    return np.array([each["box"] for each in boxes], dtype=np.float64).reshape(-1, 4)


def _matches(found: DetectedBoxes, truth: AnnotatedBoxes) -> list[int]:
    """Return the place in MATCHES of each detection."""
    match_N = np.full(len(found.scores_N), MATCHES.index(Match.WRONG))
    for concept in np.unique(found.labels_N).tolist():
        places = np.flatnonzero(found.labels_N == concept)
        matched = match_concept([found], [truth], concept)
        # COCO looks at the hundred surest ones; those that it passes over count neither way.
        match_N[places] = MATCHES.index(Match.IGNORED)
        first = places[: len(matched.scores_N)]
        right_N, ignored_N = matched.right_TN[AT_50], matched.ignored_TN[AT_50]
        match_N[first] = np.where(ignored_N, MATCHES.index(Match.IGNORED), MATCHES.index(Match.WRONG))
        match_N[first[right_N]] = MATCHES.index(Match.RIGHT)
    return [int(match) for match in match_N]


def _boxes(truth: AnnotatedBoxes) -> Iterator[tuple[Number, ...]]:
    for box_4, label, ignored in zip(truth.boxes_M4.tolist(), truth.labels_M.tolist(), truth.ignored_M, strict=True):
        yield (label, *map(_pixel, box_4), *((1,) if ignored else ()))


def _detection(found: DetectedBoxes, place: int, match: int, overlaps_M: NDArray[np.float64]) -> tuple[Number, ...]:
    near = [
        number
        for box in np.flatnonzero(overlaps_M >= OVERLAPS[0]).tolist()
        for number in (box, round(float(overlaps_M[box]), 6))
    ]
    score = round(float(found.scores_N[place]) * SCORE_UNIT)
    return (int(found.labels_N[place]), score, *map(_pixel, found.boxes_N4[place].tolist()), match, *near)


def _pixel(number: float) -> Number:
    """Return a place to a tenth of a pixel; enough to draw it."""
    rounded = round(number, 1)
    return int(rounded) if rounded == int(rounded) else rounded
