"""The library as one page of HTML that needs nothing else: no network, no server, no script to be read. Pure."""

import base64
import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.resources import files
from typing import Final

from tintype_trainer.library.entries import UNREAD, Model, Version
from tintype_trainer.library.markup import Markup, join, tag
from tintype_trainer.library.row import COLUMNS, version_row
from tintype_trainer.sentences import counted

Addresses = Callable[[str], str | None]
"""From the URI of a file to its address on the page; None where it has none."""
MOST_CONCEPTS: Final = 12
GENERATOR: Final = "tintype library"
"""Stands in each page, so that none of another making is taken for one."""


def library_page(models: Sequence[Model], place: str, made: datetime, addresses: Addresses) -> bytes:
    """Return the page.

    Args:
        models: What is shown.
        place: Where they are, for the heading.
        made: When this was read.
        addresses: Of reports.
    """
    style, script = _resource("page.css"), _resource("page.js")
    body = [
        _heading(models, place),
        tag("main", [_model(model, addresses) for model in models] or tag("p", _empty(place), class_="empty")),
        tag(
            "footer",
            tag(
                "p",
                "Read at ",
                _minute(made),
                " by tintype library. Changes are those against the version that was published before.",
            ),
        ),
        tag("script", Markup(script)),
    ]
    head = [
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_policy(style, script)),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("meta", name="generator", content=GENERATOR),
        tag("title", f"Models in {place}"),
        tag("style", Markup(style)),
    ]
    page = tag("html", tag("head", head), tag("body", body), lang="en")
    # Half a surrogate pair, which JSON can hold, is no text that a file can.
    return f"<!doctype html>\n{page}\n".encode("utf-8", "replace")


def _policy(style: str, script: str) -> str:
    return (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _resource(name: str) -> str:
    return (files("tintype_trainer.library") / name).read_text(encoding="utf-8")


def _heading(models: Sequence[Model], place: str) -> Markup:
    versions = [version for model in models for version in model.versions]
    known = sum(model.digest != UNREAD for model in models)
    said = f"{counted(known, 'model')}, {counted(len(versions), 'version')}"
    unread = sum(version.fault is not None for version in versions)
    field = [
        tag("label", "Show only", for_="filter"),
        tag("input", type="search", id="filter", autocomplete="off", placeholder="a name, concept, option or status"),
        tag("span", id="shown", role="status", class_="soft"),
    ]
    return tag(
        "header",
        tag("h1", "Models"),
        tag("p", tag("bdi", place), class_="place"),
        tag("p", f"{said}{f', {unread} of them cannot be read' if unread else ''}", class_="soft"),
        tag("div", field, class_="filter", role="search", hidden=True) if versions else None,
    )


def _empty(place: str) -> str:
    return f"There is no version below {place}: name the output.uri of ModelVersions, or a folder above their versions."


def _model(model: Model, addresses: Addresses) -> Markup:
    newest = model.versions[-1]
    label = f"model-{model.digest}"
    scale = _scale(model.versions)
    best = model.best
    rows = [version_row(version, version is best, scale, addresses) for version in reversed(model.versions)]
    columns = [
        tag("th", name, scope="col", role="columnheader", data_sorts=kind is not None, data_number=kind == "number")
        for name, kind in COLUMNS
    ]
    table = tag(
        "table",
        tag("thead", tag("tr", columns, role="row"), role="rowgroup"),
        tag("tbody", rows, role="rowgroup"),
        role="table",
        aria_labelledby=label,
    )
    return tag(
        "section",
        tag("header", tag("h2", tag("bdi", newest.view or "Cannot be read"), id=label), *_about(model)),
        tag("div", table, class_="wide", tabindex="0", role="region", aria_labelledby=label),
        class_="model",
        aria_labelledby=label,
    )


def _about(model: Model) -> list[Markup]:
    newest = model.versions[-1]
    if model.digest == UNREAD:
        return [tag("p", "Versions whose files are missing, damaged or of something else.", class_="soft")]
    concepts = [tag("bdi", name) for name in newest.concepts[:MOST_CONCEPTS]]
    more = len(newest.concepts) - len(concepts)
    named = join([each if place == 0 else join([", ", each]) for place, each in enumerate(concepts)])
    told = f" and {more} more" if more > 0 else ""
    return [
        tag("p", f"{newest.view_type} of ", named, told),
        tag("p", f"{counted(len(model.versions), 'version')} of model ", tag("code", model.digest), class_="soft"),
    ]


def _scale(versions: Sequence[Version]) -> tuple[float, float]:
    """Return the lowest and the highest number that intervals of a model are drawn on."""
    found = [version.indicator for version in versions if version.indicator]
    ends = [end for each in found for end in (each.lower, each.upper, each.value) if end is not None]
    return (min(ends), max(ends)) if ends else (0.0, 1.0)


def _minute(moment: datetime) -> Markup:
    said = moment.astimezone(UTC)
    return tag("time", f"{said:%Y-%m-%d %H:%M} UTC", datetime=said.isoformat(timespec="seconds"))
