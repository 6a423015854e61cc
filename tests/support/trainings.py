"""Small trainings on scikit-learn's digits, for each kind of view."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional

from tintype_api.catalogue import Optimizer
from tintype_api.modelversion import Metadata, ModelVersion, resolve
from tintype_api.spec import ModelVersionSpec
from tintype_api.spec.resizer import ImageResizer, ResizerType
from tintype_api.spec.view import ViewType
from tintype_trainer.datasets.dataset import Box, Example, Split
from tintype_trainer.device import Device
from tintype_trainer.learners import Learner
from tintype_trainer.learners.detection import DetectionLearner
from tintype_trainer.learners.scores import ScoreLearner
from tintype_trainer.loop.best import Selection
from tintype_trainer.loop.losses import concept_weights, make_loss
from tintype_trainer.loop.plan import plan
from tintype_trainer.loop.records import Ending, Epoch, Examples, Memory, Step, Trained
from tintype_trainer.loop.snapshot import Snapshot
from tintype_trainer.loop.training import TrainingRun
from tintype_trainer.networks import Detections, Detector, DetectorTarget
from tintype_trainer.networks.heads import HeadLayer
from tintype_trainer.networks.weights import Normalisation
from tintype_trainer.pixels.batches import Loader
from tintype_trainer.pixels.picture_memory import PictureMemory
from tintype_trainer.pixels.samples import targets_of
from tintype_trainer.processes.group import ALONE, Group
from tintype_trainer.stopping import StopRequest

CPU = Device(torch.device("cpu"), bfloat16=False, threads=1)
HALF = Normalisation((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
RESIZER = ImageResizer(type=ResizerType.FIXED, width=32, height=32)
DIGITS = tuple(str(digit) for digit in range(10))


class Recorder:
    """An observer that keeps all that it is told."""

    def __init__(self) -> None:
        self.memory: Memory | None = None
        self.steps: list[Step] = []
        self.epochs: list[tuple[Epoch, Selection]] = []
        self.notes: list[str] = []
        self.endings: list[Ending] = []

    @property
    def losses(self) -> list[float]:
        """The loss of each step."""
        return [step.loss for step in self.steps]

    def begun(self, memory: Memory | None) -> None:
        """Keep what was trained before."""
        self.memory = memory

    def step_done(self, step: Step) -> None:
        """Keep the step."""
        self.steps.append(step)

    def epoch_done(self, epoch: Epoch, selection: Selection) -> None:
        """Keep the epoch."""
        self.epochs.append((epoch, selection))

    def ended(self, ending: Ending) -> None:
        """Keep the ending."""
        self.endings.append(ending)

    def note(self, sentence: str) -> None:
        """Keep the sentence."""
        self.notes.append(sentence)


def training_spec(
    optimizer: Optimizer,
    rate: float,
    training: Mapping[str, Any] | None = None,
    *,
    view: ViewType = ViewType.CLASSIFICATION,
    augmentations: Sequence[Mapping[str, Any]] = (),
) -> ModelVersionSpec:
    """Return the resolved spec of batches of 8 with this optimizer and these options of training, in its own words."""
    settings = {"type": optimizer, "learningRate": rate, **(training or {}).get("optimizer", {})}
    document = {
        "view": {"name": "digit", "type": view},
        "concepts": list(DIGITS),
        "dataset": {"uri": "file:///digits/"},
        "output": {"uri": "file:///models"},
        "training": {"batchSize": 8, "seed": 3, **(training or {}), "optimizer": settings},
        "augmentations": [dict(each) for each in augmentations],
    }
    version = ModelVersion(metadata=Metadata(name="digits"), spec=ModelVersionSpec.model_validate(document))
    return resolve(version).spec


def make_learner(network: nn.Module, spec: ModelVersionSpec, device: Device = CPU) -> Learner:
    """Return the learner of a spec's view."""
    if isinstance(network, Detector):
        return DetectionLearner(network, device, HALF, spec.concepts)
    options = spec.training
    weights_K = torch.tensor(concept_weights(options.loss, spec.concepts, [1] * len(spec.concepts)))
    losses = [make_loss(spec.view.type, options.loss, share, weights_K) for share in (options.label_smoothing, 0.0)]
    return ScoreLearner(network, device, HALF, spec.view.type, spec.concepts, losses[0], losses[1])


