"""`tintype report VERSION`: writes the report of a published version, one file to look at in a browser."""

import argparse
import os
import sys

from tintype_api.constants import ExitCode
from tintype_trainer.commands.pages import put_page
from tintype_trainer.commands.run import cache_folder
from tintype_trainer.report.of_published import report_of
from tintype_trainer.storage import Store
from tintype_trainer.use.aliases import open_version


def report(arguments: argparse.Namespace) -> int:
    """Write report.html and say where it is, and why it has no pictures where it has none.

    Raises:
        UserError: exit 78 where the file cannot be written; else as storage or the version says.
    """
    store = Store.from_settings()
    published = open_version(arguments.version, store)
    cache = cache_folder(arguments.cache, in_cluster=False)
    made = report_of(published, store, cache, len(os.sched_getaffinity(0)))
    put_page(arguments.output, made.content, store)
    if made.without_pictures is not None:
        print(f"tintype: warning: the report has no pictures: {made.without_pictures}", file=sys.stderr)
    print(f"{arguments.output}: {published.name}, {len(made.content) / 1e6:.1f} MB")
    return ExitCode.OK
