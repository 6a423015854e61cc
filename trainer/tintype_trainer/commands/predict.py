"""`tintype predict VERSION IMAGE...`: applies a published version; one JSON line for each picture."""

import argparse
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TextIO

import torch

from tintype_api.constants import ExitCode
from tintype_api.errors import data_error, environment_error, invalid_spec
from tintype_api.spec.view import ViewType
from tintype_trainer.device import Device
from tintype_trainer.sentences import counted
from tintype_trainer.storage import Store
from tintype_trainer.use.aliases import open_version
from tintype_trainer.use.answers import answer_line
from tintype_trainer.use.applying import Applied
from tintype_trainer.use.drawing import draw_answer
from tintype_trainer.use.inputs import Wanted, wanted_pictures
from tintype_trainer.use.predicting import predict as predict_stream
from tintype_trainer.use.published import PublishedVersion
from tintype_trainer.use.regions import check_parent, looks_at_regions, read_boxes, wanted_regions

Line = Mapping[str, Any]


def predict(arguments: argparse.Namespace) -> int:
    """Write the answers in the order of the pictures.

    Raises:
        UserError: exit 65 at the end where a picture could not be read; else as the version and storage say.
    """
    store, device = Store.from_settings(), any_device()
    published = open_version(arguments.version, store)
    with ExitStack() as open_files:
        output = _opened(arguments.output, open_files)
        wanted = _wanted(arguments, published, store, device, open_files)
        faults = 0
        for line in _lines(published, wanted, store, device, arguments):
            output.write(json.dumps(line, ensure_ascii=False) + "\n")
            faults += "error" in line
            if arguments.draw and "error" not in line:
                draw_answer(line, tuple(published.thresholds), store, Path(arguments.draw))
    if faults:
        unread = counted(faults, "picture")
        raise data_error(f"{unread} could not be read: see 'error' in the answers; correct the files or leave them out")
    return ExitCode.OK


def any_device() -> Device:
    """Return a GPU where there is one, else the CPU with all cores that this process may use."""
    threads = len(os.sched_getaffinity(0))
    torch.set_num_threads(threads)
    name = "cuda" if torch.cuda.is_available() else "cpu"
    return Device(torch.device(name), bfloat16=False, threads=threads)


def _lines(
    published: PublishedVersion, wanted: Iterable[Wanted], store: Store, device: Device, arguments: argparse.Namespace
) -> Iterator[Line]:
    thresholds = dict(published.thresholds)
    if arguments.threshold is not None:
        thresholds = dict.fromkeys(thresholds, arguments.threshold)
    applied = Applied.load(published, store, device, onnx=arguments.weights == "onnx")
    for predicted in predict_stream(applied, wanted, store, arguments.batch_size):
        yield answer_line(predicted, published.view.type, thresholds)


def _wanted(
    arguments: argparse.Namespace,
    published: PublishedVersion,
    store: Store,
    device: Device,
    open_files: ExitStack,
) -> Iterator[Wanted]:
    if not looks_at_regions(published):
        if arguments.boxes or arguments.parent:
            raise invalid_spec(
                f"--boxes, --parent: {published.name} looks at whole pictures; leave them out and name pictures"
            )
        return _pictures(arguments, store)
    if arguments.boxes:
        source = open_files.enter_context(_readable(arguments.boxes))
        return wanted_regions(read_boxes(source, arguments.boxes), published)
    if arguments.parent is None:
        raise invalid_spec(
            f"{published.name} looks at regions that '{published.view.parent.name if published.view.parent else ''}' "
            "detects; give --parent with a version of that view, or --boxes with what it predicted"
        )
    parent = open_version(arguments.parent, store)
    check_parent(published, parent)
    assert parent.view.type is ViewType.DETECTION, "checked just now"
    applied = Applied.load(parent, store, device, onnx=False)
    answers = predict_stream(applied, _pictures(arguments, store), store, arguments.batch_size)
    return wanted_regions((answer_line(each, parent.view.type, parent.thresholds) for each in answers), published)


def _pictures(arguments: argparse.Namespace, store: Store) -> Iterator[Wanted]:
    if not arguments.images:
        raise invalid_spec("IMAGE: name pictures, folders or prefixes, or - to read names from standard input")
    return wanted_pictures(arguments.images, sys.stdin, store)


def _readable(path: str) -> TextIO:
    try:
        return Path(path).open(encoding="utf-8")
    except OSError as error:
        raise environment_error(f"--boxes: {path} cannot be read ({error.strerror}); correct the path") from error


def _opened(path: str | None, open_files: ExitStack) -> TextIO:
    if path is None:
        return sys.stdout
    try:
        return open_files.enter_context(Path(path).open("w", encoding="utf-8"))
    except OSError as error:
        raise environment_error(f"--output: {path} cannot be written ({error.strerror}); choose another") from error
