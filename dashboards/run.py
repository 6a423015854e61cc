"""Run: one version, or several laid over each other."""

from typing import Final

from dashboards.parts import Board, Panel, Query, graph

CHOSEN: Final = 'namespace=~"$namespace",modelversion=~"$modelversion"'
BY: Final = "by (namespace, modelversion)"


def run() -> Board:
    """Return the dashboard."""
    return Board(
        uid="tintype-run",
        title="tintype / Run",
        description="Learning rate, losses, accuracy, mAP and speed of one version, or of several over each other.",
        versions=True,
        rows={
            "Learning": _learning(),
            "How good it is": _quality(),
            "Concepts": _concepts(),
            "Speed, and where the time goes": _speed(),
            "The machine": [*_gpu(), *_storage(), *_mishaps()],
        },
    )


def _learning() -> list[Panel]:
    return [
        graph("Learning rate", "Of the latest step.", "sci", Query(f"max {BY} (tintype_learning_rate{{{CHOSEN}}})")),
        graph(
            "Epochs",
            "Done, with the fraction of the present one.",
            "short",
            Query(f"max {BY} (tintype_epoch{{{CHOSEN}}})"),
        ),
        graph(
            "Total loss (batch)",
            "Mean loss of the latest batch, all parts added.",
            "short",
            Query(f"max {BY} (tintype_batch_loss{{{CHOSEN}}})"),
        ),
        graph(
            "Total loss (val)",
            "Over the whole validation set, at the end of each epoch; the final one from the version's status.",
            "short",
            _also_after("loss"),
        ),
    ]


def _also_after(metric: str) -> Query:
    """Return a metric of the validation set from the trainer, and once its Pod has gone from the operator."""
    of = f'{{{CHOSEN},split="validation"}}'
    return Query(f"max {BY} (tintype_{metric}{of}) or max {BY} (tintype_version_{metric}{of})")


def _quality() -> list[Panel]:
    return [
        graph(
            "Accuracy",
            "Over the whole validation set, at the end of each epoch; in Tagging at the threshold 0.5.",
            "percentunit",
            _also_after("accuracy_ratio"),
        ),
        graph(
            "mAP",
            "Mean average precision over the whole validation set; not for Classification.",
            "percentunit",
            _also_after("map_ratio"),
        ),
        graph(
            "Performance indicator",
            "Of the best epoch so far: the number by which versions of a model are compared.",
            "percentunit",
            Query(f"tintype_version_performance_indicator{{{CHOSEN}}}", "{{namespace}}/{{modelversion}} {{metric}}"),
        ),
        graph(
            "Best epoch",
            "The epoch whose weights are published.",
            "short",
            Query(f"tintype_version_best_epoch{{{CHOSEN}}}"),
        ),
    ]


def _concepts() -> list[Panel]:
    named = "{{modelversion}} {{concept}}"

    def concept(metric: str, title: str, description: str) -> Panel:
        of = f'{{{CHOSEN},split="validation",metric="{metric}"}}'
        expr = f"max by (namespace, modelversion, concept) (tintype_concept_ratio{of})"
        return graph(
            title,
            f"{description} The 64 concepts of most support, and the mean of the others.",
            "percentunit",
            Query(expr, named),
        )

    return [
        concept("average_precision", "Average precision by concept", "How well its scores rank the validation set."),
        concept("precision", "Precision by concept", "Of what was said to be it, the share that is."),
        concept("recall", "Recall by concept", "Of what is it, the share that was found."),
        graph(
            "F1 of the best by concept",
            "Once the version has ended: of its best epoch, at the threshold to use it with.",
            "percentunit",
            Query(f'tintype_version_concept_ratio{{{CHOSEN},metric="f1"}}', named),
        ),
    ]


