"""One version as a row of the library's table. Pure."""

from collections.abc import Callable
from datetime import UTC
from typing import Final

from tintype_trainer.library.changes import ON, OptionChange
from tintype_trainer.library.entries import Indicator, Training, Version
from tintype_trainer.library.markup import Markup, join, tag

COLUMNS: Final = (
    ("Version", "text"),
    ("Indicator", "number"),
    ("Changes", None),
    ("Trained", "number"),
    ("Data set", "text"),
    ("Published", "text"),
    ("Report", None),
)
"""Name of each, and as what it is sorted."""
MOST_CHANGES: Final = 8
DIGEST_DIGITS: Final = 12
SECONDS_PER_MINUTE: Final = 60
DRAWN: Final = 160
MARGIN: Final = 4


def version_row(
    version: Version, is_best: bool, scale: tuple[float, float], addresses: Callable[[str], str | None]
) -> Markup:
    """Return the row.

    Args:
        version: What it is of.
        is_best: Whether no other of its model has a higher indicator.
        scale: Lowest and highest number of the model's intervals.
        addresses: From the URI of a file to its address on the page.
    """
    names = [name for name, _ in COLUMNS]
    cells = [
        _indicator(version.indicator, scale),
        _changes(version),
        _training(version.training),
        _dataset(version),
        _published(version),
        _report(version, addresses),
    ]
    head = tag("th", *_name(version, is_best), scope="row", role="rowheader", data_sort=version.name)
    return tag("tr", head, [cell(name) for cell, name in zip(cells, names[1:], strict=True)], role="row")


def _cell(*children: Markup | str | None, sort: str = "", class_: str | None = None) -> Callable[[str], Markup]:
    there = any(children)
    classes = " ".join(filter(None, [class_, None if there else "nothing"])) or None

    def labelled(label: str) -> Markup:
        shown = children if there else (tag("span", "none", class_="sr"),)
        return tag("td", tag("div", *shown), role="cell", data_label=label, data_sort=sort or None, class_=classes)

    return labelled


def _name(version: Version, is_best: bool) -> list[Markup | None]:
    chips = [_chip("best", "good")] if is_best else []
    chips += [_chip(alias, "good") for alias in version.aliases]
    if version.fault:
        chips.append(_chip("cannot be read", "bad"))
    elif not version.published:
        chips.append(_chip("not published", "warn"))
    else:
        chips.append(_chip("published", "soft"))
    return [
        tag("bdi", version.name),
        tag("div", tag("bdi", version.namespace), class_="soft") if version.namespace else None,
        tag("div", chips, class_="chips"),
    ]


def _chip(text: str, kind: str) -> Markup:
    return tag("span", tag("bdi", text), class_=f"chip {kind}".strip())


def _indicator(indicator: Indicator | None, scale: tuple[float, float]) -> Callable[[str], Markup]:
    if indicator is None:
        return _cell()
    between = None
    if indicator.lower is not None and indicator.upper is not None:
        said = f"95 % {indicator.lower:.4f} to {indicator.upper:.4f}"
        between = tag("div", said, _drawn(indicator.value, indicator.lower, indicator.upper, scale), class_="soft")
    value = tag("span", f"{indicator.value:.4f}", class_="value")
    test = None if indicator.test is None else tag("div", f"test set {indicator.test:.4f}", class_="soft")
    return _cell(value, f" {indicator.name}", between, test, sort=f"{indicator.value:.9f}", class_="number")


def _drawn(value: float, lower: float, upper: float, scale: tuple[float, float]) -> Markup:
    """Return the interval on the model's scale; numbers stand beside it, so that readers of screens miss nothing."""

    def place(number: float) -> str:
        lowest, highest = scale
        share = (number - lowest) / (highest - lowest) if highest > lowest else 0.5
        return f"{MARGIN + share * (DRAWN - 2 * MARGIN):.1f}"

    return tag(
        "svg",
        tag("line", x1="0", x2=str(DRAWN), y1="5", y2="5"),
        tag("line", x1=place(lower), x2=place(upper), y1="5", y2="5", class_="span"),
        tag("circle", cx=place(value), cy="5", r="4"),
        class_="interval",
        viewBox=f"0 0 {DRAWN} 10",
        aria_hidden="true",
    )


def _changes(version: Version) -> Callable[[str], Markup]:
    if version.fault:
        return lambda _: _cell(version.fault)("Fault")
    if version.changes is None:
        return _cell(tag("span", "first of its model", class_="soft") if version.spec else None)
    if not version.changes:
        return _cell(tag("span", "nothing", class_="soft"))
    items = [tag("li", *_change(change)) for change in version.changes[:MOST_CHANGES]]
    more = len(version.changes) - len(items)
    if more:
        items.append(tag("li", f"and {more} more", class_="soft"))
    return _cell(tag("ul", items, class_="changes", role="list"))


def _change(change: OptionChange) -> list[Markup | str]:
    parts = change.path.split(".")
    # A long path is broken after a dot.
    path = tag("code", [join([part, ".", tag("wbr")]) for part in parts[:-1]], parts[-1])
    if ON in (change.before, change.now):
        return [path, " ", tag("ins", "added") if change.before is None else tag("span", "taken out", class_="soft")]
    if change.before is None:
        return [path, " ", tag("ins", tag("bdi", change.now or ""))]
    if change.now is None:
        return [path, " ", tag("del", tag("bdi", change.before)), " taken out"]
    return [path, " ", tag("del", tag("bdi", change.before)), " → ", tag("ins", tag("bdi", change.now))]


def _training(training: Training | None) -> Callable[[str], Markup]:
    if training is None:
        return _cell()
    planned = f" of {training.planned:g}" if training.planned and training.planned > training.epochs else ""
    epochs = tag("div", f"{training.epochs:.4g}{planned} epochs", class_="soft")
    return _cell(_spent(training.seconds), epochs, sort=f"{training.seconds:.3f}", class_="number")


def _spent(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), SECONDS_PER_MINUTE)
    hours, minutes = divmod(minutes, SECONDS_PER_MINUTE)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def _dataset(version: Version) -> Callable[[str], Markup]:
    digest = version.dataset_digest
    if digest is None:
        return _cell()
    short = digest.removeprefix("sha256:")[:DIGEST_DIGITS]
    name = version.dataset_uri.rstrip("/").rpartition("/")[2]
    code = tag("div", tag("code", short, title=digest), class_="soft")
    return _cell(tag("bdi", name, title=version.dataset_uri), code, sort=name)


def _published(version: Version) -> Callable[[str], Markup]:
    if version.modified is None:
        return _cell()
    said = version.modified.astimezone(UTC)
    time = tag("time", f"{said:%Y-%m-%d}", tag("div", f"{said:%H:%M} UTC", class_="soft"), datetime=said.isoformat())
    begun = None if version.published or version.fault else tag("div", "begun", class_="soft")
    return _cell(time, begun, sort=said.isoformat(), class_="number")


def _report(version: Version, addresses: Callable[[str], str | None]) -> Callable[[str], Markup]:
    if version.report is None:
        return _cell()
    address = addresses(version.report)
    if address is None:
        return _cell(tag("code", version.report))
    return _cell(tag("a", "Report", tag("span", f" of {version.name}", class_="sr"), href=address))
