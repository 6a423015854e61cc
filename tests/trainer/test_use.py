"""`tintype predict`, `evaluate` and `promote` on versions that were really trained, as a user calls them."""

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from examples.shapes.draw import CONCEPTS, TONES, draw_scenes
from PIL import Image

from support.commandline import Tintype
from support.published import lines_of, predictions, published_file, train
from tintype_api.errors import UserError
from tintype_trainer.storage import Store
from tintype_trainer.use.aliases import current, open_version, promote
from tintype_trainer.use.published import open_published

SHAPES = {"name": "objects", "type": "Detection"}
TONE = {
    "name": "tone",
    "type": "Classification",
    "parent": SHAPES,
    "conditions": [[{"concept": "circle", "holds": True}], [{"concept": "square", "holds": True}]],
}
CONTENTS = {"name": "contents", "type": "Tagging"}


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("use")
    draw_scenes(folder, 20)
    header, *lines = (folder / "scenes.jsonl").read_text().splitlines()
    document = json.loads(header)
    _with_conditions(document["views"])
    (folder / "scenes.jsonl").write_text("\n".join([json.dumps(document), *lines]) + "\n")
    return folder


def _with_conditions(views: list[dict[str, Any]]) -> None:
    for view in views:
        if view["name"] == "tone":
            view["conditions"] = TONE["conditions"]
        _with_conditions(view.get("children", []))


@pytest.fixture(scope="module")
def tagger(scenes: Path) -> Path:
    return train(scenes, "tagger", CONTENTS, [f"{concept}s" for concept in CONCEPTS], "mobilenet_v3_small")


@pytest.fixture(scope="module")
def detector(scenes: Path) -> Path:
    return train(scenes, "detector", SHAPES, CONCEPTS, "retinanet_efficientnet_lite0")


@pytest.fixture(scope="module")
def tone(scenes: Path) -> Path:
    """Return a version whose spec leaves parent and conditions to the data set's header."""
    return train(scenes, "tone", {"name": "tone", "type": "Classification"}, TONES, "mobilenet_v3_small")


def test_a_folder_gets_the_scores_that_were_published(tagger: Path, scenes: Path, tintype: Tintype) -> None:
    code, out, _ = tintype("predict", tagger, scenes / "scenes", "--batch-size", 3)
    found = lines_of(out)
    assert code == 0
    assert [line["id"] for line in found] == [f"{number:04}.png" for number in range(20)]
    by_id = {f"scenes/{line['id']}": line for line in found}
    for name, line in predictions(tagger).items():
        assert by_id[name]["scores"] == pytest.approx(line["scores"], abs=2e-6)


def test_decisions_are_those_at_the_thresholds(tagger: Path, scenes: Path, tintype: Tintype) -> None:
    thresholds = json.loads(published_file(tagger, "model.json"))["output"]["thresholds"]
    _, out, _ = tintype("predict", tagger, scenes / "scenes")
    for line in lines_of(out):
        for name, score in line["scores"].items():
            if abs(score - thresholds[name]) > 1e-6:  # scores are rounded
                assert (name in line["predicted"]) == (score >= thresholds[name])


def test_detections_are_those_that_were_published(detector: Path, scenes: Path, tintype: Tintype) -> None:
    names = sorted(predictions(detector))
    code, out, _ = tintype("predict", detector, *(scenes / name for name in names), "--threshold", 0.05)
    assert code == 0
    for line, name in zip(lines_of(out), names, strict=True):
        # What is published begins at a concept's threshold where that is lower.
        expected = [found for found in predictions(detector)[name]["detections"] if found["score"] >= 0.05]
        assert (line["width"], line["height"]) == (96, 72)
        assert [found["concept"] for found in line["detections"]] == [found["concept"] for found in expected]
        boxes = [found["box"] for found in line["detections"]]
        assert np.array(boxes) == pytest.approx(np.array([found["box"] for found in expected]), abs=0.02)


