"""The command line: `devcluster build | up | down | status`."""

import argparse
import os
import shlex
import sys
from pathlib import Path

from devcluster import build, clusters
from devcluster.errors import DevclusterError
from devcluster.programs import ADDONS, TOOLS, find, wanted
from devcluster.progress import say


def default_state() -> Path:
    """Return the state folder of a cluster for which none is named."""
    home = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    return home / "tintype" / "devcluster"


def _program_name(name: str) -> str:
    try:
        find(name)
    except KeyError as error:
        known = (*wanted(node=True, addons=ADDONS), *TOOLS)
        raise argparse.ArgumentTypeError(f"{name} is none of {', '.join(known)}") from error
    return name


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="devcluster", description="A real Kubernetes on this machine, without Docker."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    building = commands.add_parser("build", help="compile what a cluster runs, once")
    building.add_argument("names", nargs="*", type=_program_name, metavar="NAME", help="only these programs")
    building.add_argument("--no-node", action="store_true", help="only what a cluster without a node runs")
    starting = commands.add_parser("up", help="start a cluster and print how to reach it, as export lines")
    starting.add_argument(
        "--gpus", type=int, default=0, metavar="N", help="how many nvidia.com/gpu the node claims to have"
    )
    starting.add_argument("--no-node", action="store_true", help="no node: needs no root, and Pods stay pending")
    for command, names in ((building, (*ADDONS, *TOOLS)), (starting, ADDONS)):
        command.add_argument(
            "--with",
            dest="addons",
            action="append",
            default=[],
            choices=names,
            metavar="NAME",
            help=f"also one of {', '.join(names)}; may be repeated",
        )
    ending = commands.add_parser("down", help="end the cluster and remove what it stored")
    asking = commands.add_parser("status", help="say whether the cluster runs, and remove what dead ones left")
    for command in (starting, ending, asking):
        command.add_argument("--state", type=Path, default=default_state(), metavar="DIR", help="default: %(default)s")
    return parser


def _build(arguments: argparse.Namespace) -> int:
    tools = [name for name in TOOLS if name in arguments.addons]
    names = arguments.names or [*wanted(node=not arguments.no_node, addons=arguments.addons), *tools]
    print(build.ensure(names, say))
    return 0


def _up(arguments: argparse.Namespace) -> int:
    node, addons = not arguments.no_node, arguments.addons
    cluster = clusters.up(arguments.state, node=node, gpus=arguments.gpus, addons=addons, kept=True)
    for name, value in cluster.environment.items():
        print(f"export {name}={shlex.quote(value)}")
    return 0


def _down(arguments: argparse.Namespace) -> int:
    clusters.down(arguments.state)
    return 0


def _status(arguments: argparse.Namespace) -> int:
    sentence, running = clusters.status(arguments.state)
    print(sentence)
    return 0 if running else 1


def main() -> int:
    """Run the command line; returns the exit code: 1 with one sentence for what a user can cause, 130 after Ctrl-C."""
    arguments = _parser().parse_args()
    commands = {"build": _build, "up": _up, "down": _down, "status": _status}
    try:
        return commands[arguments.command](arguments)
    except DevclusterError as error:
        say(f"devcluster: {error}")
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
