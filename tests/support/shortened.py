"""The chart's rules with their times made short, so that a test lives to see each alert go."""

import re
from pathlib import Path
from typing import Any, Final

import yaml

UNITS_S: Final = {"s": 1, "m": 60, "h": 3600}
_IN_EXPRESSIONS: Final = re.compile(r"(?<=\[)\d+[smh](?=\])|(?<=offset )\d+[smh]\b")
_AGES: Final = re.compile(r"(time\(\) - \w+ [<>] )(\d+)")


def shortened_rules(path: Path, times: float) -> dict[str, Any]:
    """Return a file of rules with every duration divided by a factor, and nothing else changed.

    Durations are those of `for`, the ranges and offsets of expressions, and thresholds in seconds, which are the
    numbers that an age (`time() - a timestamp`) is compared with.

    Args:
        path: The file.
        times: By how much shorter.
    """
    document: dict[str, Any] = yaml.safe_load(path.read_text())
    for rule in (rule for group in document["groups"] for rule in group["rules"]):
        shorter = _IN_EXPRESSIONS.sub(lambda found: _shorter(found[0], times), rule["expr"])
        rule["expr"] = _AGES.sub(lambda found: f"{found[1]}{int(found[2]) / times:g}", shorter)
        if "for" in rule:
            rule["for"] = _shorter(rule["for"], times)
    return document


def _shorter(duration: str, times: float) -> str:
    return f"{round(1000 * int(duration[:-1]) * UNITS_S[duration[-1]] / times)}ms"
