"""The table of `quality.py`: means and intervals over seeds, and differences of arms on the same seeds. Pure."""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from scipy.stats import t as student

RIVAL: Final = "reference"
"""The arm that the others of a task are compared with."""
MEAN_CONFIDENCE: Final = 0.95
DIFFERENCE_CONFIDENCE: Final = 0.90
ACCURACY: Final = "testAccuracy"
PRECISION: Final = "testMAP"
Result = Mapping[str, Any]


def report(results: Iterable[Result]) -> str:
    """Return the results as a table in Markdown, a task's arm a line, with its difference from the rival's."""
    arms: dict[tuple[str, str], dict[int, Result]] = {}
    for result in results:
        arms.setdefault((result["task"], result["arm"]), {})[result["seed"]] = result
    lines = [
        "| task | arm | seeds | test accuracy | less the reference's | test mAP | seconds |",
        "|---|---|---|---|---|---|---|",
    ]
    for (task, arm), seeds in sorted(arms.items()):
        rival = arms.get((task, RIVAL), {}) if arm != RIVAL else {}
        lines.append(_line(task, arm, seeds, rival))
    return "\n".join(lines)


def mean_interval(numbers: Sequence[float], confidence: float) -> tuple[float, float, float] | None:
    """Return the mean and the ends of its interval by Student's t; None of fewer than two numbers."""
    if len(numbers) < 2:
        return None
    mean = statistics.fmean(numbers)
    half = student.ppf((1 + confidence) / 2, len(numbers) - 1) * statistics.stdev(numbers) / math.sqrt(len(numbers))
    return mean, mean - half, mean + half


def paired_differences(ours: Mapping[int, Result], theirs: Mapping[int, Result], key: str) -> list[float]:
    """Return the differences of a figure on the seeds that both have, in points."""
    return [100 * (ours[seed][key] - theirs[seed][key]) for seed in sorted(ours.keys() & theirs.keys())]


def _line(task: str, arm: str, seeds: Mapping[int, Result], rival: Mapping[int, Result]) -> str:
    accuracy = _said(_percent(seeds, ACCURACY), MEAN_CONFIDENCE, " %")
    key = PRECISION if _percent(rival, PRECISION) else ACCURACY
    difference = _said(paired_differences(seeds, rival, key), DIFFERENCE_CONFIDENCE, " points", sign="+")
    seconds = statistics.median(each["seconds"] for each in seeds.values())
    precision = _said(_percent(seeds, PRECISION), MEAN_CONFIDENCE, " %")
    named = ", ".join(str(seed) for seed in sorted(seeds))
    return f"| {task} | {arm} | {named} | {accuracy} | {difference} | {precision} | {seconds:.0f} |"


def _percent(seeds: Mapping[int, Result], key: str) -> list[float]:
    return [100 * each[key] for each in seeds.values() if key in each]


def _said(numbers: Sequence[float], confidence: float, unit: str, sign: str = "") -> str:
    if not numbers:
        return ""
    found = mean_interval(numbers, confidence)
    if found is None:
        return f"{numbers[0]:{sign}.2f}{unit}"
    mean, lower, upper = found
    return f"{mean:{sign}.2f}{unit} ({confidence:.0%}: {lower:{sign}.2f} to {upper:{sign}.2f})"
