"""A plain torch loop, written from torchvision's published recipe of classification, for `quality.py` to compare with.

Options are the defaults of torchvision's `references/classification/train.py` (v0.24): SGD with momentum 0.9, weight
decay 1e-4 and a learning rate of 0.1 for 8 GPUs of 32 examples each (here 0.1 * 32 / 256 for one batch of 32),
StepLR with gamma 0.1 every 30 of 90 epochs (here each third of the training), horizontal flips of probability 0.5, and
the last epoch's weights. Its crops of random size are left out: they cut the defects away, and cost it accuracy.
"""

import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import timm
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor, nn
from torchvision.transforms.v2.functional import pil_to_tensor, resize

BATCH, SIZE = 32, 128
RECIPE = {"optimizer": "SGD", "learningRate": 0.1 * BATCH / 256, "momentum": 0.9, "weightDecay": 1e-4, "gamma": 0.1}


def train(
    dataset: Path, concepts: Sequence[str], weights: Path, epochs: int, seed: int, threads: int
) -> dict[str, float]:
    """Train efficientnet_lite0 on a file of Studio JSON lines; return the last epoch's accuracies and the seconds."""
    torch.manual_seed(seed)
    torch.set_num_threads(threads)
    started = time.perf_counter()
    sets = {split: _read(dataset, split, concepts) for split in ("train", "val", "test")}
    network, normalise = _network(weights, len(concepts))
    images_N3HW, labels_N = sets["train"]
    optimizer = torch.optim.SGD(
        network.parameters(), RECIPE["learningRate"], RECIPE["momentum"], weight_decay=RECIPE["weightDecay"]
    )
    steps = -(-len(labels_N) // BATCH) * epochs
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, -(-steps // 3), RECIPE["gamma"])
    network.train()
    for _ in range(epochs):
        for picked_B in torch.randperm(len(labels_N)).split(BATCH):
            flips_B111 = (torch.rand(len(picked_B)) < 0.5)[:, None, None, None]
            inputs_B3HW = torch.where(flips_B111, images_N3HW[picked_B].flip(3), images_N3HW[picked_B])
            optimizer.zero_grad()
            nn.functional.cross_entropy(network(normalise(inputs_B3HW)), labels_N[picked_B]).backward()
            optimizer.step()
            schedule.step()
    scores = {f"{split}Accuracy": _accuracy(network, normalise, *sets[split]) for split in ("val", "test")}
    return {**scores, "seconds": time.perf_counter() - started}


def _network(weights: Path, outputs: int) -> tuple[nn.Module, nn.Module]:
    network = timm.create_model("tf_efficientnet_lite0", num_classes=outputs)
    body = {name: tensor for name, tensor in load_file(weights).items() if not name.startswith("classifier.")}
    network.load_state_dict(body, strict=False)
    with safe_open(weights, "pt") as file:
        mean_3, std_3 = (torch.tensor(json.loads(file.metadata()[name])) for name in ("mean", "std"))
    return network.to(memory_format=torch.channels_last), _Normalise(mean_3, std_3)


class _Normalise(nn.Module):
    def __init__(self, mean_3: Tensor, std_3: Tensor) -> None:
        super().__init__()
        self.mean_311, self.std_311 = mean_3[:, None, None], std_3[:, None, None]

    def forward(self, images_B3HW: Tensor) -> Tensor:
        return (images_B3HW / 255 - self.mean_311) / self.std_311


def _read(dataset: Path, split: str, concepts: Sequence[str]) -> tuple[Tensor, Tensor]:
    chosen = [line for line in _lines(dataset) if split in line["splits"]]
    pictures = [pil_to_tensor(Image.open(dataset.parent / line["data"]["file"]).convert("RGB")) for line in chosen]
    held = [[each["name"] for each in line["annotations"][0]["concepts"] if each["bool"]] for line in chosen]
    labels = [next(concepts.index(name) for name in names if name in concepts) for names in held]
    return torch.stack([resize(picture, [SIZE, SIZE], antialias=True) for picture in pictures]), torch.tensor(labels)


def _lines(dataset: Path) -> Iterator[dict]:
    yield from map(json.loads, dataset.read_text().splitlines()[1:])


@torch.inference_mode()
def _accuracy(network: nn.Module, normalise: nn.Module, images_N3HW: Tensor, labels_N: Tensor) -> float:
    network.eval()
    right = [network(normalise(batch)).argmax(1) for batch in images_N3HW.split(64)]
    return float((torch.cat(right) == labels_N).double().mean())
