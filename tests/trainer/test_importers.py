"""`tintype import`: other formats become Studio JSON lines, and what is wrong is named with its file and line."""

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageOps

from support.modelversions import modelversion
from tintype_api.modelversion import ModelVersion
from tintype_trainer.commandline import run_command_line
from tintype_trainer.datasets.examples import read_examples
from tintype_trainer.interruption import Interruption
from tintype_trainer.storage import Store

WIDTH, HEIGHT = 40, 20


def picture(path: Path, orientation: int | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    if orientation:
        exif[0x0112] = orientation
    Image.new("RGB", (WIDTH, HEIGHT)).save(path, exif=exif)
    return path


def voc_xml(name: str, *corners: tuple[object, ...]) -> str:
    objects = "".join(
        f"<object><name>dog</name><bndbox><xmin>{a}</xmin><ymin>{b}</ymin><xmax>{c}</xmax><ymax>{d}</ymax></bndbox></object>"
        for a, b, c, d in corners
    )
    return f"<annotation><filename>{name}</filename>{objects}</annotation>"


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    code = run_command_line(["import", *map(str, arguments)], Interruption())
    captured = capsys.readouterr()
    return code, captured.out + captured.err


def imported(capsys: pytest.CaptureFixture[str], folder: Path, *arguments: object) -> list[dict[str, Any]]:
    code, said = run(capsys, *arguments, "--output", folder / "out.jsonl")
    assert code == 0, said
    return [json.loads(line) for line in (folder / "out.jsonl").read_text().splitlines()]


def boxes(line: dict[str, Any]) -> list[tuple[str, list[float]]]:
    return [(each["concepts"][0]["name"], each["bbox"]) for each in line["annotations"] if "bbox" in each]


def test_voc(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a", "b"):
        picture(tmp_path / "JPEGImages" / f"{name}.jpg")
    write(tmp_path / "Annotations" / "a.xml", voc_xml("a.jpg", (1, 1, 20, 20), (21, 11, 40, 20)))
    write(tmp_path / "Annotations" / "b.xml", voc_xml("b.jpg"))
    write(tmp_path / "ImageSets" / "Main" / "val.txt", "b\n")
    header, first, second = imported(capsys, tmp_path, "voc", tmp_path, "--view", "animals")
    assert header["views"] == [{"name": "animals", "type": "Detection", "concepts": ["dog"]}]
    assert first["data"] == {"file": "JPEGImages/a.jpg"}
    assert boxes(first) == [("dog", [0, 0, 0.5, 1]), ("dog", [0.5, 0.5, 1, 1])]
    assert (second["splits"], second["annotations"]) == (["val"], [{"concepts": []}])


def test_yolo(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "data.yaml", "names: {0: cat, 1: dog}\n")
    picture(tmp_path / "images" / "train" / "a.png")
    picture(tmp_path / "valid" / "images" / "b.png")
    write(tmp_path / "labels" / "train" / "a.txt", "1 0.5 0.5 0.5 1.0\n\n0 0.25 0.5 0.5 0.5\n")
    header, first, second = imported(capsys, tmp_path, "yolo", tmp_path)
    assert header["views"][0]["concepts"] == ["cat", "dog"]
    assert (first["splits"], boxes(first)) == (["train"], [("dog", [0.25, 0, 0.75, 1]), ("cat", [0, 0.25, 0.5, 0.75])])
    assert (second["splits"], second["annotations"]) == (["val"], [{"concepts": []}])


@pytest.mark.parametrize(
    ("rows", "kind", "held"),
    [
        ("a.png,cat\nb.png,dog\n", "Classification", [["cat"], ["dog"]]),
        ("a.png,cat\na.png,dog\nb.png,\n", "Tagging", [["cat", "dog"], []]),
    ],
)
def test_csv(rows: str, kind: str, held: list[list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a", "b"):
        picture(tmp_path / "pictures" / f"{name}.png")
    table = write(tmp_path / "pictures" / "labels.csv", "image,concept\n" + rows)
    header, *lines = imported(capsys, tmp_path, "csv", table)
    assert (header["views"][0]["type"], header["views"][0]["concepts"]) == (kind, ["cat", "dog"])
    assert [line["data"]["file"] for line in lines] == ["pictures/a.png", "pictures/b.png"]
    assert [[each["name"] for each in line["annotations"][0]["concepts"]] for line in lines] == held


def coco(**changes: object) -> str:
    document = {
        "images": [{"id": 7, "file_name": "a.png", "width": WIDTH, "height": HEIGHT}],
        "categories": [{"id": 3, "name": "cat"}, {"id": 1, "name": "dog"}],
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 3, "bbox": [10, 5, 20, 10]},
            {"id": 2, "image_id": 7, "category_id": 1, "bbox": [0, 0, 40, 20], "iscrowd": 1},
        ],
    }
    return json.dumps(document | changes)


def test_coco(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture(tmp_path / "elsewhere" / "a.png")
    file = write(tmp_path / "set" / "a.json", coco())
    code, said = run(
        capsys, "coco", file, "--images", tmp_path / "elsewhere", "--output", tmp_path / "set" / "out.jsonl"
    )
    assert code == 0
    assert "1 boxes of crowds are left out" in said
    header, line = [json.loads(text) for text in (tmp_path / "set" / "out.jsonl").read_text().splitlines()]
    assert header["views"][0]["concepts"] == ["dog", "cat"]
    assert line["data"] == {"url": (tmp_path / "elsewhere" / "a.png").as_uri()}
    assert boxes(line) == [("cat", [0.25, 0.25, 0.75, 0.75])]


def test_a_rotated_picture_is_told_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture(tmp_path / "a.jpg", orientation=6)
    table = write(tmp_path / "labels.csv", "image,concept\na.jpg,cat\n")
    code, said = run(capsys, "csv", table, "--output", tmp_path / "out.jsonl")
    assert code == 0
    assert "1 pictures have an EXIF rotation" in said


PAINTED = (5, 2, 15, 8)
"""Left, top, right and bottom in pixels of a white rectangle in the stored picture."""


def painted(path: Path, orientation: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.new("L", (WIDTH, HEIGHT))
    image.paste(255, PAINTED)
    exif = Image.Exif()
    exif[0x0112] = orientation
    image.save(path, exif=exif)
    return path


def shown(path: Path) -> list[float]:
    """Return the box of the white rectangle in the picture as it is shown, by its pixels."""
    with Image.open(path) as image:
        upright = ImageOps.exif_transpose(image)
    bounds = upright.getbbox()
    assert bounds is not None
    return [bound / side for bound, side in zip(bounds, upright.size * 2, strict=True)]


def source_with_a_box(kind: str, folder: Path, corners: tuple[int, ...], size: tuple[int, int]) -> Path:
    """Write a data set of one picture, a.png, with one box; return what is imported."""
    x0, y0, x1, y1 = corners
    if kind == "voc":
        stated = f"<size><width>{size[0]}</width><height>{size[1]}</height></size></annotation>"
        text = voc_xml("a.png", (x0 + 1, y0 + 1, x1, y1)).replace("</annotation>", stated)
        write(folder / "Annotations" / "a.xml", text)
        return folder
    if kind == "yolo":
        middle = (x0 + x1) / 2 / size[0], (y0 + y1) / 2 / size[1]
        label = f"0 {middle[0]} {middle[1]} {(x1 - x0) / size[0]} {(y1 - y0) / size[1]}"
        write(folder / "labels" / "a.txt", label)
        write(folder / "classes.txt", "dog")
        return folder
    images = [{"id": 7, "file_name": "a.png", "width": size[0], "height": size[1]}]
    annotations = [{"id": 1, "image_id": 7, "category_id": 1, "bbox": [x0, y0, x1 - x0, y1 - y0]}]
    return write(folder / "images" / "x.json", coco(images=images, annotations=annotations))


FOLDERS = {"voc": "JPEGImages", "yolo": "images", "coco": "images"}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", FOLDERS)
def test_boxes_are_turned_with_their_picture(
    kind: str, orientation: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = painted(tmp_path / FOLDERS[kind] / "a.png", orientation)
    source = source_with_a_box(kind, tmp_path, PAINTED, (WIDTH, HEIGHT))
    code, said = run(capsys, kind, source, "--output", tmp_path / "out.jsonl")
    assert code == 0
    ((_, box),) = boxes(json.loads((tmp_path / "out.jsonl").read_text().splitlines()[1]))
    assert box == pytest.approx(shown(path), abs=1e-6)
    assert ("1 of them are taken to refer to the pixels as stored and were turned" in said) is (orientation != 1)


@pytest.mark.parametrize("kind", ["voc", "coco"])
def test_boxes_of_the_picture_as_shown_are_left(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = painted(tmp_path / FOLDERS[kind] / "a.png", 6)
    sides = (HEIGHT, WIDTH)
    corners = tuple(round(share * side) for share, side in zip(shown(path), sides * 2, strict=True))
    source = source_with_a_box(kind, tmp_path, corners, sides)
    code, said = run(capsys, kind, source, "--output", tmp_path / "out.jsonl")
    assert code == 0
    ((_, box),) = boxes(json.loads((tmp_path / "out.jsonl").read_text().splitlines()[1]))
    assert box == pytest.approx(shown(path), abs=1e-6)
    assert "the boxes of 1 of them refer to what is shown, as their size tells; they were left" in said


@pytest.mark.parametrize("kind", FOLDERS)
def test_what_is_imported_is_read_as_examples(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    painted(tmp_path / FOLDERS[kind] / "a.png", 1)
    source = source_with_a_box(kind, tmp_path, PAINTED, (WIDTH, HEIGHT))
    imported(capsys, tmp_path, kind, source, "--view", "animals")
    changes = {
        "spec.view": {"name": "animals", "type": "Detection"},
        "spec.concepts": ["dog"],
        "spec.dataset.uri": (tmp_path / "out.jsonl").as_uri(),
    }
    version = ModelVersion.parse(modelversion(changes))
    (example,) = read_examples(version, Store.from_settings(environment={})).examples
    (box,) = example.boxes
    assert (box.concept, example.uri) == ("dog", (tmp_path / FOLDERS[kind] / "a.png").as_uri())
    assert (box.x0, box.y0, box.x1, box.y1) == pytest.approx((5 / WIDTH, 2 / HEIGHT, 15 / WIDTH, 8 / HEIGHT), abs=1e-6)


WRONG = [
    ("voc", "voc/Annotations/a.xml", voc_xml("a.jpg", (1, 1, "x", 2)), "a.xml: an object needs a name"),
    ("voc", "voc/Annotations/a.xml", voc_xml("a.jpg", (1, 1, 60, 2)), "a.xml: a box of 'dog' reaches beyond"),
    ("voc", "voc/Annotations/a.xml", voc_xml("b.jpg"), "b.jpg is missing or no picture"),
    ("voc", "voc/Annotations/a.xml", "<annotation>", "a.xml is no XML"),
    ("voc", "voc/Annotations/a.txt", "", "holds no .xml files"),
    ("yolo", "yolo/labels/a.txt", "0 0.5 0.5 0.5 0.5\n0 0.5\n", "a.txt line 2: must be a class and four numbers"),
    ("yolo", "yolo/labels/a.txt", "4 0.5 0.5 0.5 0.5\n", "a.txt line 1: the class 4 has no name"),
    ("yolo", "yolo/labels/a.txt", "0 0.5 0.5 0 0.5\n", "a.txt line 1: a box of 'cat' is empty"),
    ("yolo", "yolo/data.yaml", "names: {0: cat, last: dog}", "data.yaml has no names"),
    ("yolo", "yolo/data.yaml", "made: 2026-13-45", "data.yaml is no YAML (a date or number that is none"),
    ("yolo", "yolo/classes.txt", None, "has neither data.yaml nor classes.txt"),
    ("csv", "labels.csv", "picture,concept\n", "line 1: must name the columns"),
    ("csv", "labels.csv", "image,concept\n,cat\n", "line 2: names no image"),
    ("csv", "labels.csv", "image,concept\nc.png,cat\n", "c.png is missing or no picture"),
    ("csv", "labels.csv", "image,concept,split\na.png,cat,dev\n", "line 2: has the split 'dev'"),
    ("csv", "labels.csv", None, "labels.csv cannot be read (No such file or directory)"),
    ("coco", "coco.json", "{", "coco.json is no JSON"),
    ("coco", "coco.json", "{}", "coco.json has no list of categories"),
    ("coco", "coco.json", coco(annotations=[{"image_id": 7}]), "annotations[0] has no category_id"),
    (
        "coco",
        "coco.json",
        coco(annotations=[{"id": 4, "image_id": 7, "category_id": 3, "bbox": [1, 2, 3]}]),
        "annotation 4 of a.png: bbox must be four numbers",
    ),
    (
        "coco",
        "coco.json",
        coco(annotations=[{"id": 4, "image_id": 7, "category_id": 9, "bbox": [1, 2, 3, 4]}]),
        "annotation 4 of a.png: there is no category 9",
    ),
]


@pytest.mark.parametrize(("kind", "file", "text", "words"), WRONG)
def test_what_is_wrong_is_one_sentence_and_nothing_is_written(
    kind: str, file: str, text: str | None, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture(tmp_path / "voc" / "JPEGImages" / "a.jpg")
    picture(tmp_path / "yolo" / "images" / "a.png")
    write(tmp_path / "yolo" / "classes.txt", "cat\n")
    if text is None:
        (tmp_path / file).unlink(missing_ok=True)
    else:
        write(tmp_path / file, text)
    source = tmp_path / kind if kind in ("voc", "yolo") else tmp_path / file
    code, said = run(capsys, kind, source, "--output", tmp_path / "out.jsonl")
    assert code in (65, 66), said
    assert words in said
    assert said.count("\n") == 1
    assert list(tmp_path.glob("out*")) == []


def test_an_output_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture(tmp_path / "a.png")
    table = write(tmp_path / "labels.csv", "image,concept\na.png,cat\n")
    code, said = run(capsys, "csv", table, "--output", tmp_path / "none" / "out.jsonl")
    assert code == 78
    assert "cannot be written (No such file or directory); choose another --output" in said
