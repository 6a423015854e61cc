"""`tintype compare VERSION VERSION`: says which of two published versions is better, by how much, and where."""

import argparse

from tintype_api.constants import ExitCode
from tintype_trainer.comparison.opening import compare_published
from tintype_trainer.comparison.sentences import text_of
from tintype_trainer.storage import Store
from tintype_trainer.use.aliases import open_version


def compare(arguments: argparse.Namespace) -> int:
    """Print the comparison, as text or as JSON.

    Raises:
        UserError: where there is no such version, or the two cannot be compared.
    """
    store = Store.from_settings()
    first, second = (open_version(place, store) for place in (arguments.first, arguments.second))
    comparison = compare_published(first, second, store)
    print(comparison.to_json() if arguments.json else text_of(comparison, arguments.pictures))
    return ExitCode.OK
