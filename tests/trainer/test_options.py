"""Every option of a version goes through real trainings: any two values of any two options, on tiny pictures."""

import json
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from safetensors.torch import load_file

from support.option_cases import FACTORS, LEAST_FRACTION, VIEWS, case_name, document_of, option_rows
from support.pairwise import Row
from support.schema_options import Option, given, options_of
from tintype_api.catalogue import CATALOGUE
from tintype_api.constants import ExitCode
from tintype_api.errors import UserError
from tintype_api.modelversion import ModelVersion, resolve
from tintype_api.spec import ModelVersionSpec
from tintype_trainer.interruption import Interruption
from tintype_trainer.reporting.journal import Journal
from tintype_trainer.run import Published, Surroundings, run_version
from tintype_trainer.storage import Store

ROWS, IMPOSSIBLE = option_rows()
SPECS = [ModelVersion.parse(document_of(row)).spec.model_dump(mode="json", by_alias=True) for row in ROWS]
"""With the defaults of what they leave out."""
OPTIONS = options_of(ModelVersionSpec.model_json_schema())
TESTS: Final = Path(__file__).parents[1]
SIZE: Final = (48, 40)
HEADER: Final = {
    "name": "drawn",
    "splits": ["train", "val", "test"],
    "views": [
        {
            "name": "form",
            "type": "Classification",
            "concepts": ["round", "angular"],
            "children": [
                {
                    "name": "marks",
                    "type": "Tagging",
                    "concepts": ["crowded", "lonely"],
                    "conditions": VIEWS[4]["view"]["conditions"],
                }
            ],
        },
        {
            "name": "contents",
            "type": "Tagging",
            "concepts": ["circles", "squares", "nothing"],
            "children": [{"name": "things", "type": "Detection", "concepts": ["thing"]}],
        },
        {
            "name": "objects",
            "type": "Detection",
            "concepts": ["circle", "square"],
            "children": [
                {
                    "name": "tone",
                    "type": "Classification",
                    "concepts": ["dark", "bright"],
                    "conditions": VIEWS[3]["view"]["conditions"],
                }
            ],
        },
    ],
}


@dataclass(frozen=True)
class Elsewhere:
    """Options that no training here has, and the test that has them.

    Attributes:
        paths: A regular expression of their paths.
        file: Of the test, below tests/.
        test: Its name.
    """

    paths: str
    file: str
    test: str


