"""`tintype watch NAME`: shows a version in a cluster as `tintype run` shows one on this machine."""

import argparse
import sys
from contextlib import closing

from tintype_api.constants import ExitCode
from tintype_api.status import ModelVersionStatus
from tintype_trainer.reporting.console import PlainConsole, open_console
from tintype_trainer.watching.following import ending, is_urgent, notes, status_of, steps
from tintype_trainer.watching.kubectl import Where, changes


def watch(arguments: argparse.Namespace) -> int:
    """Show the version until it ends; return 0 where it ended well, 1 where it failed or was deleted.

    Raises:
        UserError: where kubectl is missing, the cluster does not answer, or there is no such version.
    """
    where = Where(arguments.name, arguments.namespace, arguments.context)
    with closing(open_console()) as console:
        ended = _follow(where, console)
    if ended is None:
        print(f"tintype: error: {where.name} was deleted; nothing is left to watch", file=sys.stderr)
        return ExitCode.FAILED
    sentence, well = ended
    print(sentence if well else f"tintype: error: {sentence}", file=sys.stdout if well else sys.stderr)
    return ExitCode.OK if well else ExitCode.FAILED


def _follow(where: Where, console: PlainConsole) -> tuple[str, bool] | None:
    """Show each change; return how the version ended, None where it was deleted."""
    before = ModelVersionStatus()
    with closing(changes(where)) as documents:
        for document in documents:
            now = status_of(document)
            for note in notes(before, now):
                console.note(note)
            for step in steps(before, now):
                console.changed(step, urgent=is_urgent(before, now))
            ended = ending(where.name, now)
            if ended is not None:
                return ended
            before = now
    return None
