"""Networks: the catalogue's builders of torchvision, timm and transformers, without any download."""

from tintype_trainer.networks.classifiers import build_classifier
from tintype_trainer.networks.detector import Detections, Detector, DetectorTarget
from tintype_trainer.networks.heads import HeadLayer
from tintype_trainer.networks.parts import backbone_parameters, head_layers

__all__ = [
    "Detections",
    "Detector",
    "DetectorTarget",
    "HeadLayer",
    "backbone_parameters",
    "build_classifier",
    "head_layers",
]
