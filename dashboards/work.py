"""Operator: whether it works, keeps up and hears of everything."""

from dashboards.parts import Board, Panel, Query, graph, number


def operator() -> Board:
    """Return the dashboard."""
    return Board(
        uid="tintype-operator",
        title="tintype / Operator",
        description="Reconciles, the queue, watches, requests to the API server.",
        namespaced=False,
        rows={"Now": _numbers(), "Work": _work(), "The API server": _api()},
    )


def _numbers() -> list[Panel]:
    return [
        number(
            "Leaders",
            "Operators that hold the Lease; there has to be one.",
            "short",
            Query("sum(tintype_operator_leader)", "leaders"),
            thresholds=((None, "red"), (1, "green"), (2, "red")),
        ),
        number(
            "Queue",
            "Versions that wait for a worker.",
            "short",
            Query("max(tintype_operator_queue_depth)", "keys"),
            thresholds=((None, "green"), (100, "red")),
        ),
        number(
            "Silence of the worst watch",
            "Since the API server last said anything of one kind.",
            "s",
            Query("max(time() - tintype_operator_last_watch_event_timestamp_seconds)", "silence"),
            thresholds=((None, "green"), (120, "orange"), (180, "red")),
        ),
        number("Versions", "That the operator knows.", "short", Query("sum(tintype_operator_versions)", "versions")),
    ]


def _quantile(share: float, metric: str) -> str:
    return f"histogram_quantile({share}, sum by (le) (rate(tintype_operator_{metric}_bucket[$__rate_interval])))"


def _work() -> list[Panel]:
    return [
        graph(
            "Reconciles",
            "Per second, by result; waiting ones come back by themselves.",
            "ops",
            Query("sum by (result) (rate(tintype_operator_reconciles_total[$__rate_interval]))", "{{result}}"),
            stacked=True,
        ),
        graph(
            "Time of a reconcile",
            "Half, and nine of ten, take no longer.",
            "s",
            Query(_quantile(0.5, "reconcile_duration_seconds"), "half"),
            Query(_quantile(0.9, "reconcile_duration_seconds"), "nine of ten"),
        ),
        graph(
            "Queue", "Versions that wait for a worker.", "short", Query("max(tintype_operator_queue_depth)", "versions")
        ),
        graph(
            "Wait in the queue",
            "Half, and nine of ten, wait no longer.",
            "s",
            Query(_quantile(0.5, "queue_latency_seconds"), "half"),
            Query(_quantile(0.9, "queue_latency_seconds"), "nine of ten"),
        ),
        graph(
            "From a version to its Job",
            "Half, and nine of ten, take no longer; those that wait for something else included.",
            "s",
            Query(_quantile(0.5, "time_to_job_seconds"), "half"),
            Query(_quantile(0.9, "time_to_job_seconds"), "nine of ten"),
        ),
        graph(
            "From a version to its running container",
            "Half, and nine of ten, take no longer.",
            "s",
            Query(_quantile(0.5, "time_to_running_seconds"), "half"),
            Query(_quantile(0.9, "time_to_running_seconds"), "nine of ten"),
        ),
    ]


def _api() -> list[Panel]:
    return [
        graph(
            "Requests",
            "Per second, by verb and resource.",
            "reqps",
            Query(
                "sum by (verb, resource) (rate(tintype_operator_api_requests_total[$__rate_interval])) > 0",
                "{{verb}} {{resource}}",
            ),
        ),
        graph(
            "Requests by code",
            "Per second; 0 without an answer.",
            "reqps",
            Query("sum by (code) (rate(tintype_operator_api_requests_total[$__rate_interval]))", "{{code}}"),
            stacked=True,
        ),
        graph(
            "Silence of watches",
            "Since the API server last said anything of a kind; it ends each watch within a minute.",
            "s",
            Query("clamp_min(time() - tintype_operator_last_watch_event_timestamp_seconds, 0)", "{{resource}}"),
            thresholds=((None, "green"), (180, "red")),
        ),
        graph(
            "Notifications",
            "Ends of versions that were told to TINTYPE_NOTIFY_URL, and that could not be.",
            "short",
            Query("tintype_operator_notifications_total", "{{result}}"),
        ),
    ]
