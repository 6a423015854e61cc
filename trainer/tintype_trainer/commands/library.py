"""`tintype library PREFIX`: writes one page of all models and versions below a folder or prefix."""

import argparse
from datetime import UTC, datetime

from tintype_api.constants import ExitCode
from tintype_trainer.commands.pages import put_page
from tintype_trainer.library.address import relative_address
from tintype_trainer.library.entries import models_of
from tintype_trainer.library.page import library_page
from tintype_trainer.library.reading import read_library
from tintype_trainer.sentences import counted
from tintype_trainer.storage import Store, as_folder, as_uri


def library(arguments: argparse.Namespace) -> int:
    """Write the page and say what is on it.

    Raises:
        UserError: where the prefix cannot be listed or the page not be written.
    """
    store, output = Store.from_settings(), as_uri(arguments.output)
    prefix = as_folder(as_uri(arguments.prefix))
    models = models_of(read_library(prefix, store))
    page = library_page(models, prefix, datetime.now(UTC), lambda uri: relative_address(output, uri))
    put_page(arguments.output, page, store)
    versions = [version for model in models for version in model.versions]
    unread = sum(version.fault is not None for version in versions)
    said = f"; {unread} cannot be read, the page says why" if unread else ""
    print(f"{arguments.output}: {counted(len(versions), 'version')} below {prefix}{said}")
    return ExitCode.OK
