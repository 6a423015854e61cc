"""Draws the pictures of docs/monitoring.md: trains versions on a cluster while a Prometheus scrapes, and draws pages.

    .venv/bin/python tools/draw_dashboards.py docs/images/monitoring

takes six minutes on two idle cores, and root. `--data FOLDER` keeps what Prometheus has stored, and draws from it again
where it is there. Grafana takes no part: a page is drawn from the dashboard's JSON and the answers to its queries.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from PIL import Image

ROOT: Final = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from dashboards.pictures.asking import Chosen, Span  # noqa: E402
from dashboards.pictures.page import page  # noqa: E402

import devcluster  # noqa: E402
from support.chromium import chromium  # noqa: E402
from support.dashboards import boards  # noqa: E402
from support.kube import PODS, VERSIONS, eventually  # noqa: E402
from support.platform import DATASETS, MODELS, Platform, installed  # noqa: E402
from support.prometheus import prometheus  # noqa: E402
from support.watching import watching  # noqa: E402
from tintype_api.constants import TERMINAL_PHASES  # noqa: E402

SCRAPE_S: Final = 5
WIDTH, COLOURS = 1400, 256
SORTING, VISION = "team-sorting", "team-vision"
CHOSEN: Final[Mapping[str, Chosen]] = {"run": {"modelversion": ["contents-1", "contents-2", "contents-3"]}}
"""What is chosen in a dashboard's variables; All where nothing is said."""
TAGGING: Final[Mapping[str, Any]] = {
    "view": {"name": "contents", "type": "Tagging"},
    "concepts": ["circles", "squares", "triangles"],
    "dataset": {"uri": f"s3://{DATASETS}/scenes/scenes.jsonl"},
}
CLASSIFICATION: Final[Mapping[str, Any]] = {
    "view": {"name": "shape", "type": "Classification"},
    "concepts": ["circle", "square", "triangle"],
    "dataset": {"uri": f"s3://{DATASETS}/shapes/shapes.jsonl"},
}


def main() -> None:
    """Draw as the command line says."""
    parser = argparse.ArgumentParser(description="Draws the pictures of docs/monitoring.md.")
    parser.add_argument("folder", type=Path, help="where to; it is made if need be")
    parser.add_argument("--data", type=Path, help="folder of Prometheus' data; drawn from again where it is there")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        data = (arguments.data or Path(place, "prometheus")).resolve()
        if not data.exists():
            data.mkdir(parents=True)
            record(data, Path(place, "pictures"))
        draw(data, Path(place), arguments.folder)


def record(data: Path, pictures: Path) -> None:
    """Let Prometheus store in a folder what versions of all fates tell of themselves."""
    with devcluster.cluster(node=True, gpus=2) as cluster, installed(cluster, pictures / "shapes") as platform:
        platform.upload_scenes(pictures / "scenes", count=300)
        for team in (SORTING, VISION):
            _make_team(platform, team)
        platform.pretend_gpus()
        with watching(platform, data, f"{SCRAPE_S}s"):
            began = time.time()
            time.sleep(2 * SCRAPE_S)  # What is counted of new versions is an increase only after a scrape.
            _train(platform)
            time.sleep(3 * SCRAPE_S)
            (data / "span.json").write_text(json.dumps([began, time.time()]))


def _make_team(platform: Platform, team: str) -> None:
    """Make a namespace with the S3 keys."""
    platform.tools.run("kubectl", "create", "namespace", team)
    keys = json.loads(platform.tools.run("kubectl", "get", "secret", "s3", "--output=json"))
    keys["metadata"] = {"name": "s3", "namespace": team}
    platform.tools.run("kubectl", "apply", "--filename=-", stdin=json.dumps(keys))


