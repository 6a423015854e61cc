"""How fast a data set of a million lines becomes examples, and how much memory they take.

    python benchmarks/dataset_reader.py --view Detection > reader.json

A file is written and read by `read_examples`, as a run does, in a process of its own. `linesPerSecond` is by the CPU
time of reading, selecting and, where `--fraction` is given, drawing a validation set. `jsonRatio` compares it with a
loop of `json.loads` over the same lines in the same process, which nothing that parses them can beat.
`bytesPerExample` is the growth of the process at its peak, divided by the examples.

`Classification` has one concept an image, `Detection` two boxes an image, and `Regions`, a child view of it, one
example for each box. `--format coco` writes such boxes as COCO json, one line for each image and each annotation.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tintype_api.modelversion import ModelVersion
from tintype_trainer.datasets.examples import read_examples
from tintype_trainer.storage import Store

CONCEPTS = ("functional", "defective", "broken")
KINDS = ("mono", "poly")
BOXES = 2
SIDE = 1000
VIEWS: dict[str, dict[str, Any]] = {
    "Classification": {"view": {"name": "condition", "type": "Classification"}, "concepts": list(CONCEPTS)},
    "Detection": {"view": {"name": "cells", "type": "Detection"}, "concepts": list(CONCEPTS)},
    "Regions": {
        "view": {"name": "kind", "type": "Classification", "parent": {"name": "cells", "type": "Detection"}},
        "concepts": list(KINDS),
    },
}
HEADER = {
    "name": "cells",
    "views": [
        {"name": "condition", "type": "Classification", "concepts": list(CONCEPTS)},
        {
            "name": "cells",
            "type": "Detection",
            "concepts": list(CONCEPTS),
            "children": [{"name": "kind", "type": "Classification", "concepts": list(KINDS)}],
        },
    ],
}


def drawn_box(rng: random.Random) -> tuple[float, float, float, float]:
    x0, y0 = rng.random() * 0.5, rng.random() * 0.5
    return x0, y0, x0 + 0.1 + rng.random() * 0.3, y0 + 0.1 + rng.random() * 0.3


def studio_lines(count: int, view: str) -> Iterator[str]:
    rng = random.Random(0)
    yield json.dumps(HEADER)
    for number in range(count):
        concepts = [
            [{"name": rng.choice(CONCEPTS), "bool": True}] for _ in range(1 if view == "Classification" else BOXES)
        ]
        annotations: list[dict[str, Any]] = [{"concepts": each} for each in concepts]
        if view != "Classification":
            for annotation in annotations:
                annotation["bbox"] = [round(share, 6) for share in drawn_box(rng)]
                annotation["concepts"].append({"name": rng.choice(KINDS), "bool": True})
        yield json.dumps({"data": {"file": f"images/2026/{number:08}.jpg"}, "annotations": annotations})


def coco_lines(count: int) -> Iterator[str]:
    rng = random.Random(0)
    names = [*CONCEPTS, *KINDS]
    categories = [{"id": number, "name": name} for number, name in enumerate(names)]
    first = {"id": 0, "file_name": "0.jpg", "width": SIDE, "height": SIDE}
    yield f'{{"categories": {json.dumps(categories)}, "images": [{json.dumps(first)}'
    for number in range(1, count + 1):
        size = {"width": SIDE, "height": SIDE}
        yield ", " + json.dumps({"id": number, "file_name": f"images/2026/{number:08}.jpg"} | size)
    yield '], "annotations": [{"id": 0, "image_id": 0, "category_id": 0, "bbox": [1, 1, 2, 2]}'
    for number in range(BOXES * count):
        x0, y0, x1, y1 = (round(SIDE * share, 2) for share in drawn_box(rng))
        fields = {"id": number + 1, "image_id": number // BOXES + 1, "category_id": rng.randrange(len(names))}
        polygon = [x0, y0, x1, y0, x1, y1, x0, y1]
        yield ", " + json.dumps(fields | {"bbox": [x0, y0, x1 - x0, y1 - y0], "segmentation": [polygon], "iscrowd": 0})
    yield "]}"


def write(path: Path, arguments: argparse.Namespace) -> int:
    """Write the file and return its lines."""
    texts = coco_lines(arguments.lines) if arguments.format == "coco" else studio_lines(arguments.lines, arguments.view)
    count = 0
    with path.open("w") as target:
        for text in texts:
            target.write(text + "\n")
            count += 1
    return count


def measure(path: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    spec = VIEWS[arguments.view] | {"dataset": {"uri": path.as_uri()}, "output": {"uri": "file:///nowhere"}}
    if arguments.format == "coco" and arguments.view == "Regions":
        spec["concepts"] = [*CONCEPTS, *KINDS]
    if arguments.fraction:
        spec["dataset"]["validation"] = {"fraction": arguments.fraction}
    document = {"apiVersion": "tintype.dev/v1alpha1", "kind": "ModelVersion", "metadata": {"name": "x"}, "spec": spec}
    version, store = ModelVersion.parse(document), Store.from_settings(environment={})
    before_bytes = peak_bytes()
    started_s = time.process_time()
    examples = read_examples(version, store).examples
    read_s = time.process_time() - started_s
    grown_bytes = peak_bytes() - before_bytes
    count = len(examples)
    del examples
    started_s = time.process_time()
    lines = 0
    for line in store.lines(path.as_uri()):
        lines += 1
        if arguments.format == "studio":
            json.loads(line)
    bare_s = time.process_time() - started_s
    result = {"view": arguments.view, "lines": lines, "examples": count, "linesPerSecond": round(lines / read_s)}
    if arguments.format == "studio":
        result["jsonRatio"] = round(read_s / bare_s, 2)
    return result | {"bytesPerExample": round(grown_bytes / count), "fileMegabytes": path.stat().st_size // 10**6}


def peak_bytes() -> int:
    """Return the peak of this program's memory; getrusage would count what the process was before it, too."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=1_000_000, help="images in the file (default: 1,000,000)")
    parser.add_argument("--view", choices=VIEWS, default="Classification")
    parser.add_argument("--format", choices=("studio", "coco"), default="studio")
    parser.add_argument("--fraction", type=float, help="draw a validation set as well")
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.file:
        print(json.dumps(measure(arguments.file, arguments)))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "data.json" if arguments.format == "coco" else "data.jsonl")
        write(path, arguments)
        # Writing has grown this process; the peak of a new one is of reading alone.
        command = [sys.executable, __file__, *sys.argv[1:], "--file", str(path)]
        subprocess.run(command, check=True, env=os.environ)


if __name__ == "__main__":
    main()
