"""`tintype import FORMAT SOURCE --output FILE`: turns another format into Studio JSON lines."""

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from tintype_api.constants import ExitCode
from tintype_api.errors import access_denied, environment_error, not_found
from tintype_trainer.datasets.importers.coco import read_coco
from tintype_trainer.datasets.importers.imported import Imported
from tintype_trainer.datasets.importers.table import read_csv
from tintype_trainer.datasets.importers.voc import read_voc
from tintype_trainer.datasets.importers.writing import Notes, lines
from tintype_trainer.datasets.importers.yolo import read_yolo

Reader = Callable[[Path, Path | None, Notes], Imported]
READERS: Final[Mapping[str, Reader]] = {
    "voc": lambda source, _images, _notes: read_voc(source),
    "yolo": lambda source, _images, _notes: read_yolo(source),
    "csv": lambda source, _images, _notes: read_csv(source),
    "coco": read_coco,
}


def import_(arguments: argparse.Namespace) -> int:
    """Read the source, write the file whole, and say what was found.

    Raises:
        UserError: exit 66 where the source is not there or may not be read, 65 where it is wrong, 78 where the output
            cannot be written.
    """
    source, output = Path(arguments.source), Path(arguments.output)
    notes = Notes()
    imported = _read(arguments, source, notes)
    written = list(lines(imported, arguments.view, output.parent, notes))
    try:
        part = output.with_name(output.name + ".part")
        part.write_text("".join(line + "\n" for line in written), encoding="utf-8")
        part.replace(output)
    except OSError as error:
        raise environment_error(f"{output} cannot be written ({error.strerror}); choose another --output") from error
    boxes = sum(len(image.boxes) for image in imported.images)
    counted = f" with {boxes} boxes" if boxes else ""
    print(f"{output}: {len(imported.images)} images{counted}, {imported.type} of {', '.join(imported.concepts)}")
    for sentence in notes.sentences():
        print(sentence, file=sys.stderr)
    return ExitCode.OK


def _read(arguments: argparse.Namespace, source: Path, notes: Notes) -> Imported:
    images = Path(arguments.images) if arguments.images else None
    try:
        return READERS[arguments.format](source, images, notes)
    except PermissionError as error:
        raise access_denied(f"{error.filename} may not be read by this user; give it the right to") from error
    except OSError as error:
        raise not_found(f"{error.filename or source} cannot be read ({error.strerror}); correct the path") from error
    except UnicodeDecodeError as error:
        raise not_found(f"{source} holds a file that is no text in UTF-8; save it as such") from error
