"""What people look at, on a real S3 server: `tintype report`, `compare`, `library`, and the page that is kept there."""

import json
import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import boto3
import pytest
from examples.shapes.draw import CONCEPTS, draw_dataset

import devcluster
from support.handmade import published
from support.modelversions import modelversion
from support.s3 import s3_environment
from tintype_trainer.commandline import run_command_line
from tintype_trainer.interruption import Interruption
from tintype_trainer.library.keeping import write_page
from tintype_trainer.storage import Store
from tintype_trainer.storage.local import LocalBackend
from tintype_trainer.storage.s3 import S3Backend

BUCKET = "looked-at"
MODELS = f"s3://{BUCKET}/models"
AT_ONCE = 6


@pytest.fixture(scope="module", autouse=True)
def bucket(control_plane: devcluster.Cluster) -> Iterator[None]:
    with s3_environment(control_plane):
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        yield


def tintype(*arguments: object) -> None:
    assert run_command_line([str(argument) for argument in arguments], Interruption()) == 0


def content(key: str) -> str:
    text: str = boto3.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read().decode()
    return text


def report_key(name: str) -> str:
    manifest = json.loads(content(f"models/default/{name}/manifest.json"))
    (path,) = [file["path"] for file in manifest["files"] if file["name"] == "report.html"]
    return f"models/default/{name}/{path}"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Two versions, trained by `tintype run` from the bucket and into it."""
    folder = tmp_path_factory.mktemp("looked")
    draw_dataset(folder / "shapes", 20)
    for file in (folder / "shapes").rglob("*.*"):
        boto3.client("s3").upload_file(str(file), BUCKET, f"shapes/{file.relative_to(folder / 'shapes')}")
    for name, iterations in (("shapes-1", 2), ("shapes-2", 8)):
        document = modelversion(
            {
                "spec.view": {"name": "shape", "type": "Classification"},
                "spec.concepts": list(CONCEPTS),
                "spec.dataset.uri": f"s3://{BUCKET}/shapes/shapes.jsonl",
                "spec.output.uri": MODELS,
                "spec.training": {
                    "architecture": "mobilenet_v3_small",
                    "iterations": iterations,
                    "batchSize": 12,
                    "initialWeights": {"source": "Random"},
                },
                "spec.imageResizer": {"type": "Fixed", "width": 32, "height": 32},
                "spec.compute": {"gpus": 0, "cpu": "1", "memory": "3Gi"},
            },
            name=name,
        )
        (folder / f"{name}.json").write_text(json.dumps(document))
        tintype("run", folder / f"{name}.json", "--cache", folder / "cache")


@pytest.mark.usefixtures("trained")
def test_a_report_from_a_bucket_to_a_file_and_to_a_bucket(tmp_path: Path) -> None:
    for output in (tmp_path / "again.html", f"s3://{BUCKET}/reports/again.html"):
        tintype("report", f"{MODELS}/default/shapes-2", "--output", output, "--cache", tmp_path / "cache")
    written = (tmp_path / "again.html").read_text()
    assert written == content("reports/again.html") == content(report_key("shapes-2"))
    data: dict[str, Any] = json.loads(
        re.findall(r'<script type="application/json" id="data">(.*?)</script>', written, re.DOTALL)[0]
    )
    pictures = data["evaluated"]["examples"]["pictures"]
    assert len(pictures) == 12
    assert None not in pictures
    kind = boto3.client("s3").head_object(Bucket=BUCKET, Key="reports/again.html")["ContentType"]
    assert kind == "text/html", "else a browser would store it"


@pytest.mark.usefixtures("trained")
def test_two_versions_of_a_bucket_are_compared(capsys: pytest.CaptureFixture[str]) -> None:
    places = [f"{MODELS}/default/{name}" for name in ("shapes-1", "shapes-2")]
    tintype("compare", *places)
    said = capsys.readouterr().out
    assert "accuracy on the same 12 validation examples" in said
    tintype("compare", *places, "--json")
    compared = json.loads(capsys.readouterr().out)
    assert compared["better"] in ("First", "Second", "Neither")


@pytest.mark.usefixtures("trained")
def test_the_library_of_a_bucket_lies_in_it_and_its_addresses_lead_to_reports(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = f"{MODELS}/index.html"
    tintype("library", MODELS, "--output", output)
    assert capsys.readouterr().out == f"{output}: 2 versions below {MODELS}/\n"
    addresses = re.findall(r'<a href="\./([^"]+)"', content("models/index.html"))
    assert {f"models/{address}" for address in addresses} == {report_key("shapes-1"), report_key("shapes-2")}
    tintype("library", MODELS, "--output", tmp_path / "index.html")
    elsewhere = (tmp_path / "index.html").read_text()
    assert "<a href" not in elsewhere
    assert f"s3://{BUCKET}/{report_key('shapes-1')}" in elsewhere


class Overtaken(Store):
    """Storage whose first write comes after that of the next publish, which begins once this one has listed."""

    def __init__(self, listed: Event, next_written: Event, written: Event) -> None:
        super().__init__(S3Backend(os.environ["AWS_ENDPOINT_URL"], None), LocalBackend())
        self._listed, self._next_written, self._written = listed, next_written, written

    def write(self, uri: str, data: bytes) -> None:
        self._listed.set()
        assert self._next_written.wait(timeout=60)
        super().write(uri, data)
        self._written.set()


def test_of_versions_that_are_published_at_once_none_is_missing_on_the_page(tmp_path: Path) -> None:
    """Each lists before the next one publishes, and writes after it: the last page would have the first one alone."""
    names = [f"v-{number}" for number in range(AT_ONCE)]
    listed, written = ([Event() for _ in range(AT_ONCE + 1)] for _ in range(2))
    listed[AT_ONCE].set()
    written[AT_ONCE].set()

    def publish(number: int) -> int:
        assert listed[number - 1].wait(timeout=60)
        folder = published(tmp_path / names[number], names[number])
        for file in sorted(folder.rglob("*.*"), key=lambda file: file.name == "manifest.json"):
            key = f"race/default/{names[number]}/{file.relative_to(folder)}"
            boto3.client("s3").upload_file(str(file), BUCKET, key)
        store = Overtaken(listed[number], written[number + 1], written[number])
        return write_page(f"s3://{BUCKET}/race/", store, lambda: None)

    with ThreadPoolExecutor(AT_ONCE) as publishers:
        assert list(publishers.map(publish, range(AT_ONCE))) == [AT_ONCE] * AT_ONCE
    page = content("race/index.html")
    assert [name for name in names if f"<bdi>{name}</bdi>" not in page] == []
    assert "cannot be read" not in page
