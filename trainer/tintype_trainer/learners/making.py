"""From a spec and a network to its learner."""

from collections.abc import Sequence

import torch
from torch import nn

from tintype_api.spec import ModelVersionSpec
from tintype_api.spec.view import ViewType
from tintype_trainer.device import Device
from tintype_trainer.learners import Learner
from tintype_trainer.learners.detection import DetectionLearner
from tintype_trainer.learners.scores import ScoreLearner
from tintype_trainer.loop.losses import concept_weights, make_loss
from tintype_trainer.networks.detector import Detector
from tintype_trainer.networks.weights import Normalisation


def make_learner(
    spec: ModelVersionSpec, network: nn.Module, device: Device, normalisation: Normalisation, counts: Sequence[int]
) -> Learner:
    """Return the learner of a resolved spec's view.

    Args:
        spec: The resolved spec.
        network: A classifier with one output for each concept, or a `Detector`; on the device.
        device: Where it computes.
        normalisation: What its weights expect of the input.
        counts: Training examples that hold each concept, in the spec's order.
    """
    if spec.view.type is ViewType.DETECTION:
        assert isinstance(network, Detector), "a Detection view is trained by a detector"
        return DetectionLearner(network, device, normalisation, spec.concepts)
    settings = spec.training.loss
    weights_K = torch.tensor(concept_weights(settings, spec.concepts, counts), device=device.torch_device)
    return ScoreLearner(
        network=network,
        device=device,
        normalisation=normalisation,
        view_type=spec.view.type,
        concepts=spec.concepts,
        loss=make_loss(spec.view.type, settings, spec.training.label_smoothing, weights_K),
        validation_loss=make_loss(spec.view.type, settings, 0.0, weights_K),
    )
