"""`tintype validate FILE...`: says of each ModelVersion whether it is valid."""

import argparse

from tintype_api.constants import ExitCode
from tintype_api.errors import UserError
from tintype_api.modelversion import ModelVersion, resolve
from tintype_trainer.documents import read_documents


def validate(arguments: argparse.Namespace) -> int:
    """Print one line for each file, and one for each document of a file that holds several; exit 64 if any is wrong."""
    verdicts = [verdict for name in arguments.files for verdict in _verdicts(name)]
    for name, sentence in verdicts:
        print(f"{name}: {sentence or 'ok'}")
    return ExitCode.SPEC if any(sentence for _, sentence in verdicts) else ExitCode.OK


def _verdicts(name: str) -> list[tuple[str, str | None]]:
    try:
        documents = read_documents(name)
    except UserError as error:
        return [(name, error.message.removeprefix(f"{name} "))]
    if not documents:
        return [(name, "holds no ModelVersion; write one")]
    if len(documents) == 1:
        return [(name, _fault(documents[0]))]
    return [(f"{name}, document {place}", _fault(document)) for place, document in enumerate(documents, start=1)]


def _fault(document: object) -> str | None:
    try:
        resolve(ModelVersion.parse(document))  # type: ignore[arg-type]  # parse says itself what is no mapping
    except UserError as error:
        return error.message
    return None
