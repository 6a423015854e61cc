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
        reports=True,
        rows={"At a glance": _numbers(), "What there is": [_models(), _versions()]},
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


def _models() -> Panel:
    model = "namespace, model, view, type"
    of_model = (
        "* on (namespace, modelversion) group_left(model, view, type) "
        f"max by (modelversion, {model}) (tintype_version_info{HERE})"
    )
    indicator = f"{BY} (tintype_version_performance_indicator{HERE}) {of_model}"
    created = f"tintype_version_created_timestamp_seconds{HERE} {of_model}"
    return rows(
        "Models",
        "Each view with its set of concepts; indicators are accuracy in Classification, else mAP.",
        {"namespace": "Namespace", "view": "View", "type": "Type", "model": "Model"},
        [
            Column("Versions", f"count by ({model}) (tintype_version_info{HERE})", "short"),
            Column("Best indicator", f"max by ({model}) ({indicator})", "percentunit"),
            Column("Latest version", f"max by ({model}) ({created}) * 1000", "dateTimeAsLocal"),
        ],
        newest="Latest version",
    )


def _versions() -> Panel:
    labels = "namespace, modelversion, model, view, architecture, report"
    return rows(
        "Versions",
        "A row for each version; those of one model have the same model. The change is in percentage points, against "
        "the best earlier version with the same validation examples.",
        {
            "namespace": "Namespace",
            "modelversion": "Version",
            "view": "View",
            "model": "Model",
            "architecture": "Architecture",
            "phase": "Phase",
            "reason": "Reason",
            "report": "Report",
        },
        [
            Column("", f"max by ({labels}) (tintype_version_info{HERE})"),
            Column("", f"max by (namespace, modelversion, phase, reason) (tintype_version_status{HERE})"),
            Column("Indicator", f"{BY} (tintype_version_performance_indicator{HERE})", "percentunit"),
            Column(
                "Change",
                f"{BY} (tintype_version_performance_indicator_change{HERE}) * 100",
                "suffix: pp",
                ((None, "red"), (0, "green")),
            ),
            Column("Epochs", f"{BY} (tintype_version_epoch{HERE})", "short"),
            Column("Created", f"{BY} (tintype_version_created_timestamp_seconds{HERE}) * 1000", "dateTimeAsLocal"),
            Column("Ended", f"{BY} (tintype_version_completed_timestamp_seconds{HERE}) * 1000", "dateTimeAsLocal"),
            Column("Took", f"{BY} (tintype_version_duration_seconds{HERE})", "s"),
        ],
        height=12,
        newest="Created",
    )