SMALLEST: Final = {name: CATALOGUE[name].minimum_size for name in {spec["training"]["architecture"] for spec in SPECS}}
"""The architectures that are trained here, and their smallest sizes."""
SIDES: Final = ("width", "height", "maxDimension")
LOWER_ENDS: Final = {f"imageResizer.{side}": min(SMALLEST.values()) for side in SIDES} | {
    f"dataset.{split}.fraction": LEAST_FRACTION for split in ("validation", "test")
}
"""Where the lower end follows from the architecture or from the number of examples, not from the schema."""
ELSEWHERE: Final = (
    Elsewhere(r"training\.architecture", "trainer/test_architectures.py", "test_one_step_and_one_reload"),
    Elsewhere(
        r"training\.initialWeights\.source",
        "trainer/test_weights.py",
        "test_weights_of_imagenet_come_from_the_mirror_first",
    ),
    Elsewhere(
        r"training\.initialWeights\.modelVersion",
        "operator/test_decide.py",
        "test_weights_of_a_published_version_are_named_by_their_folder",
    ),
    Elsewhere(r"training\.initialWeights\.uri", "trainer/test_run.py", "test_published_weights_start_another_training"),
    Elsewhere(r"dataset\.(validation|test)\.uri", "trainer/test_sources.py", "test_coco_with_files_for_its_splits"),
    Elsewhere(r"output\.formats\[\]", "trainer/test_export.py", "test_a_classifier_takes_any_number_of_images"),
    Elsewhere(r"storage\.(endpoint|region)", "trainer/test_storage.py", "test_settings_come_before_the_environment"),
    Elsewhere(
        r"storage\.credentialsSecret",
        "operator/test_job_manifest.py",
        "test_credentials_come_only_from_a_secret_that_is_named",
    ),
    Elsewhere(r"compute\.gpus", "trainer/test_run.py", "test_the_cpu_stands_for_a_gpu_only_where_a_test_says_so"),
    Elsewhere(r"compute\.nodes", "operator/test_job_manifest.py", "test_golden_job_of_several_nodes"),
    Elsewhere(
        r"compute\.(gpuResource|sharedMemory|terminationGracePeriodSeconds)|podTemplate\..*",
        "operator/test_job_manifest.py",
        "test_golden_job",
    ),
    Elsewhere(r"runPolicy\.preflight", "operator/test_preflight.py", "test_it_comes_first_where_gpus_are_asked_for"),
    Elsewhere(r"runPolicy\.backoffLimit", "operator/test_decide.py", "test_backoff_limit_changes_the_running_job"),
    Elsewhere(
        r"runPolicy\.suspend",
        "operator/test_decide_asked.py",
        "test_a_running_job_is_deleted_once_its_pod_has_ended_in_its_grace",
    ),
    Elsewhere(
        r"runPolicy\.stop", "operator/test_decide_asked.py", "test_a_stop_before_anything_was_trained_ends_at_once"
    ),
    Elsewhere(
        r"runPolicy\.maxInterruptions",
        "operator/test_decide_attempts.py",
        "test_too_many_interruptions_end_the_version",
    ),
    Elsewhere(
        r"runPolicy\.(queueName|queuePriorityClassName|priorityClassName)",
        "operator/test_job_manifest.py",
        "test_golden_job",
    ),
    Elsewhere(
        r"runPolicy\.ttlSecondsAfterFinished",
        "operator/test_decide_ends.py",
        "test_an_ended_version_only_sets_the_ttl_of_its_job",
    ),
)
"""What the trainer reads of a version but does not train by, and what needs more than a folder of pictures."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with pictures of circles and squares, annotated for views of every kind."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("options")
    draw = random.Random(0)
    lines: list[dict[str, object]] = [HEADER]
    for number in range(20):
        name = f"pictures/{'abcdefghijklmnop'[min(number, 15)]}{number}.png"
        lines.append(_draw(folder / name, number, draw) | {"data": {"file": name}})
    (folder / "pictures.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    for number in range(3):
        _draw(folder / f"negatives/{number}.png", 2, draw)
    return folder


def _draw(path: Path, number: int, draw: random.Random) -> dict[str, object]:
    """Draw a circle, a square, or both, or nothing, and return its line but for the file."""
    path.parent.mkdir(exist_ok=True)
    image = Image.new("RGB", SIZE, (draw.randint(90, 160), 128, 128))
    pen = ImageDraw.Draw(image)
    annotations: list[dict[str, object]] = []
    shapes = (["circle"], ["square"], [], ["circle", "square"])[number % 4]
    for place, shape in enumerate(shapes):
        x, y, side = 4 + 22 * place + draw.randint(0, 4), draw.randint(2, 20), draw.randint(10, 16)
        dark = draw.random() < 0.5
        corners = (x, y, x + side, y + side)
        (pen.ellipse if shape == "circle" else pen.rectangle)(corners, fill=(0, 0, 40) if dark else (250, 250, 200))
        names = [shape, "dark" if dark else "bright", "thing"]
        annotations.append(
            {
                "bbox": [x / SIZE[0], y / SIZE[1], (x + side + 1) / SIZE[0], (y + side + 1) / SIZE[1]],
                "concepts": [{"name": name, "bool": True} for name in names],
            }
        )
    image.save(path)
    whole = {
        "round": number % 2 == 0,
        "angular": number % 2 == 1,
        "crowded": len(shapes) > 1,
        "lonely": len(shapes) == 1,
        "circles": "circle" in shapes,
        "squares": "square" in shapes,
        "nothing": not shapes,
    }
    annotations.append({"concepts": [{"name": name, "bool": holds} for name, holds in whole.items()]})
    split = ("train", "train", "train", "train", "train", "train", "val", "val", "test", "train")[number % 10]
    return {"splits": [split], "metadata": {"film": f"film {min(number, 15)}"}, "annotations": annotations}


@pytest.mark.parametrize("row", ROWS, ids=[str(number) for number in range(len(ROWS))])
def test_a_training_by_these_options_is_published(row: Row, data: Path, tmp_path: Path) -> None:
    published, journal = _train(document_of(row, data), data, tmp_path)
    progress, best = journal.status.progress, journal.status.best
    assert published.artifacts.files >= 7, case_name(row)
    assert progress is not None
    assert best is not None
    assert 0 < progress.iteration <= progress.iterations
    folder = tmp_path / "default" / "options"
    manifest = json.loads((folder / "manifest.json").read_text())
    files = {file["name"]: folder / file["path"] for file in manifest["files"]}
    assert all(tensor.isfinite().all() for tensor in load_file(files["best.safetensors"]).values())
    losses = [json.loads(line)["trainLoss"] for line in files["metrics.jsonl"].read_text().splitlines()]
    assert np.isfinite(losses).all()


def _train(document: dict[str, Any], data: Path, output: Path) -> tuple[Published, Journal]:
    document["spec"]["output"]["uri"] = output.as_uri()
    version = resolve(ModelVersion.parse(document))
    journal = Journal()
    around = Surroundings(
        store=Store.from_settings(),
        cache=data,
        journal=journal,
        interruption=Interruption(),
        staging=lambda *_: None,
        count_examples=lambda _: None,
    )
    return run_version(version, around), journal


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"dataset.validation": {"fraction": 1e-6}}, "dataset.validation: fraction 1e-06 of 20 examples is not one"),
        ({"dataset.test": {"fraction": 0.02}}, "dataset.test: fraction 0.02 of 20 examples is not one"),
        (
            {"training.batchSize": 1, "imageResizer": {"type": "Fixed", "width": 32, "height": 32}},
            "training.batchSize: BatchNorm cannot train on one value of each channel",
        ),
    ],
)
def test_lower_ends_that_cannot_be_trained_end_with_a_sentence(
    changes: dict[str, Any], words: str, data: Path, tmp_path: Path
) -> None:
    document = document_of(dict.fromkeys(FACTORS, 0), data)
    for path, value in changes.items():
        *parents, last = path.split(".")
        reduce(dict.__getitem__, parents, document["spec"])[last] = value
    with pytest.raises(UserError) as error:
        _train(document, data, tmp_path)
    assert error.value.exit_code == ExitCode.SPEC
    assert error.value.message.startswith(words)


def test_the_smallest_size_of_each_architecture_is_in_a_case() -> None:
    met = {(spec["training"]["architecture"], side, spec["imageResizer"][side]) for spec in SPECS for side in SIDES}
    assert {(name, side, size) for name, size in SMALLEST.items() for side in SIDES} <= met


def test_any_two_values_meet_unless_the_api_refuses_them() -> None:
    met = {frozenset((one, other)) for row in ROWS for one in row.items() for other in row.items() if one < other}
    sizes = {name: len(values) for name, values in FACTORS.items()}
    pairs = {
        frozenset(((one, i), (other, j)))
        for one in sizes
        for other in sizes
        if one < other
        for i in range(sizes[one])
        for j in range(sizes[other])
    }
    assert pairs - met == IMPOSSIBLE
    assert len(IMPOSSIBLE) < 0.02 * len(pairs)


def test_each_value_is_in_a_case() -> None:
    used = {pair for row in ROWS for pair in row.items()}
    assert used == {(name, place) for name, values in FACTORS.items() for place in range(len(values))}


def _here() -> list[Option]:
    return [option for option in OPTIONS if not any(re.fullmatch(each.paths, option.path) for each in ELSEWHERE)]


@pytest.mark.parametrize("option", _here(), ids=lambda option: option.path)
def test_every_option_of_the_schema_is_in_a_training(option: Option) -> None:
    """Each value of an enumeration; a number at its default, its lower end and a larger value."""
    values = [value for spec in SPECS for value in given(spec, option.path)]
    assert any(value is not None for value in values), "no case has it"
    assert not [value for value in option.values if value not in values]
    if option.is_number:
        _check_numbers(option, values)


def _check_numbers(option: Option, values: Sequence[object]) -> None:
    numbers = [value for value in values if isinstance(value, int | float)]
    assert option.required or option.default in values
    assert option.lowest is not None
    lowest = LOWER_ENDS.get(option.path, option.lowest)
    included = option.lowest_allowed or option.path in LOWER_ENDS
    assert min(numbers) == lowest if included else lowest < min(numbers) <= lowest + 1e-3
    default = option.default if isinstance(option.default, int | float) else lowest
    assert max(numbers) > default or default == option.highest


@pytest.mark.parametrize("elsewhere", ELSEWHERE, ids=lambda elsewhere: elsewhere.paths)
def test_what_is_tested_elsewhere_is_there_and_not_here_too(elsewhere: Elsewhere) -> None:
    paths = [option.path for option in OPTIONS if re.fullmatch(elsewhere.paths, option.path)]
    assert paths, "no option has such a path"
    assert re.search(rf"^(async )?def {elsewhere.test}\(", (TESTS / elsewhere.file).read_text(), re.MULTILINE)
