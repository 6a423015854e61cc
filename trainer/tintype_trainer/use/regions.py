"""The regions that a child view looks at: what its parent detected, where that meets the view's conditions."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tintype_api.errors import data_error, invalid_spec
from tintype_api.spec.view import ViewType
from tintype_trainer.datasets.dataset import Region
from tintype_trainer.datasets.views import Conditions, meets, spec_conditions
from tintype_trainer.use.inputs import Wanted
from tintype_trainer.use.published import PublishedVersion


def looks_at_regions(published: PublishedVersion) -> bool:
    """Return whether a version's view is a child of a Detection view."""
    parent = published.view.parent
    return parent is not None and parent.type is ViewType.DETECTION


def check_parent(published: PublishedVersion, parent: PublishedVersion) -> None:
    """Check that a version is one of the parent view of another.

    Raises:
        UserError: exit 64 where it is of another view.
    """
    named = published.view.parent
    assert named is not None, "only views that look at regions have a parent asked for"
    if (parent.view.name, parent.view.type) != (named.name, named.type):
        raise invalid_spec(
            f"--parent: {parent.uri} is a version of the view '{parent.view.name}', but {published.name} looks at what "
            f"'{named.name}' detects; name a version of that view"
        )


def wanted_regions(lines: Iterable[Mapping[str, Any]], published: PublishedVersion) -> Iterator[Wanted]:
    """Yield the regions of a parent's answers that a child view looks at.

    Args:
        lines: Answers of a Detection version, as `answer_line` has them; those with an error are passed over.
        published: A version of the child view.
    """
    conditions = spec_conditions(published.view)
    for line in lines:
        if "error" not in line:
            yield from _of_line(line, conditions)


def read_boxes(lines: Iterable[str], where: str) -> Iterator[Mapping[str, Any]]:
    """Yield the answers of a file of JSON lines.

    Raises:
        UserError: exit 65 naming the first line that is none.
    """
    for number, text in enumerate(lines, start=1):
        try:
            line = json.loads(text)
            usable = isinstance(line, dict) and ("error" in line or {"id", "uri", "width", "detections"} <= line.keys())
        except ValueError:
            usable = False
        if not usable:
            raise data_error(
                f"--boxes: line {number} of {where} has no detections; give a file that `tintype predict` wrote with a "
                "version of a Detection view"
            )
        yield line


def _of_line(line: Mapping[str, Any], conditions: Conditions) -> Iterator[Wanted]:
    width, height = line["width"], line["height"]
    for number, found in enumerate(line["detections"]):
        if meets({found["concept"]: True}, conditions):
            x0, y0, x1, y1 = found["box"]
            region = Region(max(x0 / width, 0), max(y0 / height, 0), min(x1 / width, 1), min(y1 / height, 1))
            if region.x1 > region.x0 and region.y1 > region.y0:
                yield Wanted(f"{line['id']}#{number}", line["uri"], region)
