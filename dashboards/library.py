"""Library: which models and versions there are, how good each is, and when and how long it was trained."""

from typing import Final

from dashboards.parts import Board, Column, Panel, Query, number, rows

HERE: Final = '{namespace=~"$namespace"}'
BY: Final = "max by (namespace, modelversion)"


def library() -> Board:
    """Return the dashboard."""
    return Board(
        uid="tintype-library",
        title="tintype / Library",
        description="Models and their versions: status, performance indicator and change, when, and how long.",
        since="now-7d",
        rows={"At a glance": _numbers(), "Versions": [_versions()]},
    )


def _numbers() -> list[Panel]:
    return [
        number(
            "Models",
            "Views with their sets of concepts that have at least one version.",
            "short",
            Query(f"count(count by (namespace, model) (tintype_version_info{HERE}))", "models"),
        ),
        number(
            "Versions",
            "All ModelVersions that are there.",
            "short",
            Query(f"count(tintype_version_info{HERE})", "versions"),
        ),
        number(
            "Published",
            "Versions that can be used: Succeeded, or Stopped with the best until then.",
            "short",
            Query('count(tintype_version_status{namespace=~"$namespace",phase=~"Succeeded|Stopped"})', "published"),
        ),
        number(
            "Failed",
            "Versions of which nothing more is tried.",
            "short",
            Query('count(tintype_version_status{namespace=~"$namespace",phase="Failed"})', "failed"),
            thresholds=((None, "green"), (1, "red")),
        ),
    ]


def _versions() -> Panel:
    return rows(
        "Versions",
        "A row for each version; versions of one model have the same label model. The change is against the best "
        "earlier version with the same validation examples.",
        [
            Column("", f"max by (namespace, modelversion, model, view, architecture) (tintype_version_info{HERE})"),
            Column("", f"max by (namespace, modelversion, phase, reason) (tintype_version_status{HERE})"),
            Column("indicator", f"{BY} (tintype_version_performance_indicator{HERE})", "percentunit"),
            Column("change", f"{BY} (tintype_version_performance_indicator_change{HERE})", "percentunit"),
            Column("epochs", f"{BY} (tintype_version_epoch{HERE})", "short"),
            Column("created", f"{BY} (tintype_version_created_timestamp_seconds{HERE}) * 1000", "dateTimeAsLocal"),
            Column("ended", f"{BY} (tintype_version_completed_timestamp_seconds{HERE}) * 1000", "dateTimeAsLocal"),
            Column("took", f"{BY} (tintype_version_duration_seconds{HERE})", "s"),
        ],
        link="tintype-run",
    )
