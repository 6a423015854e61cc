"""YOLO: images/ and labels/ with one .txt a picture, each line "class x y width height" as shares, names in a file."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from tintype_api.errors import data_error, not_found
from tintype_api.spec.view import ViewType
from tintype_trainer.datasets.dataset import Box
from tintype_trainer.datasets.folders import PICTURE_SUFFIXES
from tintype_trainer.datasets.importers.imported import Imported, ImportedImage, box
from tintype_trainer.yaml_text import YamlError, yaml_documents

_SPLITS: Final = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
_NUMBERS: Final = 5


def read_yolo(folder: Path) -> Imported:
    """Return the data set of a folder.

    Names of the classes stand in data.yaml (`names`, a list or a mapping) or line by line in classes.txt. Pictures are
    below images/, their labels at the same place below labels/, or both in <split>/images and <split>/labels. A
    folder called train, val, valid or test gives the split. A picture without a file of labels has no boxes.

    Raises:
        UserError: exit 66 where there are no names or pictures, 65 naming file and line of a label that is wrong.
    """
    names = _names(folder)
    pictures = sorted(path for path in folder.rglob("*") if path.suffix.lower() in PICTURE_SUFFIXES)
    pictures = [path for path in pictures if "images" in path.relative_to(folder).parts]
    if not pictures:
        raise not_found(f"{folder} holds no pictures in a folder images; name the folder that holds images and labels")
    return Imported(ViewType.DETECTION, tuple(names), tuple(_image(folder, path, names) for path in pictures))


def _names(folder: Path) -> Sequence[str]:
    described, listed = folder / "data.yaml", folder / "classes.txt"
    if described.exists():
        return _described(described)
    if listed.exists():
        return [line.strip() for line in listed.read_text(encoding="utf-8").splitlines() if line.strip()]
    raise not_found(f"{folder} has neither data.yaml nor classes.txt; add one with the names of the classes")


def _described(file: Path) -> Sequence[str]:
    try:
        documents = yaml_documents(file.read_text(encoding="utf-8"))
    except YamlError as error:
        raise data_error(f"{file} is no YAML{error}; correct it") from error
    names: Any = next((document.get("names") for document in documents if isinstance(document, dict)), None)
    if isinstance(names, dict) and all(isinstance(key, int) for key in names):
        names = [names[key] for key in sorted(names)]
    if not isinstance(names, list) or not names:
        raise data_error(f"{file} has no names; list those of the classes")
    return [str(name) for name in names]


def _image(folder: Path, path: Path, names: Sequence[str]) -> ImportedImage:
    parts = list(path.relative_to(folder).parts)
    split = next((_SPLITS[part] for part in parts if part in _SPLITS), None)
    place = len(parts) - 1 - parts[::-1].index("images")
    labels = folder.joinpath(*parts[:place], "labels", *parts[place + 1 :]).with_suffix(".txt")
    return ImportedImage(path, split, boxes=tuple(_boxes(labels, names)) if labels.exists() else ())


def _boxes(file: Path, names: Sequence[str]) -> Iterator[Box]:
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        where = f"{file} line {number}"
        if not line.strip():
            continue
        try:
            index, (x, y, width, height) = _label(line.split())
        except ValueError as error:
            raise data_error(f"{where}: must be a class and four numbers, x y width height; correct it") from error
        if not 0 <= index < len(names):
            raise data_error(f"{where}: the class {index} has no name; there are {len(names)}")
        yield box(names[index], (x - width / 2, y - height / 2, x + width / 2, y + height / 2), where)


def _label(words: Sequence[str]) -> tuple[int, list[float]]:
    if len(words) != _NUMBERS:
        raise ValueError("not five words")
    return int(words[0]), [float(word) for word in words[1:]]