def _train(platform: Platform) -> None:
    _apply(platform, VISION, "contents-1", TAGGING, 12, 0.0003)
    _apply(platform, SORTING, "shapes-1", CLASSIFICATION, 8, 0.0002)
    _apply(platform, SORTING, "shapes-large", CLASSIFICATION, 8, 0.001, compute={"gpus": 8})
    gone = {"dataset": {"uri": f"s3://{DATASETS}/shapes-old/shapes.jsonl"}}
    _apply(platform, SORTING, "shapes-old", {**CLASSIFICATION, **gone}, 8, 0.001)
    _apply(platform, VISION, "contents-later", TAGGING, 12, 0.001, runPolicy={"suspend": True})
    _end(platform, SORTING, "shapes-1")
    _apply(platform, VISION, "contents-2", TAGGING, 12, 0.001)
    _end(platform, VISION, "contents-1")
    _apply(platform, SORTING, "shapes-2", CLASSIFICATION, 8, 0.001)
    _end(platform, SORTING, "shapes-2")
    _apply(platform, VISION, "contents-3", TAGGING, 16, 0.002)
    _end(platform, VISION, "contents-2")
    _apply(platform, SORTING, "shapes-3", CLASSIFICATION, 500, 0.001)
    _interrupt(platform, VISION, "contents-3")
    _end(platform, VISION, "contents-3")


def _apply(
    platform: Platform,
    team: str,
    name: str,
    model: Mapping[str, Any],
    epochs: int,
    rate: float,
    **changes: Mapping[str, Any],
) -> None:
    training = {
        "architecture": "resnet18",
        "initialWeights": {"source": "Random"},
        "epochs": epochs,
        "batchSize": 16,
        "optimizer": {"type": "AdamW", "learningRate": rate},
    }
    compute = {"gpus": 1, "cpu": "900m", "memory": "2Gi", "sharedMemory": "64Mi", **changes.get("compute", {})}
    spec = {
        **model,
        "training": training,
        "imageResizer": {"type": "Fixed", "width": 64, "height": 64},
        "output": {"uri": f"s3://{MODELS}"},
        "compute": compute,
        "runPolicy": {"preflight": "Never", **changes.get("runPolicy", {})},
    }
    document = {"apiVersion": "tintype.dev/v1alpha1", "kind": "ModelVersion", "spec": spec}
    platform.apply_document(document | {"metadata": {"name": name, "namespace": team}})


def _status(platform: Platform, team: str, name: str) -> dict[str, Any]:
    status: dict[str, Any] = platform.kube.get(f"{VERSIONS.format(team)}/{name}").get("status", {})
    return status


def _end(platform: Platform, team: str, name: str) -> None:
    status = eventually(
        lambda: _status(platform, team, name), lambda status: status.get("phase") in TERMINAL_PHASES, within_s=900
    )
    if status["phase"] != "Succeeded":
        raise SystemExit(f"draw_dashboards: {team}/{name} is {status['phase']}: {status['conditions']}")


def _interrupt(platform: Platform, team: str, name: str) -> None:
    """Delete the Pod of a version once it has trained for some epochs."""
    eventually(lambda: _status(platform, team, name).get("progress", {}).get("epoch", 0) >= 5, within_s=900)
    (pod,) = platform.kube.items(PODS.format(team), labelSelector=f"tintype.dev/modelversion={name}")
    platform.kube.must("DELETE", f"{PODS.format(team)}/{pod['metadata']['name']}")


def draw(data: Path, place: Path, folder: Path) -> None:
    """Draw each dashboard's page from stored data."""
    began, ended = json.loads((data / "span.json").read_text())
    span = Span(began, ended, SCRAPE_S)
    with prometheus(data, {"global": {}}) as server, chromium(place / "profile") as browser:
        for name, board in boards().items():
            html = place / f"{name}.html"
            html.write_text(page(board, CHOSEN.get(name, {}), span, server.get, WIDTH))
            browser.look(WIDTH, 600)
            browser.open(html)
            browser.look(WIDTH, int(browser.value("document.documentElement.offsetHeight")))
            file = folder / f"{name}.png"
            browser.draw(file)
            with Image.open(file) as image:
                few = image.convert("RGB").quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
                few.save(file, optimize=True)
            print(f"{file}: {file.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
