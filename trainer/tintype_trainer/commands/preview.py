"""`tintype preview FILE`: draws training examples as the network sees them."""

import argparse
from pathlib import Path

from tintype_api.constants import ExitCode
from tintype_api.errors import environment_error
from tintype_api.modelversion import ModelVersion, resolve
from tintype_trainer.commands.run import cache_folder
from tintype_trainer.documents import read_document, with_changes
from tintype_trainer.preview import preview as make_preview
from tintype_trainer.storage import Store


def preview(arguments: argparse.Namespace) -> int:
    """Write the sheet and say where it is.

    Raises:
        UserError: exit 78 where the sheet cannot be written; else as the run does.
    """
    version = resolve(ModelVersion.parse(with_changes(read_document(arguments.file), arguments.set)))
    store = Store.from_settings(version.spec.storage)
    cache = cache_folder(arguments.cache, in_cluster=False)
    made = make_preview(version, store, cache, arguments.count, arguments.draws)
    output = Path(arguments.output)
    try:
        made.sheet.save(output, format="PNG", optimize=True)
    except OSError as error:
        raise environment_error(f"{output} cannot be written ({error.strerror}); choose another --output") from error
    width, height = made.sheet.size
    print(f"{output}: {made.examples} training examples in {arguments.draws} draws, {width} x {height} pixels")
    return ExitCode.OK
