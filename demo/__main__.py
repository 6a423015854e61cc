"""`make demo`, or `python -m demo [--epochs N] [--state DIR]`; KEEP=1 keeps the cluster."""

import argparse
import ctypes
import os
import signal
import sys
from pathlib import Path
from typing import NoReturn

from demo.console import console
from demo.errors import DemoError
from devcluster import DevclusterError
from devcluster.cli import default_state

_PR_SET_PDEATHSIG = 1
_ROOT_NEEDED = (
    "The demo starts a real Kubernetes node, whose kubelet and containerd mount volumes and make cgroups and network "
    "interfaces: run it as root (sudo make demo). Two ways do without root: `tintype run examples/pv-cells.yaml` "
    "trains without any cluster (examples/pv_cells/README.md), and docs/install/ says how to use a cluster you have."
)


def main() -> int:
    """Run the demo; return its exit code: 1 with one sentence for what went wrong, 130 after Ctrl-C."""
    arguments = _parser().parse_args()
    if os.geteuid() != 0:
        print(_ROOT_NEEDED, file=sys.stderr)
        return 1
    signal.signal(signal.SIGTERM, _end)
    _end_with_parent()
    from demo.story import tell  # noqa: PLC0415 - imports boto3, whose second shall not pass before the first line
    from tintype_api.errors import UserError  # noqa: PLC0415

    shown = console()
    try:
        tell(arguments.state.absolute(), arguments.epochs, keep=_keep(), console=shown)
    except (DemoError, DevclusterError, UserError) as error:
        shown.say(f"The demo has failed. {error}")
        return 1
    except KeyboardInterrupt:
        shown.say("Interrupted.")
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="demo", description="Trains examples/pv-cells.yaml on a Kubernetes of its own."
    )
    parser.add_argument("--epochs", type=float, metavar="N", help="train for N epochs instead of as the example says")
    parser.add_argument(
        "--state",
        type=Path,
        default=default_state().with_name("demo"),
        metavar="DIR",
        help="where the cluster keeps its files; default: %(default)s",
    )
    return parser


def _keep() -> bool:
    return os.environ.get("KEEP", "0") not in ("", "0")


def _end(number: int, frame: object) -> NoReturn:
    del frame
    raise SystemExit(128 + number)


def _end_with_parent() -> None:
    """End as after SIGTERM when `make` or the shell that started us is killed: it is what the user sees as the demo."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


if __name__ == "__main__":
    sys.exit(main())