def test_names_come_from_standard_input_too(
    tagger: Path, scenes: Path, tintype: Tintype, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = scenes / "scenes" / "0003.png"
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{picture}\n\n{picture.as_uri()}\n"))
    code, out, _ = tintype("predict", tagger, "--batch-size", 1, "-")
    one, other = lines_of(out)
    assert code == 0
    assert one["scores"] == other["scores"]
    assert one["id"] == str(picture)


def test_pictures_that_cannot_be_read_do_not_stop_the_others(
    tagger: Path, scenes: Path, tmp_path: Path, tintype: Tintype
) -> None:
    (tmp_path / "broken.png").write_bytes((scenes / "scenes" / "0000.png").read_bytes()[:200])
    good = scenes / "scenes" / "0001.png"
    code, out, error = tintype("predict", tagger, tmp_path / "broken.png", tmp_path / "missing.png", good)
    broken, missing, fine = lines_of(out)
    assert code == 65
    said = "2 pictures could not be read: see 'error' in the answers; correct the files or leave them out"
    assert error == f"tintype: error: {said}\n"
    assert broken["error"].startswith("cannot be decoded")
    assert missing["error"] == "does not exist"
    assert "scores" in fine


def test_drawn_pictures_show_what_was_predicted(detector: Path, scenes: Path, tmp_path: Path, tintype: Tintype) -> None:
    picture, drawn = scenes / "scenes" / "0003.png", tmp_path / "drawn"
    code, out, _ = tintype("predict", detector, scenes / "scenes", "--threshold", 0.005, "--draw", drawn)
    (line,) = [line for line in lines_of(out) if line["id"] == "0003.png"]
    assert code == 0
    assert line["detections"]
    assert len(list(drawn.iterdir())) == 20
    with Image.open(picture) as plain, Image.open(drawn / "0003.png") as marked:
        assert plain.size == marked.size
        assert np.any(np.asarray(plain) != np.asarray(marked))


def test_a_child_view_looks_at_regions_that_meet_its_conditions(
    tone: Path, scenes: Path, tmp_path: Path, tintype: Tintype
) -> None:
    annotated = _annotated_boxes(scenes)
    (tmp_path / "boxes.jsonl").write_text("".join(json.dumps(line) + "\n" for line in annotated))
    code, out, _ = tintype("predict", tone, "--boxes", tmp_path / "boxes.jsonl")
    found = {line["id"]: line for line in lines_of(out)}
    assert code == 0
    wanted = {
        f"{line['id']}#{number}"
        for line in annotated
        for number, box in enumerate(line["detections"])
        if box["concept"] != "triangle"
    }
    assert found.keys() == wanted
    published = predictions(tone)
    assert published.keys() <= wanted, "the annotated regions that were evaluated are among them"
    for name, line in published.items():
        assert found[name]["scores"] == pytest.approx(line["scores"], abs=0.02), "boxes are rounded to 0.01 pixels"


def _annotated_boxes(scenes: Path) -> list[dict[str, Any]]:
    """Return the annotated boxes as a parent's answers would have them."""
    lines = []
    for text in (scenes / "scenes.jsonl").read_text().splitlines()[1:]:
        line = json.loads(text)
        name, boxes = line["data"]["file"], []
        for annotation in line["annotations"]:
            if "bbox" in annotation:
                x0, y0, x1, y1 = annotation["bbox"]
                box = [round(x0 * 96, 2), round(y0 * 72, 2), round(x1 * 96, 2), round(y1 * 72, 2)]
                boxes.append({"concept": annotation["concepts"][0]["name"], "box": box, "score": 1.0})
        place = (scenes / name).as_uri()
        lines.append({"id": name, "uri": place, "width": 96, "height": 72, "detections": boxes})
    return lines


def test_a_parent_finds_the_regions_of_a_child(
    tone: Path, detector: Path, scenes: Path, tmp_path: Path, tintype: Tintype
) -> None:
    _, boxes, _ = tintype("predict", detector, scenes / "scenes")
    (tmp_path / "boxes.jsonl").write_text(boxes)
    by_boxes = tintype("predict", tone, "--boxes", tmp_path / "boxes.jsonl")
    by_parent = tintype("predict", tone, "--parent", detector, scenes / "scenes")
    assert by_parent == by_boxes
    assert by_parent[0] == 0


def test_evaluation_on_the_test_split_is_the_published_one(
    tagger: Path, scenes: Path, tmp_path: Path, tintype: Tintype
) -> None:
    output = tmp_path / "evaluation.json"
    code, out, _ = tintype(
        "evaluate", tagger, scenes / "scenes.jsonl", "--split", "test", "--output", output, "--cache", tmp_path
    )
    assert code == 0
    published = json.loads(published_file(tagger, "evaluation.json"))
    found = json.loads(output.read_text())
    assert found["thresholdsFrom"] == "Version"
    assert found["dataset"]["perConcept"] == published["test"]["perConcept"]
    assert found["dataset"]["mAP"] == published["test"]["mAP"]
    assert f"mAP {published['test']['mAP']:.4f}, 4 examples" in out


def test_evaluation_counts_what_it_leaves_out(tagger: Path, scenes: Path, tmp_path: Path, tintype: Tintype) -> None:
    header, *lines = (scenes / "scenes.jsonl").read_text().splitlines()
    (tmp_path / "scenes").symlink_to(scenes / "scenes")
    bare = json.dumps({**json.loads(lines[0]), "annotations": []})
    (tmp_path / "other.jsonl").write_text("\n".join([header, bare, *lines[1:]]) + "\n")
    code, out, _ = tintype("evaluate", tagger, tmp_path / "other.jsonl", "--output", tmp_path / "e.json")
    assert code == 0
    assert "19 examples (1 not annotated for the view left out)" in out


def test_an_alias_names_the_version_that_was_promoted_last(tagger: Path, scenes: Path, tintype: Tintype) -> None:
    assert tintype("promote", tagger, "production")[1] == (
        f"'production' is tagger now; it is new. Name it as {tagger.as_uri()}@production\n"
    )
    assert "before it was tagger" in tintype("promote", tagger, "production")[1]
    picture = scenes / "scenes" / "0000.png"
    by_alias, by_folder = (tintype("predict", place, picture)[1] for place in (f"{tagger}@production", tagger))
    assert by_alias == by_folder
    store = Store.from_settings()
    promoted = current(open_published(tagger.as_uri(), store), "production", store)
    assert promoted is not None
    assert (promoted.name, promoted.number) == ("tagger", 2)


def test_of_two_promotions_at_once_one_is_told(tagger: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store.from_settings()
    published = open_version(str(tagger), store)
    monkeypatch.setattr("tintype_trainer.use.aliases.current", lambda *_: None)  # what both saw
    assert promote(published, "canary", store) is None
    with pytest.raises(UserError, match="another promotion came first"):
        promote(published, "canary", store)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("predict", "{folder}", "x.png"), 66, "is no published version: it has no manifest.json"),
        (("predict", "{tagger}@nobody", "x.png"), 66, "the model of tagger has no alias 'nobody'"),
        (("predict", "{tagger}"), 64, "IMAGE: name pictures, folders or prefixes"),
        (("predict", "{tagger}", "{folder}/empty/"), 66, "does not exist; correct the URI"),
        (("predict", "{tagger}", "x.png", "--with", "onnx"), 66, "has no model.onnx"),
        (("predict", "{tagger}", "--boxes", "x"), 64, "tagger looks at whole pictures"),
        (("predict", "{tone}", "x.png"), 64, "tone looks at regions that 'objects' detects; give --parent"),
        (("predict", "{tone}", "--boxes", "{folder}/none"), 78, "--boxes: "),
        (("predict", "{tone}", "--boxes", "{folder}/tagger.json"), 65, "--boxes: line 1 of "),
        (("predict", "{tone}", "--parent", "{tagger}", "x.png"), 64, "is a version of the view 'contents'"),
        (("promote", "{tagger}", "No_good"), 64, "alias 'No_good': give it small letters"),
        (("evaluate", "{tagger}", "{folder}/none.jsonl"), 66, "none.jsonl"),
        (("evaluate", "{tagger}", "{folder}/scenes.jsonl", "--output", "{folder}/no/e.json"), 78, "--output: "),
    ],
)
def test_what_cannot_be_is_one_sentence(
    arguments: Sequence[str],
    code: int,
    words: str,
    tagger: Path,
    tone: Path,
    scenes: Path,
    tintype: Tintype,
) -> None:
    places = {"folder": scenes, "tagger": tagger, "tone": tone}
    found, out, error = tintype(*(argument.format(**places) for argument in arguments))
    assert (found, out) == (code, "")
    assert error.count("\n") == 1
    assert words in error


def test_a_damaged_file_is_not_used(tone: Path, scenes: Path, tmp_path: Path, tintype: Tintype) -> None:
    manifest = json.loads((tone / "manifest.json").read_text())
    for file in manifest["files"]:
        copy = tmp_path / "tone" / file["path"]
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes((tone / file["path"]).read_bytes())
    (tmp_path / "tone" / "manifest.json").write_text(json.dumps(manifest))
    (weights,) = (tmp_path / "tone").rglob("best.safetensors")
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    (tmp_path / "boxes.jsonl").write_text(json.dumps(_annotated_boxes(scenes)[3]) + "\n")
    code, _, error = tintype("predict", tmp_path / "tone", "--boxes", tmp_path / "boxes.jsonl")
    assert code == 65
    assert "best.safetensors is not as it was published" in error
