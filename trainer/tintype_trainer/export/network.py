"""A network that was exported to ONNX, run by onnxruntime."""

from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from tintype_trainer.export.card import BOXES, INPUT, LABELS, LOGITS, SCORES
from tintype_trainer.networks.detector import Detections

_ERRORS_ONLY: Final = 3


class OnnxNetwork:
    """What torch's network is to a caller, from a file that tintype exported: it is called with the same images.

    Attributes:
        detects: Whether it answers with detections.
    """

    def __init__(self, path: Path, threads: int) -> None:
        """Load a file.

        Args:
            path: The file.
            threads: Threads of the CPU that one call may take.
        """
        from onnxruntime import InferenceSession, SessionOptions  # noqa: PLC0415  # where ONNX is not used, not imported

        options = SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = _ERRORS_ONLY
        self._session: Any = InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.detects = LOGITS not in {output.name for output in self._session.get_outputs()}

    def __call__(self, images_B3HW: Tensor) -> Tensor | list[Detections]:
        """Return logits (B, K) of a classifier, else the detections of each image.

        Args:
            images_B3HW: float32, normalised, on the CPU; of the size that was exported.
        """
        if self.detects:
            return [self._detections(images_B3HW[place : place + 1]) for place in range(len(images_B3HW))]
        (logits_BK,) = self._session.run([LOGITS], {INPUT: images_B3HW.numpy()})
        return torch.from_numpy(logits_BK)

    def _detections(self, image_13HW: Tensor) -> Detections:
        found = self._session.run([BOXES, SCORES, LABELS], {INPUT: image_13HW.numpy()})
        return Detections(*(torch.from_numpy(each) for each in found))
