"""docs/options.md names every option of the resource."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tintype_api.schema import structural_schema
from tintype_api.spec import ModelVersionSpec

PAGES = Path(__file__).parents[2] / "docs"
ELSEWHERE = ("view", "concepts", "output.uri", "podTemplate.tolerations.")
"""Described in docs/views, in the README, and by Kubernetes."""


def _leaves(schema: dict[str, Any], path: str = "") -> Iterator[str]:
    schema = schema.get("items", schema)
    if "properties" not in schema:
        yield path
        return
    for name, part in schema["properties"].items():
        yield from _leaves(part, f"{path}.{name}" if path else name)


OPTIONS = [path for path in _leaves(structural_schema(ModelVersionSpec)) if not path.startswith(ELSEWHERE)]


@pytest.mark.parametrize("option", OPTIONS)
def test_an_option_is_described(option: str) -> None:
    text = (PAGES / "options.md").read_text() + (PAGES / "datasets.md").read_text()
    assert option.rsplit(".", 1)[-1] in text, f"docs/options.md does not say what {option} is"
