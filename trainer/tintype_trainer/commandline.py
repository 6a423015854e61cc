"""Arguments of the command line, and what becomes of exceptions. Each command is imported when it is called."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Final

from tintype_api.errors import UserError
from tintype_trainer.interruption import Interruption

STOPPED_BY_KEYBOARD: Final = 130
READER_GONE: Final = 141
MOST_OF_A_SHEET: Final = 100
Command = Callable[[argparse.Namespace, Interruption], int]


def run_command_line(arguments: Sequence[str], interruption: Interruption) -> int:
    """Run one command line and return its exit code; whatever a user can cause is one line on standard error."""
    parsed = parse(arguments)
    command: Command = parsed.command
    try:
        exit_code = command(parsed, interruption)
        sys.stdout.flush()
    except UserError as error:
        print(f"tintype: error: {error.message}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("tintype: stopped by Ctrl-C", file=sys.stderr)
        return STOPPED_BY_KEYBOARD
    except BrokenPipeError:
        # Nobody reads standard output any more; Python would complain once more when it flushes it at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return READER_GONE
    return exit_code


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the parsed command line; pictures may stand behind options, which argparse by itself does not take."""
    parser = build_parser()
    parsed, rest = parser.parse_known_args(arguments)
    if rest and (not hasattr(parsed, "images") or any(word.startswith("-") and word != "-" for word in rest)):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    if rest:
        parsed.images += rest
    return parsed


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    parser = argparse.ArgumentParser(
        prog="tintype", description="Trains computer-vision model versions, as a Kubernetes resource describes them."
    )
    parser.add_argument("--version", action="version", version=f"tintype {version('tintype')}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_run(commands.add_parser("run", help="train a ModelVersion on this machine"))
    _add_watch(commands.add_parser("watch", help="show a ModelVersion of a cluster while it is trained"))
    _add_new(commands.add_parser("new", help="write the next version with the options of an earlier one"))
    _add_validate(commands.add_parser("validate", help="say whether ModelVersions are valid"))
    _add_preview(commands.add_parser("preview", help="draw training examples as the network sees them"))
    _add_crd(commands.add_parser("crd", help="print the manifests that make a cluster know ModelVersions"))
    _add_architectures(commands.add_parser("architectures", help="list the networks that can be trained"))
    _add_import(commands.add_parser("import", help="turn another format into a data set of Studio JSON lines"))
    _add_predict(commands.add_parser("predict", help="apply a published version to pictures"))
    _add_evaluate(commands.add_parser("evaluate", help="evaluate a published version on a data set"))
    _add_compare(commands.add_parser("compare", help="say which of two published versions is better, and where"))
    _add_library(commands.add_parser("library", help="write one page of all models and versions of a folder or prefix"))
    _add_report(commands.add_parser("report", help="write the report of a published version, to look at in a browser"))
    _add_promote(commands.add_parser("promote", help="make an alias, such as production, name a published version"))
    return parser


def _add_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a ModelVersion as YAML or JSON; - reads standard input")
    parser.add_argument("--output", metavar="URI", help="publish here instead of spec.output.uri; a path is taken, too")
    _add_set_and_cache(parser)
    parser.add_argument(
        "--only", choices=("prepare",), help="stop once the data set is read, counted, checked and its pictures decoded"
    )
    parser.add_argument("--metrics-port", metavar="PORT", type=int, help="serve /metrics for Prometheus on this port")
    parser.set_defaults(command=_run)


def _add_set(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--set",
        metavar="PATH=VALUE",
        action="append",
        default=[],
        help="change a field of the spec, such as training.epochs=2; can be given several times",
    )


def _add_set_and_cache(parser: argparse.ArgumentParser) -> None:
    _add_set(parser)
    parser.add_argument("--cache", metavar="DIR", help="folder that keeps pictures between runs")


def _add_preview(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a ModelVersion as YAML or JSON; - reads standard input")
    parser.add_argument("--output", metavar="PNG", default="preview.png", help="the picture; default: %(default)s")
    parser.add_argument(
        "--count", metavar="N", type=_few, default=6, help="training examples, a row each; default: %(default)s"
    )
    parser.add_argument(
        "--draws", metavar="M", type=_few, default=5, help="augmented readings of each; default: %(default)s"
    )
    _add_set_and_cache(parser)
    parser.set_defaults(command=_preview)


def _few(text: str) -> int:
    """Return a number of 1 to 100, so that a sheet stays a picture that can be opened."""
    return _whole_number(text, 1, MOST_OF_A_SHEET)


def _add_watch(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="of the ModelVersion")
    _add_cluster(parser)
    parser.set_defaults(command=_watch)


def _add_cluster(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-n", "--namespace", metavar="NAMESPACE", help="default: that of kubectl's context")
    parser.add_argument("--context", metavar="CONTEXT", help="of kubectl's configuration; default: the current one")


def _add_new(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--from", dest="source", metavar="NAME|FILE", required=True, help="a ModelVersion of the cluster, or its file"
    )
    parser.add_argument("--name", metavar="NEW", help="of the new version; default: with the next number")
    _add_cluster(parser)
    _add_set(parser)
    parser.set_defaults(command=_new)


def _add_validate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", metavar="FILE", nargs="+", help="YAML or JSON; - reads standard input")
    parser.set_defaults(command=_validate)


def _add_crd(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=_crd)


def _add_architectures(parser: argparse.ArgumentParser) -> None:
    views = ("Classification", "Tagging", "Detection")
    parser.add_argument("--view", choices=views, help="only those for this kind of view")
    parser.add_argument("--json", action="store_true", help="as JSON, with all that the catalogue states")
    parser.set_defaults(command=_architectures)


def _add_import(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("format", choices=("coco", "csv", "voc", "yolo"), help="what the source is")
    parser.add_argument("source", metavar="SOURCE", help="a COCO json or CSV file, or the folder of VOC or YOLO")
    parser.add_argument("--output", metavar="FILE", required=True, help="the data set to write")
    parser.add_argument("--images", metavar="DIR", help="folder of the pictures, for COCO; default: that of the file")
    parser.add_argument("--view", metavar="NAME", default="objects", help="name of the view; default: %(default)s")
    parser.set_defaults(command=_import)


def _add_version(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "version", metavar="VERSION", help="folder of a published version, a path or a URI; FOLDER@ALIAS takes an alias"
    )


def _add_predict(parser: argparse.ArgumentParser) -> None:
    _add_version(parser)
    parser.add_argument("images", metavar="IMAGE", nargs="*", help="picture, folder or prefix; - reads names")
    parser.add_argument("--output", metavar="FILE", help="write the JSON lines here instead of standard output")
    parser.add_argument("--draw", metavar="DIR", help="write each picture with boxes and labels here, too")
    parser.add_argument("--threshold", metavar="SCORE", type=float, help="instead of the version's own thresholds")
    parser.add_argument("--boxes", metavar="FILE", help="of a child view: what a version of its parent predicted")
    parser.add_argument("--parent", metavar="VERSION", help="of a child view: the version that finds its regions")
    parser.add_argument(
        "--with", dest="weights", choices=("torch", "onnx"), default="torch", help="weights; default: %(default)s"
    )
    _add_batch_size(parser)
    parser.set_defaults(command=_predict)


def _add_evaluate(parser: argparse.ArgumentParser) -> None:
    _add_version(parser)
    parser.add_argument("dataset", metavar="DATASET", help="as dataset.uri takes it; a path is taken, too")
    parser.add_argument("--output", metavar="FILE", default="evaluation.json", help="default: %(default)s")
    parser.add_argument("--split", choices=("train", "validation", "test"), help="only what the file says is of it")
    parser.add_argument("--cache", metavar="DIR", help="folder that keeps pictures between runs")
    _add_batch_size(parser)
    parser.set_defaults(command=_evaluate)


def _add_compare(parser: argparse.ArgumentParser) -> None:
    for place in ("first", "second"):
        parser.add_argument(place, metavar="VERSION", help="as `tintype predict` takes it")
    parser.add_argument("--json", action="store_true", help="as JSON, with every concept and picture")
    parser.add_argument(
        "--pictures", metavar="N", type=_not_negative, default=10, help="fixed and broken ones; default: %(default)s"
    )
    parser.set_defaults(command=_compare)


def _add_library(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("prefix", metavar="PREFIX", help="folder that holds versions at any depth, a path or a URI")
    parser.add_argument("--output", metavar="FILE", default="index.html", help="a path or a URI; default: %(default)s")
    parser.set_defaults(command=_library)


def _add_report(parser: argparse.ArgumentParser) -> None:
    _add_version(parser)
    parser.add_argument("--output", metavar="FILE", default="report.html", help="a path or a URI; default: %(default)s")
    parser.add_argument("--cache", metavar="DIR", help="folder that keeps pictures between runs")
    parser.set_defaults(command=_report)


def _add_batch_size(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--batch-size", metavar="N", type=_positive, default=32, help="default: %(default)s")


def _not_negative(text: str) -> int:
    return _whole_number(text, 0)


def _positive(text: str) -> int:
    return _whole_number(text, 1)


def _whole_number(text: str, least: int, most: int | None = None) -> int:
    wanted = f"a whole number from {least} to {most}" if most is not None else f"a whole number of at least {least}"
    try:
        number = int(text)
    except ValueError:
        number = least - 1
    if number < least or (most is not None and number > most):
        raise argparse.ArgumentTypeError(f"'{text}' is not {wanted}")
    return number


def _add_promote(parser: argparse.ArgumentParser) -> None:
    _add_version(parser)
    parser.add_argument("alias", metavar="ALIAS", help="small letters, digits and dashes")
    parser.set_defaults(command=_promote)


def _predict(arguments: argparse.Namespace, _interruption: Interruption) -> int:
    from tintype_trainer.commands.predict import predict  # noqa: PLC0415

    return predict(arguments)


def _evaluate(arguments: argparse.Namespace, _interruption: Interruption) -> int:
    from tintype_trainer.commands.evaluate import evaluate  # noqa: PLC0415

    return evaluate(arguments)


def _compare(arguments: argparse.Namespace, _interruption: Interruption) -> int:
    from tintype_trainer.commands.compare import compare  # noqa: PLC0415

    return compare(arguments)


def _watch(arguments: argparse.Namespace, _interruption: Interruption) -> int:
    from tintype_trainer.commands.watch import watch  # noqa: PLC0415

    return watch(arguments)


def _new(arguments: argparse.Namespace, _interruption: Interruption) -> int:
    from tintype_trainer.commands.new import new  # noqa: PLC0415

    return new(arguments)


def _library(arguments: argparse.Namespace, _interruption: Interruption) -> int:
    from tintype_trainer.commands.library import library  # noqa: PLC0415

    return library(arguments)


def _report(arguments: argparse.Namespace, _interruption: Interruption) -> int:
    from tintype_trainer.commands.report import report  # noqa: PLC0415

    return report(arguments)


def _promote(arguments: argparse.Namespace, _interruption: Interruption) -> int:
    from tintype_trainer.commands.promote import promote  # noqa: PLC0415

    return promote(arguments)


def _import(arguments: argparse.Namespace, _interruption: Interruption) -> int:
    from tintype_trainer.commands.import_ import import_  # noqa: PLC0415

    return import_(arguments)


def _run(arguments: argparse.Namespace, interruption: Interruption) -> int:
    from tintype_trainer.commands.run import run  # noqa: PLC0415

    return run(arguments, interruption)


def _preview(arguments: argparse.Namespace, _interruption: Interruption) -> int:
    from tintype_trainer.commands.preview import preview  # noqa: PLC0415

    return preview(arguments)


def _validate(arguments: argparse.Namespace, _interruption: Interruption) -> int:
    from tintype_trainer.commands.validate import validate  # noqa: PLC0415

    return validate(arguments)


def _crd(_arguments: argparse.Namespace, _interruption: Interruption) -> int:
    from tintype_trainer.commands.crd import crd  # noqa: PLC0415

    return crd()


def _architectures(arguments: argparse.Namespace, _interruption: Interruption) -> int:
    from tintype_trainer.commands.architectures import architectures  # noqa: PLC0415

    return architectures(arguments)
