"""`tintype run FILE`: trains a ModelVersion, on this machine or as the container of a training Pod."""

import argparse
import logging
import os
import sys
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tintype_api.constants import (
    CACHE_DIRECTORY,
    ENV_OUTCOME_FILE,
    ENV_POD_UID,
    TERMINATION_MESSAGE_FILE,
    TRAINER_METRICS_PORT,
    ExitCode,
    Reason,
    Stage,
)
from tintype_api.modelversion import ModelVersion, resolve
from tintype_api.status import Artifacts, TrainerStatus
from tintype_trainer.documents import read_document, with_changes
from tintype_trainer.hanging import LIMITS, Limits, Watchdog, end_hung
from tintype_trainer.interruption import Interrupted, Interruption
from tintype_trainer.meter import Meter
from tintype_trainer.processes.launching import launch
from tintype_trainer.processes.place import Place
from tintype_trainer.reporting.apiserver import StatusClient, in_cluster_server
from tintype_trainer.reporting.console import open_console
from tintype_trainer.reporting.exposition import Exposition
from tintype_trainer.reporting.failures import is_ours, outcome_of
from tintype_trainer.reporting.journal import Journal
from tintype_trainer.reporting.reporter import Reporter
from tintype_trainer.reporting.termination import Outcome, write_termination_message
from tintype_trainer.stopping import StoppedUntrainedError, StopRequest
from tintype_trainer.storage.uri import as_uri

if TYPE_CHECKING:
    from tintype_trainer.run import Surroundings

LOGGER: Final = "tintype_trainer"
"""Parent of the loggers of all modules."""
OPENMP_WAITING: Final = ("OMP_WAIT_POLICY", "PASSIVE")
"""Idle threads of torch sleep instead of spinning: on a busy node, or under a CPU limit, spinning takes the time that
the others need (twice to three times as slow when two cores are shared)."""


def run(arguments: argparse.Namespace, interruption: Interruption, limits: Limits = LIMITS) -> int:
    """Carry out the version and return the exit code.

    In a cluster the outcome is written to the termination message as soon as it is known; what is left of status is
    then written for a while. A run that is silent for longer than the limits is ended.
    """
    journal = Journal()
    in_cluster = ENV_POD_UID in os.environ
    place = Place.read()
    told_in = os.environ.get(ENV_OUTCOME_FILE) or (TERMINATION_MESSAGE_FILE if in_cluster else None)

    def tell(outcome: Outcome) -> None:
        if told_in:
            try:
                write_termination_message(Path(told_in), outcome, journal.status.stage)
            except OSError as error:
                said = f"{told_in} cannot be written ({error.strerror}); the exit code alone tells how it ended"
                print(f"tintype: warning: {said}", file=sys.stderr)

    interruption.before_exit(lambda: tell(outcome_of(Interrupted())))
    watchdog = Watchdog(lambda said: end_hung(said, tell), limits)
    journal.listen(watchdog)
    interruption.at_each_check(watchdog.beat)
    with ExitStack() as open_things:
        watchdog.start()
        open_things.callback(watchdog.stop)
        try:
            outcome = _carry_out(arguments, interruption, journal, watchdog, open_things, place, in_cluster=in_cluster)
        except BrokenPipeError:
            raise
        except Exception as error:  # noqa: BLE001  # each becomes an outcome; a traceback is printed for bugs
            if is_ours(error):
                traceback.print_exception(error)
            outcome = outcome_of(error)
        tell(outcome)
    if place is not None:
        return outcome.exit_code
    if outcome.exit_code == ExitCode.OK:
        print(outcome.message, flush=True)
    else:
        print(f"tintype: error: {outcome.message}", file=sys.stderr)
    return outcome.exit_code


def _carry_out(
    arguments: argparse.Namespace,
    interruption: Interruption,
    journal: Journal,
    watchdog: Watchdog,
    open_things: ExitStack,
    place: Place | None,
    *,
    in_cluster: bool,
) -> Outcome:
    version = _read(arguments)
    only_prepare = arguments.only == "prepare"
    if place is None and version.spec.compute.processes > 1 and not only_prepare:
        watchdog.stop()  # Each process has its own.
        return launch(version, _options(arguments), interruption)
    stop = StopRequest()
    if version.spec.run_policy.stop:
        stop.ask()
    meter = Meter()
    heard = _Heard(staging=[lambda _done, _total: watchdog.beat()], examples=[lambda _examples: watchdog.step()])
    if place is None or place.rank == 0:
        _show(arguments, version, journal, stop, heard, meter, open_things, in_cluster=in_cluster)
    os.environ.setdefault(*OPENMP_WAITING)
    from tintype_trainer.processes.group import ALONE  # noqa: PLC0415  # torch takes seconds to import
    from tintype_trainer.processes.joined import join  # noqa: PLC0415
    from tintype_trainer.run import Surroundings, prepare_version  # noqa: PLC0415
    from tintype_trainer.storage import Store  # noqa: PLC0415

    around = Surroundings(
        store=Store.from_settings(version.spec.storage, meter=meter),
        cache=cache_folder(arguments.cache, in_cluster=in_cluster),
        journal=journal,
        interruption=interruption,
        staging=heard.stage,
        count_examples=heard.count,
        stop=stop,
        group=open_things.enter_context(join(place, watchdog.beat)) if place else ALONE,
        local_rank=place.local_rank if place else 0,
    )
    if only_prepare:
        prepare_version(version, around)
        return Outcome(ExitCode.OK, Reason.PREPARED, "the data set can be trained on; nothing more was asked for")
    return _trained(version, around)


