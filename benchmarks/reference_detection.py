"""A plain torch loop of torchvision's own detector parts, for `quality.py` to compare Detection with.

The network is RetinaNet on EfficientNet-Lite0 with a pyramid of 128 channels, as the catalogue's
`retinanet_efficientnet_lite0`; its body starts from the same weights, its BatchNorm is frozen as torchvision's builders
do with pretrained weights. Options are those of torchvision's `references/detection` (v0.24) for RetinaNet: SGD with
momentum 0.9, weight decay 1e-4 and a learning rate of 0.01 for 16 images (here 0.005 for 8), times 0.1 after 16 and 22
of 26 epochs (here the same shares of the training), horizontal flips of probability 0.5, and the last epoch's weights.
"""

import json
import time
from pathlib import Path
from typing import Any

import timm
import torch
from PIL import Image
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor, nn
from torchvision.models.detection import RetinaNet
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.ops import FeaturePyramidNetwork
from torchvision.ops.feature_pyramid_network import LastLevelP6P7
from torchvision.transforms.v2.functional import pil_to_tensor

BATCH, SIZE, CHANNELS = 8, 320, 128
RECIPE = {"optimizer": "SGD", "learningRate": 0.005, "momentum": 0.9, "weightDecay": 1e-4, "gamma": 0.1}
Image_ = tuple[Tensor, dict[str, Tensor]]


def train(dataset: Path, weights: Path, epochs: int, seed: int, threads: int) -> dict[str, Any]:
    """Train on a file of Studio JSON lines with boxes; return the last epoch's COCO figures on val and test."""
    torch.manual_seed(seed)
    torch.set_num_threads(threads)
    started = time.perf_counter()
    sets = {split: _read(dataset, split) for split in ("train", "val", "test")}
    network = _network(weights)
    chosen = [parameter for parameter in network.parameters() if parameter.requires_grad]
    optimizer = torch.optim.SGD(chosen, RECIPE["learningRate"], RECIPE["momentum"], weight_decay=RECIPE["weightDecay"])
    steps = -(-len(sets["train"]) // BATCH) * epochs
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, [steps * 16 // 26, steps * 22 // 26], RECIPE["gamma"])
    for _ in range(epochs):
        network.train()
        for picked_B in torch.randperm(len(sets["train"])).split(BATCH):
            images, targets = zip(*(_maybe_flipped(sets["train"][index]) for index in picked_B), strict=True)
            optimizer.zero_grad()
            sum(network(list(images), list(targets)).values()).backward()
            optimizer.step()
            schedule.step()
    figures = {split: _evaluate(network, sets[split]) for split in ("val", "test")}
    return {**figures, "seconds": time.perf_counter() - started}


class _Backbone(nn.Module):
    def __init__(self, weights: Path) -> None:
        super().__init__()
        self.body = timm.create_model("tf_efficientnet_lite0", features_only=True, out_indices=(2, 3, 4))
        self.body.load_state_dict({k: v for k, v in load_file(weights).items() if k in self.body.state_dict()})
        more = LastLevelP6P7(CHANNELS, CHANNELS)
        self.fpn = FeaturePyramidNetwork(self.body.feature_info.channels(), CHANNELS, more)
        self.out_channels = CHANNELS

    def train(self, mode: bool = True) -> "_Backbone":
        super().train(mode)
        for module in self.body.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval().requires_grad_(False)
        return self

    def forward(self, images_B3HW: Tensor) -> dict[str, Tensor]:
        return self.fpn(dict(zip("012", self.body(images_B3HW), strict=True)))


def _network(weights: Path) -> RetinaNet:
    with safe_open(weights, "pt") as file:
        mean, std = (json.loads(file.metadata()[name]) for name in ("mean", "std"))
    sizes = tuple(tuple(int(size * 2 ** (third / 3)) for third in range(3)) for size in (32, 64, 128, 256, 512))
    anchors = AnchorGenerator(sizes, ((0.5, 1.0, 2.0),) * 5)
    options = {"min_size": SIZE * 3 // 4, "max_size": SIZE, "image_mean": mean, "image_std": std, "score_thresh": 1e-3}
    return RetinaNet(_Backbone(weights), 2, anchor_generator=anchors, detections_per_img=100, **options)


def _read(dataset: Path, split: str) -> list[Image_]:
    lines = [json.loads(line) for line in dataset.read_text().splitlines()[1:]]
    return [_image(dataset.parent, line) for line in lines if split in line["splits"]]


def _image(folder: Path, line: dict[str, Any]) -> Image_:
    image_3HW = pil_to_tensor(Image.open(folder / line["data"]["file"]).convert("RGB")) / 255
    height, width = image_3HW.shape[1:]
    boxes_N4 = torch.tensor([each["bbox"] for each in line["annotations"]]) * torch.tensor([width, height] * 2)
    named = [{concept["name"] for concept in each["concepts"]} for each in line["annotations"]]
    return image_3HW, {"boxes": boxes_N4, "labels": torch.tensor([int("defective" in names) for names in named])}


def _maybe_flipped(image: Image_) -> Image_:
    image_3HW, target = image
    if torch.rand(()) < 0.5:
        return image
    x0, y0, x1, y1 = target["boxes"].unbind(1)
    width = image_3HW.shape[2]
    return image_3HW.flip(2), target | {"boxes": torch.stack([width - x1, y0, width - x0, y1], 1)}


@torch.inference_mode()
def _evaluate(network: nn.Module, images: list[Image_]) -> dict[str, float]:
    network.eval()
    truth = COCO()
    truth.dataset = {"images": [{"id": i} for i in range(len(images))], "categories": [{"id": 0}, {"id": 1}]}
    truth.dataset["annotations"] = [
        one | {"id": number, "iscrowd": 0, "area": one["bbox"][2] * one["bbox"][3]}
        for number, one in enumerate((one for i, (_, target) in enumerate(images) for one in _coco(i, target)), 1)
    ]
    truth.createIndex()
    found = [one for i, (image_3HW, _) in enumerate(images) for one in _coco(i, network([image_3HW])[0])]
    evaluation = COCOeval(truth, truth.loadRes(found), "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return {"mAP": float(evaluation.stats[0]), "mAP50": float(evaluation.stats[1])}


def _coco(image: int, boxes: dict[str, Tensor]) -> list[dict[str, Any]]:
    scores = boxes.get("scores", torch.ones(len(boxes["boxes"])))
    corners = zip(boxes["boxes"].tolist(), boxes["labels"].tolist(), scores.tolist(), strict=True)
    return [
        {"image_id": image, "category_id": label, "score": score, "bbox": [x0, y0, x1 - x0, y1 - y0]}
        for (x0, y0, x1, y1), label, score in corners
    ]
