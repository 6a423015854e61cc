"""Which dashboards there are, and their files."""

import json
from pathlib import Path

from dashboards.fleet import fleet
from dashboards.library import library
from dashboards.parts import document
from dashboards.run import run
from dashboards.work import operator


def files() -> dict[str, str]:
    """Return the content of each dashboard's file, by its name."""
    boards = (library(), run(), fleet(), operator())
    return {f"{board.uid.removeprefix('tintype-')}.json": _text(document(board)) for board in boards}


def write(folder: Path) -> None:
    """Write all files into a folder, and remove those of dashboards that are no more."""
    written = files()
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.json"):
        if old.name not in written:
            old.unlink()
    for name, text in written.items():
        (folder / name).write_text(text)


def _text(content: object) -> str:
    return json.dumps(content, indent=1) + "\n"