def _speed() -> list[Panel]:
    return [
        graph(
            "Throughput",
            "Training examples per second.",
            "short",
            Query(f"sum {BY} (rate(tintype_trained_examples_total{{{CHOSEN}}}[$__rate_interval]))"),
        ),
        graph(
            "Waiting for data",
            "Share of the time of the steps that goes by waiting for pictures.",
            "percentunit",
            Query(
                f'sum {BY} (rate(tintype_spent_seconds_total{{{CHOSEN},activity="data"}}[$__rate_interval]))'
                f' / sum {BY} (rate(tintype_spent_seconds_total{{{CHOSEN},activity=~"data|step"}}[$__rate_interval]))'
            ),
            thresholds=((None, "green"), (0.5, "red")),
        ),
        graph(
            "Where the time goes",
            "Seconds of each second that go to an activity; what is missing to 1 is preparing, evaluating, publishing.",
            "percentunit",
            Query(
                "sum by (namespace, modelversion, activity) "
                f"(rate(tintype_spent_seconds_total{{{CHOSEN}}}[$__rate_interval]))",
                "{{modelversion}} {{activity}}",
            ),
            stacked=True,
        ),
        graph(
            "Time in phases",
            "Seconds in each phase so far; Pending and Queued are the wait.",
            "s",
            Query(
                f"max by (namespace, modelversion, phase) (tintype_version_phase_seconds_total{{{CHOSEN}}})",
                "{{modelversion}} {{phase}}",
            ),
            stacked=True,
        ),
    ]


def _gpu() -> list[Panel]:
    return [
        graph(
            "GPU in use",
            "Share of the time in which the GPU of the first process computed.",
            "percentunit",
            Query(f"max {BY} (tintype_gpu_busy_ratio{{{CHOSEN}}})"),
            thresholds=((None, "red"), (0.1, "green")),
        ),
        graph(
            "GPU memory",
            "In use on the GPU of the first process, by whomever.",
            "bytes",
            Query(f"max {BY} (tintype_gpu_memory_used_bytes{{{CHOSEN}}})"),
        ),
    ]


def _storage() -> list[Panel]:
    return [
        graph(
            "Storage",
            "Bytes per second that are read and written.",
            "Bps",
            Query(
                f"sum {BY} (rate(tintype_storage_read_bytes_total{{{CHOSEN}}}[$__rate_interval]))",
                "{{modelversion}} read",
            ),
            Query(
                f"sum {BY} (rate(tintype_storage_written_bytes_total{{{CHOSEN}}}[$__rate_interval]))",
                "{{modelversion}} written",
            ),
        ),
        graph(
            "Requests to storage that failed",
            "Per second, in spite of all retries.",
            "reqps",
            Query(f"sum {BY} (rate(tintype_storage_errors_total{{{CHOSEN}}}[$__rate_interval]))"),
            thresholds=((None, "green"), (0.001, "red")),
        ),
        graph(
            "Time of a request to storage",
            "Mean over all requests; one that is retried takes longer.",
            "s",
            Query(
                f"sum {BY} (rate(tintype_storage_request_seconds_total{{{CHOSEN}}}[$__rate_interval]))"
                f" / sum {BY} (rate(tintype_storage_requests_total{{{CHOSEN}}}[$__rate_interval]) > 0)"
            ),
        ),
        graph(
            "Pictures from the cache",
            "Share of the pictures that were there already and unchanged.",
            "percentunit",
            Query(
                f"max {BY} (tintype_image_cache_hits_total{{{CHOSEN}}} / (tintype_image_cache_hits_total{{{CHOSEN}}}"
                f" + tintype_image_cache_misses_total{{{CHOSEN}}}))"
            ),
        ),
    ]


def _mishaps() -> list[Panel]:
    return [
        graph(
            "Checkpoints",
            "Saved, and not saved, since the Pod started.",
            "short",
            Query(f"max {BY} (tintype_checkpoints_total{{{CHOSEN}}})", "{{modelversion}} saved"),
            Query(f"max {BY} (tintype_checkpoint_errors_total{{{CHOSEN}}})", "{{modelversion}} not saved"),
        ),
        graph(
            "Crashes and interruptions",
            "Pods that ended so, over all attempts.",
            "short",
            Query(f"tintype_version_failures_total{{{CHOSEN}}}", "{{modelversion}} crashed"),
            Query(f"tintype_version_interruptions_total{{{CHOSEN}}}", "{{modelversion}} interrupted"),
        ),
    ]
