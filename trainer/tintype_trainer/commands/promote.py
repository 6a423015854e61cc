"""`tintype promote VERSION ALIAS`: makes an alias of a model, such as "production", name a version."""

import argparse

from tintype_api.constants import ExitCode
from tintype_trainer.storage import Store
from tintype_trainer.use.aliases import open_version
from tintype_trainer.use.aliases import promote as promote_version


def promote(arguments: argparse.Namespace) -> int:
    """Promote the version and say what the alias named before.

    Raises:
        UserError: where there is no such version, the alias cannot be, or another promotion came first.
    """
    store = Store.from_settings()
    published = open_version(arguments.version, store)
    before = promote_version(published, arguments.alias, store)
    replaced = f"before it was {before.name}" if before else "it is new"
    print(f"'{arguments.alias}' is {published.name} now; {replaced}. Name it as {published.uri}@{arguments.alias}")
    return ExitCode.OK
