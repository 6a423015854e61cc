"""`tintype new --from NAME|FILE`: writes the next version with the options of an earlier one, on today's data."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from tintype_api.constants import ExitCode
from tintype_api.errors import not_found
from tintype_api.modelversion import ModelVersion, resolve
from tintype_trainer.documents import STANDARD_INPUT, read_document, with_changes
from tintype_trainer.watching.kubectl import Where, current, names_beside
from tintype_trainer.watching.next_version import next_name, next_version

FILES: Final = (".yaml", ".yml", ".json")


def new(arguments: argparse.Namespace) -> int:
    """Print the resource as YAML, for `kubectl apply -f -` or a file.

    Raises:
        UserError: exit 66 where there is no such file or version, 64 where the new one would not be valid.
    """
    document, taken = _source(arguments)
    # Whatever is wrong with the earlier version is said of it, under its own name.
    earlier = ModelVersion.parse(document)
    name = arguments.name or next_name(earlier.metadata.name, taken)
    made = with_changes(next_version(document, name), arguments.set)
    resolve(ModelVersion.parse(made))
    print(yaml.safe_dump(made, sort_keys=False, allow_unicode=True, width=120), end="")
    return ExitCode.OK


def _source(arguments: argparse.Namespace) -> tuple[Mapping[str, Any], list[str]]:
    """Return the earlier version, and the names that are taken."""
    source: str = arguments.source
    if source == STANDARD_INPUT or source.endswith(FILES) or Path(source).is_file():
        return read_document(source), []
    if "/" in source:
        raise not_found(f"--from: {source} is no file; name a ModelVersion of the cluster, or its YAML or JSON file")
    where = Where(source, arguments.namespace, arguments.context)
    return current(where), [] if arguments.name else names_beside(where)
