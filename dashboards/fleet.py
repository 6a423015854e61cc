"""Fleet: what runs, what waits and why, what the GPUs were used for, and what fails."""

from typing import Final

from dashboards.parts import Board, Column, Panel, Query, graph, number, rows

HERE: Final = 'namespace=~"$namespace"'
RUNNING: Final = "Preparing|Training|Evaluating|Publishing"
GPU_HOURS: Final = "suffix: GPU-h"
WAITING: Final = "Pending|Queued|Suspended"


def fleet() -> Board:
    """Return the dashboard."""
    return Board(
        uid="tintype-fleet",
        title="tintype / Fleet",
        description="What runs, what waits and why, GPU-hours by namespace and outcome, failures by class.",
        since="now-24h",
        rows={
            "Now": [*_numbers(), _running(), _waiting()],
            "GPUs": _gpus(),
            "Failures": _failures(),
        },
    )


def _numbers() -> list[Panel]:
    def versions(phases: str) -> Query:
        return Query(f'count(tintype_version_status{{{HERE},phase=~"{phases}"}})', "versions")

    return [
        number("Run", "Versions with a Pod that runs.", "short", versions(RUNNING)),
        number(
            "Wait", "Versions of which nothing runs.", "short", versions(WAITING), ((None, "green"), (10, "orange"))
        ),
        number("GPUs held", "By Pods that run.", "short", Query(f"sum(tintype_version_gpus{{{HERE}}})", "GPUs")),
        number(
            "Failed",
            "Versions of which nothing more is tried.",
            "short",
            versions("Failed"),
            ((None, "green"), (1, "red")),
        ),
    ]


def _running() -> Panel:
    by = "max by (namespace, modelversion)"
    runs = f'and on (namespace, modelversion) tintype_version_status{{{HERE},phase=~"{RUNNING}"}}'
    return rows(
        "What runs",
        "Versions with a Pod that runs; GPUs are those that it holds.",
        {"namespace": "Namespace", "modelversion": "Version", "phase": "Phase"},
        [
            Column(
                "", f'max by (namespace, modelversion, phase) (tintype_version_status{{{HERE},phase=~"{RUNNING}"}})'
            ),
            Column("Epoch", f"{by} (tintype_version_epoch{{{HERE}}} {runs})", "short"),
            Column("Epochs planned", f"{by} (tintype_version_epochs{{{HERE}}} {runs})", "short"),
            Column("GPUs", f"{by} (tintype_version_gpus{{{HERE}}} {runs})", "short"),
            Column("Since its start", f"{by} (tintype_version_duration_seconds{{{HERE}}} {runs})", "s"),
        ],
    )


def _waiting() -> Panel:
    waits = f'tintype_version_status{{{HERE},phase=~"{WAITING}"}}'
    age = f"time() - tintype_version_created_timestamp_seconds{{{HERE}}} and on (namespace, modelversion) {waits}"
    return rows(
        "What waits, and why",
        "Versions of which nothing runs; docs/operations.md explains each reason.",
        {"namespace": "Namespace", "modelversion": "Version", "phase": "Phase", "reason": "Reason"},
        [
            Column("", f"max by (namespace, modelversion, phase, reason) ({waits})"),
            Column("Since its creation", f"max by (namespace, modelversion) ({age})", "s"),
        ],
    )


def _gpus() -> list[Panel]:
    seconds = f"tintype_version_gpu_seconds_total{{{HERE}}}"
    return [
        graph(
            "GPUs held by namespace",
            "By Pods that run.",
            "short",
            Query(f"sum by (namespace) (tintype_version_gpus{{{HERE}}})", "{{namespace}}"),
            stacked=True,
        ),
        graph(
            "GPU-hours by namespace",
            "Of ended Pods of all versions that are there.",
            GPU_HOURS,
            Query(f"sum by (namespace) ({seconds}) / 3600", "{{namespace}}"),
            stacked=True,
        ),
        graph(
            "GPU-hours by outcome",
            "Published, lost to failures, or of Pods that were interrupted, whose checkpoints keep a part of it.",
            GPU_HOURS,
            Query(f"sum by (outcome) ({seconds}) / 3600", "{{outcome}}"),
            stacked=True,
        ),
        graph(
            "GPU-hours lost to failures by reason",
            "Of Pods that crashed or could not train.",
            GPU_HOURS,
            Query(
                f'sum by (reason) (tintype_version_gpu_seconds_total{{{HERE},outcome="failure"}}) / 3600', "{{reason}}"
            ),
            stacked=True,
        ),
    ]


def _failures() -> list[Panel]:
    return [
        graph(
            "Failed versions by class",
            "Of all that are there, by the reason of their condition Failed.",
            "short",
            Query(f'count by (reason) (tintype_version_status{{{HERE},phase="Failed"}})', "{{reason}}"),
            stacked=True,
        ),
        graph(
            "Waiting versions by reason",
            "Why nothing of them runs.",
            "short",
            Query(f'count by (reason) (tintype_version_status{{{HERE},phase=~"{WAITING}",reason!=""}})', "{{reason}}"),
            stacked=True,
        ),
        graph(
            "Time waited",
            "Mean time in Pending and Queued of the versions that are there.",
            "s",
            Query(
                f'avg by (namespace, phase) (tintype_version_phase_seconds_total{{{HERE},phase=~"Pending|Queued"}})',
                "{{namespace}} {{phase}}",
            ),
        ),
        graph(
            "Crashes and interruptions",
            "Of Pods, of all versions that are there.",
            "short",
            Query(f"sum(tintype_version_failures_total{{{HERE}}})", "crashes"),
            Query(f"sum(tintype_version_interruptions_total{{{HERE}}})", "interruptions"),
        ),
    ]
