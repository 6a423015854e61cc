"""How good the trainings are, on photographs of solar cells, beside a plain torch loop of the same network.

    python -m benchmarks.quality --list             # the pieces, in order of priority, and which of them are done
    python -m benchmarks.quality --work FOLDER      # run what is missing; stop and start it as you like
    python -m benchmarks.quality --report           # the table of docs/quality.md, from the results

A piece is one training: a task, an arm (a way to train), a seed. Its result is a JSON file in `benchmarks/results/`.
The photographs are CC BY-NC-SA 4.0 (see examples/pv_cells): figures are kept, never pictures or weights.
"""

import argparse
import json
import multiprocessing
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from benchmarks import reference_detection, reference_loop
from benchmarks.quality_pieces import PIECES, Arm, Piece
from benchmarks.quality_report import report
from benchmarks.quality_sets import prepare_sets

from tintype_trainer.output.manifest import read_manifest

RESULTS: Final = Path(__file__).parent / "results"
LIBRARIES: Final = ("tintype", "torch", "torchvision", "timm")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, help="folder for data sets and published versions; pieces are run")
    parser.add_argument("--list", action="store_true", help="list the pieces")
    parser.add_argument("--report", action="store_true", help="print the table of the results")
    parser.add_argument("--only", default="", help="run pieces whose name starts so, such as cells/ours")
    parser.add_argument("--jobs", type=int, default=2, help="pieces at a time")
    parser.add_argument("--threads", type=int, default=1, help="threads of a piece")
    arguments = parser.parse_args()
    if arguments.list:
        print("\n".join(f"{'done   ' if path_of(piece).exists() else 'missing'} {piece.name}" for piece in PIECES))
    if arguments.work:
        chosen = [piece for piece in PIECES if piece.name.startswith(arguments.only)]
        run_missing(chosen, arguments.work.resolve(), arguments.jobs, arguments.threads)
    if arguments.report:
        print(report(json.loads(path.read_text()) for path in sorted(RESULTS.rglob("*.json"))))


def path_of(piece: Piece) -> Path:
    """Return where the result of a piece is kept."""
    return RESULTS / f"{piece.name}.json"


def run_missing(pieces: Iterable[Piece], work: Path, jobs: int, threads: int) -> None:
    """Run the pieces without a result, in their order, `jobs` at a time; each result is written when its piece ends."""
    prepare_sets(work)
    missing = [piece for piece in pieces if not path_of(piece).exists()]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context, max_tasks_per_child=1) as pool:
        running: dict[Future[dict[str, Any]], Piece] = {}
        for piece in missing:
            running[pool.submit(run_piece, piece, work, threads)] = piece
        while running:
            for ended in wait(running, return_when=FIRST_COMPLETED).done:
                _keep(running.pop(ended), ended.result() | {"jobs": jobs, "threads": threads})


def run_piece(piece: Piece, work: Path, threads: int) -> dict[str, Any]:
    """Return the result of one training."""
    started = time.perf_counter()
    measured = _reference(piece, work, threads) if piece.arm.plain_loop else _ours(piece, work, threads)
    return {
        "task": piece.arm.task,
        "arm": piece.arm.name,
        "seed": piece.seed,
        "options": list(piece.arm.options),
        **measured,
        "seconds": round(time.perf_counter() - started, 1),
        "versions": {library: version(library) for library in LIBRARIES},
    }


def _keep(piece: Piece, result: dict[str, Any]) -> None:
    path = path_of(piece)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    print(piece.name, {name: value for name, value in result.items() if name.endswith("Accuracy") or name == "seconds"})


def _reference(piece: Piece, work: Path, threads: int) -> dict[str, Any]:
    arm = piece.arm
    if arm.task == "modules":
        return _reference_detection(piece, work, threads)
    measured = reference_loop.train(
        work / arm.dataset, arm.concepts, work / "efficientnet_lite0.safetensors", arm.epochs, piece.seed, threads
    )
    return {
        "validationAccuracy": measured["valAccuracy"],
        "testAccuracy": measured["testAccuracy"],
        "recipe": reference_loop.RECIPE,
    }


def _reference_detection(piece: Piece, work: Path, threads: int) -> dict[str, Any]:
    arm, weights = piece.arm, work / "efficientnet_lite0.safetensors"
    measured = reference_detection.train(work / arm.dataset, weights, arm.epochs, piece.seed, threads)
    return {
        "validationMAP": measured["val"]["mAP"],
        "testMAP": measured["test"]["mAP"],
        "testMAP50": measured["test"]["mAP50"],
        "recipe": reference_detection.RECIPE,
    }


def _ours(piece: Piece, work: Path, threads: int) -> dict[str, Any]:
    folder = work / "published" / piece.name
    options = [*_base(piece.arm, work, threads), f"training.seed={piece.seed}", *piece.arm.options]
    settings = [word for option in options for word in ("--set", option)]
    tintype = Path(sys.executable).with_name("tintype")
    command = [tintype, "run", piece.arm.example, "--output", folder.as_uri(), *settings]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise RuntimeError(f"{piece.name} ended with exit code {ended.returncode}: {ended.stderr[-2000:]}")
    return _published(next(folder.glob("default/*")))


def _base(arm: Arm, work: Path, threads: int) -> Sequence[str]:
    return (
        f"dataset.uri={(work / arm.dataset).as_uri()}",
        f"training.initialWeights.uri={(work / 'efficientnet_lite0.safetensors').as_uri()}",
        f'compute.cpu="{threads}"',
    )


def _published(folder: Path) -> dict[str, Any]:
    manifest = read_manifest((folder / "manifest.json").read_bytes())
    assert manifest is not None, "tintype run has published it"
    files = {file.name: folder / file.path for file in manifest.files}
    evaluation = json.loads(files["evaluation.json"].read_bytes())
    found: dict[str, Any] = {"datasetDigest": manifest.dataset_digest, "bestEpoch": evaluation["best"]["epoch"]}
    for split, key in (("validation", "validation"), ("test", "test")):
        measures = evaluation[key]
        found[f"{split}Accuracy"] = measures["accuracy"]
        if measures.get("mAP") is not None:
            found[f"{split}MAP"] = measures["mAP"]
            found[f"{split}MAP50"] = measures.get("mAP50")
            found[f"{split}AveragePrecision"] = {one["name"]: one["averagePrecision"] for one in measures["perConcept"]}
    return found


if __name__ == "__main__":
    main()