class Digits:
    """Pictures of digits of 8 x 8 pixels, annotated for each kind of view.

    Classification: the digit. Tagging: the digit, and also its neighbour where it is even. Detection: the box of what
    is drawn, which has the digit as its concept.
    """

    def __init__(self, folder: Path, count: int) -> None:
        digits = load_digits()
        self.labels: list[int] = digits.target[:count].tolist()
        self.pixels = (digits.images[:count] * 15).astype(np.uint8)
        self.paths = [folder / f"{number}.png" for number in range(count)]
        for path, image in zip(self.paths, self.pixels, strict=True):
            Image.fromarray(image).save(path)

    def examples(self, view: ViewType) -> list[Example]:
        """Return the examples of a view."""
        return [self._example(number, view) for number in range(len(self.labels))]

    def loader(self, view: ViewType, budget_bytes: int = 1 << 30) -> Loader:
        """Return a loader of all examples."""
        targets = targets_of(self.examples(view), DIGITS, detection=view is ViewType.DETECTION)
        return Loader(PictureMemory(self.paths, budget_bytes), targets, RESIZER, 2)

    def train(
        self,
        network: nn.Module,
        spec: ModelVersionSpec,
        examples: Examples,
        *,
        recorder: Recorder | None = None,
        learner: Learner | None = None,
        budget_bytes: int = 1 << 30,
        check: Callable[[], None] = lambda: None,
        save: Callable[[Snapshot], None] = lambda _: None,
        resumed: Snapshot | None = None,
        stop: StopRequest | None = None,
        group: Group = ALONE,
        clock: Callable[[], float] | None = None,
    ) -> Trained:
        """Train the network, or the learner, by a spec."""
        planned = plan(len(examples.train), spec.training, group.size)
        timed = {} if clock is None else {"clock": clock}
        with self.loader(spec.view.type, budget_bytes) as loader:
            run = TrainingRun(
                learner or make_learner(network, spec),
                loader,
                examples,
                planned,
                spec,
                recorder or Recorder(),
                check,
                save,
                resumed=resumed,
                stop=stop,
                group=group,
                **timed,
            )
            return run.run()

    def inputs(self, count: int) -> Tensor:
        """Return the first pictures as a network sees them, (N, 3, 32, 32), made by torch alone."""
        grey = torch.tensor(self.pixels[:count]).unsqueeze(1)
        images = functional.interpolate(grey.expand(-1, 3, -1, -1), (32, 32), mode="bilinear", antialias=True)
        return (images.float() / 255 - 0.5) / 0.5

    def _example(self, number: int, view: ViewType) -> Example:
        label = self.labels[number]
        concepts: tuple[str, ...] = (DIGITS[label],)
        boxes: tuple[Box, ...] = ()
        if view is ViewType.TAGGING and label % 2 == 0:
            concepts = (DIGITS[label], DIGITS[label + 1])
        if view is ViewType.DETECTION:
            boxes = (Box(DIGITS[label], *self._drawn(number)),)
        return Example(str(number), "", Split.TRAIN, concepts, boxes)

    def _drawn(self, number: int) -> tuple[float, float, float, float]:
        rows, columns = np.nonzero(self.pixels[number] > 60)
        return columns.min() / 8, rows.min() / 8, (columns.max() + 1) / 8, (rows.max() + 1) / 8


def small_network(seed: int = 0, *, batch_norm: bool = True) -> nn.Sequential:
    """Return a network for ten concepts and 32 x 32 pixels that takes milliseconds a step."""
    torch.manual_seed(seed)
    norm = [nn.BatchNorm2d(16)] if batch_norm else []
    return nn.Sequential(nn.Conv2d(3, 16, 5, stride=4), *norm, nn.ReLU(), nn.Flatten(), nn.Linear(16 * 49, 10))


class OneBox(Detector):
    """A detector that says of each image: there is one box, here, of this concept; it is trained on the first."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.features = nn.Sequential(nn.Conv2d(3, 16, 5, stride=4), nn.BatchNorm2d(16), nn.ReLU(), nn.Flatten())
        self.place = nn.Linear(16 * 49, 4)
        self.label = nn.Linear(16 * 49, 10)

    def losses(self, images_B3HW: Tensor, targets: Sequence[DetectorTarget]) -> Tensor:
        """Return the distance of the boxes in sides of the image, and the cross-entropy of the labels."""
        boxes_B4, logits_BK = self._see(images_B3HW)
        first_B4 = torch.stack([target.boxes_N4[0] for target in targets]) / 32
        labels_B = torch.stack([target.labels_N[0] for target in targets])
        return functional.l1_loss(boxes_B4, first_B4) + functional.cross_entropy(logits_BK, labels_B)

    def losses_and_detections(
        self, images_B3HW: Tensor, targets: Sequence[DetectorTarget]
    ) -> tuple[Tensor, list[Detections]]:
        """Return both."""
        return self.losses(images_B3HW, targets), self.detections(images_B3HW)

    def detections(self, images_B3HW: Tensor) -> list[Detections]:
        """Return one detection of each image."""
        boxes_B4, logits_BK = self._see(images_B3HW)
        scores_B, labels_B = logits_BK.softmax(dim=1).max(dim=1)
        return [
            Detections(box_4[None] * 32, score[None], label[None])
            for box_4, score, label in zip(boxes_B4, scores_B, labels_B, strict=True)
        ]

    def body(self) -> nn.Module:
        """Return the features."""
        return self.features

    def head_layers(self) -> tuple[HeadLayer, ...]:
        """Return the layer of labels."""
        return (HeadLayer("label"),)

    def _see(self, images_B3HW: Tensor) -> tuple[Tensor, Tensor]:
        features_BF = self.features(images_B3HW)
        return self.place(features_BF).sigmoid(), self.label(features_BF)
