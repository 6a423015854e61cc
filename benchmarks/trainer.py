"""How fast the trainer feeds a network, beside a bare torch loop that has its tensors ready.

    python benchmarks/trainer.py --threads 2 > trainer.json

Both train efficientnet_lite0 on 300 x 300 grey pictures at 128 x 128, batches of 32, in turns in one process, so that
whatever else the machine does meets both; `ratio` is the median over the turns of trainer's by bare examples per
second. `cpuRatio` compares the CPU time of an example and is steady on a busy machine. `firstEpochRatio` is the same
with all pictures still to be decoded.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tintype_trainer.commands.run import OPENMP_WAITING

os.environ.setdefault(*OPENMP_WAITING)

import torch  # reads the variable when it is loaded
from PIL import Image
from torch.nn import functional

from tintype_api.catalogue import CATALOGUE, Optimizer
from tintype_api.spec import ModelVersionSpec
from tintype_api.spec.resizer import ImageResizer, ResizerType
from tintype_api.spec.training import OptimizerSettings
from tintype_trainer.datasets.dataset import Example, Split
from tintype_trainer.device import Device
from tintype_trainer.learners import Learner
from tintype_trainer.learners.making import make_learner
from tintype_trainer.loop.best import Selection
from tintype_trainer.loop.optimizers import build_optimizer
from tintype_trainer.loop.plan import plan
from tintype_trainer.loop.records import Ending, Epoch, Examples, Memory, Step
from tintype_trainer.loop.training import TrainingRun
from tintype_trainer.networks import build_classifier
from tintype_trainer.networks.weights import usual_normalisation
from tintype_trainer.pixels.batches import Loader
from tintype_trainer.pixels.picture_memory import PictureMemory
from tintype_trainer.pixels.samples import targets_of

ARCHITECTURE = CATALOGUE["efficientnet_lite0"]
CONCEPTS = ("even", "odd")
SIZE, BATCH, PICTURES, SIDE = 128, 32, 256, 300
RESIZER = ImageResizer(type=ResizerType.FIXED, width=SIZE, height=SIZE)
NORMALISATION = usual_normalisation(ARCHITECTURE)


@dataclass(frozen=True)
class Timing:
    """Seconds of one turn, by the clock and of the CPU."""

    wall_s: float
    cpu_s: float


class Silent:
    """An observer that is told and says nothing."""

    def begun(self, memory: Memory | None) -> None:
        """Ignore the beginning."""

    def step_done(self, step: Step) -> None:
        """Ignore a step."""

    def epoch_done(self, epoch: Epoch, selection: Selection) -> None:
        """Ignore an epoch."""

    def ended(self, ending: Ending) -> None:
        """Ignore the end."""

    def note(self, sentence: str) -> None:
        """Ignore a sentence."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Compares the trainer with a bare torch loop.")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--steps", type=int, default=8, help="steps of a turn")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    with tempfile.TemporaryDirectory() as folder:
        result = compare(_draw(Path(folder)), arguments.threads, arguments.turns, arguments.steps)
    json.dump(result, sys.stdout, indent=2)
    print()


def compare(paths: Sequence[Path], threads: int, turns: int, steps: int) -> dict[str, object]:
    """Return examples per second of both, and their ratios."""
    device = Device(torch.device("cpu"), bfloat16=False, threads=threads)
    torch.manual_seed(0)
    network = build_classifier(ARCHITECTURE, 2, (SIZE, SIZE)).to(memory_format=torch.channels_last)
    spec = _spec(PICTURES // BATCH)
    learner = make_learner(spec, network, device, NORMALISATION, [PICTURES // 2] * 2)
    memory = PictureMemory(paths, 1 << 30)
    targets = targets_of([_example(number) for number in range(len(paths))], CONCEPTS, detection=False)
    with Loader(memory, targets, RESIZER, threads) as loader:
        bare = _bare(network, steps)
        _timed(bare)
        cold = _timed(lambda: _trainer(learner, loader, spec))
        pairs = [(_timed(bare), _timed(lambda: _trainer(learner, loader, _spec(steps)))) for _ in range(turns)]
    bare_s = statistics.median(one.wall_s for one, _ in pairs)
    examples = steps * BATCH
    return {
        "architecture": ARCHITECTURE.name,
        "threads": threads,
        "load": round(os.getloadavg()[0], 1),
        "bareExamplesPerSecond": round(examples / bare_s, 1),
        "trainerExamplesPerSecond": round(examples / statistics.median(other.wall_s for _, other in pairs), 1),
        "ratio": round(statistics.median(one.wall_s / other.wall_s for one, other in pairs), 3),
        "cpuRatio": round(statistics.median(one.cpu_s / other.cpu_s for one, other in pairs), 3),
        "firstEpochRatio": round(bare_s / steps / (cold.wall_s / (PICTURES // BATCH)), 3),
    }


def _example(number: int) -> Example:
    return Example(str(number), "", Split.TRAIN, (CONCEPTS[number % 2],))


def _bare(network: torch.nn.Module, steps: int) -> Callable[[], None]:
    optimizer = build_optimizer(
        network, OptimizerSettings(type=Optimizer.MOMENTUM, learning_rate=0.01, weight_decay=0.0)
    )
    inputs = torch.randn(BATCH, 3, SIZE, SIZE).to(memory_format=torch.channels_last)
    labels = torch.arange(BATCH) % 2

    def run() -> None:
        network.train()
        for _ in range(steps):
            optimizer.zero_grad(set_to_none=True)
            torch.autograd.backward(functional.cross_entropy(network(inputs), labels))
            optimizer.step()

    return run


def _spec(steps: int) -> ModelVersionSpec:
    return ModelVersionSpec.model_validate(
        {
            "view": {"name": "parity", "type": "Classification"},
            "concepts": list(CONCEPTS),
            "dataset": {"uri": "file:///drawn/"},
            "output": {"uri": "file:///nowhere/"},
            "training": {
                "batchSize": BATCH,
                "iterations": steps,
                "optimizer": {"type": Optimizer.MOMENTUM, "learningRate": 0.01},
            },
            "augmentations": [{"type": "HorizontalFlip"}],
        }
    )


def _trainer(learner: Learner, loader: Loader, spec: ModelVersionSpec) -> None:
    planned = plan(PICTURES, spec.training)
    TrainingRun(
        learner, loader, Examples(range(PICTURES), [], []), planned, spec, Silent(), lambda: None, lambda _: None
    ).run()


def _timed(action: Callable[[], None]) -> Timing:
    wall, cpu = time.perf_counter(), time.process_time()
    action()
    return Timing(time.perf_counter() - wall, time.process_time() - cpu)


def _draw(folder: Path) -> list[Path]:
    random = np.random.default_rng(0)
    paths = [folder / f"{number}.png" for number in range(PICTURES)]
    ramp = np.linspace(0, 200, SIDE)
    for path in paths:
        Image.fromarray(
            (ramp + ramp[:, np.newaxis] / 2 + random.normal(0, 8, (SIDE, SIDE))).clip(0, 255).astype(np.uint8)
        ).save(path)
    return paths


if __name__ == "__main__":
    main()