@dataclass(frozen=True, slots=True)
class _Heard:
    """Who hears of pictures that were brought, and of examples that were trained on."""

    staging: list[Callable[[int, int], None]]
    examples: list[Callable[[int], None]]

    def stage(self, done: int, total: int) -> None:
        for hear in self.staging:
            hear(done, total)

    def count(self, examples: int) -> None:
        for hear in self.examples:
            hear(examples)


def _show(
    arguments: argparse.Namespace,
    version: ModelVersion,
    journal: Journal,
    stop: StopRequest,
    heard: _Heard,
    meter: Meter,
    open_things: ExitStack,
    *,
    in_cluster: bool,
) -> None:
    """Show the run: to Prometheus, in the resource's status, and on the console."""
    exposition = Exposition(version.metadata.namespace, version.metadata.name, meter)
    journal.listen(exposition)
    heard.examples.append(exposition.count_examples)
    port = arguments.metrics_port or (TRAINER_METRICS_PORT if in_cluster else None)
    if port:
        open_things.callback(exposition.serve(port))
    if in_cluster:
        _report(version, journal, exposition, stop, open_things)
    console = open_console()
    open_things.callback(console.close)
    journal.listen(console)
    heard.staging.append(console.staging)
    _pass_on_logs(journal, open_things)
    journal.enter(Stage.PREPARING)


def _trained(version: ModelVersion, around: "Surroundings") -> Outcome:
    from tintype_trainer.library.keeping import keep_library  # noqa: PLC0415
    from tintype_trainer.loop.records import Ending  # noqa: PLC0415
    from tintype_trainer.run import run_version  # noqa: PLC0415

    try:
        published = run_version(version, around)
    except StoppedUntrainedError:
        said = "runPolicy.stop came before the first step: nothing is published"
        return Outcome(ExitCode.OK, Reason.NOTHING_TO_PUBLISH, said)
    if published.artifacts is None:
        return Outcome(ExitCode.OK, Reason.PUBLISHED, "the process of rank 0 evaluates and publishes")
    if around.group.leads:
        keep_library(version, published.artifacts, around.store, around.journal)
    said = _published(published.artifacts, around.journal.status)
    match published.ending:
        case Ending.MAX_DURATION:
            longest = version.spec.training.max_duration
            return Outcome(ExitCode.OK, Reason.MAX_DURATION_REACHED, f"training.maxDuration {longest} is over; {said}")
        case Ending.STOPPED:
            return Outcome(ExitCode.OK, Reason.STOPPED, f"runPolicy.stop ended the training; {said}")
        case _:
            return Outcome(ExitCode.OK, Reason.PUBLISHED, said)


def _options(arguments: argparse.Namespace) -> list[str]:
    """Return the words that each of several processes needs beside the version itself."""
    cache = ["--cache", arguments.cache] if arguments.cache else []
    return [*cache, *(["--metrics-port", str(arguments.metrics_port)] if arguments.metrics_port else [])]


def _read(arguments: argparse.Namespace) -> ModelVersion:
    changes = [*arguments.set, f"output.uri={as_uri(arguments.output)}"] if arguments.output else arguments.set
    return resolve(ModelVersion.parse(with_changes(read_document(arguments.file), changes)))


def _report(
    version: ModelVersion, journal: Journal, exposition: Exposition, stop: StopRequest, open_things: ExitStack
) -> None:
    client = StatusClient(in_cluster_server(), version.metadata)
    journal.update(pod_uid=os.environ[ENV_POD_UID])
    open_things.callback(client.close)

    def apply(status: TrainerStatus) -> None:
        if client.apply(status):
            stop.ask()

    reporter = Reporter(apply, exposition.count_status_error, logging.getLogger(LOGGER).warning)
    journal.listen(reporter)
    reporter.start()
    open_things.callback(reporter.close)


def _pass_on_logs(journal: Journal, open_things: ExitStack) -> None:
    class Notes(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            journal.note(record.getMessage())

    logger, handler = logging.getLogger(LOGGER), Notes(logging.INFO)
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    open_things.callback(logger.removeHandler, handler)


def cache_folder(chosen: str | None, *, in_cluster: bool) -> Path:
    """Return the cache's folder, made where it is not there yet."""
    from tintype_trainer.storage.local import cache_error  # noqa: PLC0415

    if chosen:
        path = Path(chosen)
    elif in_cluster:
        path = Path(CACHE_DIRECTORY)
    else:
        path = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tintype"
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cache_error(path, error) from error
    return path


def _published(artifacts: Artifacts, status: TrainerStatus) -> str:
    """Return the last sentence of a run that went well. Pure."""
    best = status.best
    accuracy = (
        f", {best.performance_indicator_name} {best.performance_indicator:.4f} on the validation set at epoch "
        f"{best.epoch:.4g}"
        if best and best.performance_indicator is not None
        else ""
    )
    return f"published {artifacts.uri} ({artifacts.files} files, {artifacts.size_bytes / 1e6:.1f} MB){accuracy}"
