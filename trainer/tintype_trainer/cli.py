"""The `tintype` command: its arguments, and what its exit codes are made from.

Nothing but the standard library and this package's own light modules is imported at the top, so that SIGTERM is
handled from the first moments of a container and `tintype --help` is quick.
"""

import sys

from tintype_trainer.interruption import Interruption

INTERRUPTION = Interruption()


def main() -> None:
    """Run the command line and exit; the entry of both people and training Pods."""
    INTERRUPTION.install()
    from tintype_trainer.commandline import run_command_line  # noqa: PLC0415  # after the handler

    sys.exit(run_command_line(sys.argv[1:], INTERRUPTION))


if __name__ == "__main__":
    main()
