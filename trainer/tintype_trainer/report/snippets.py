"""How to train the version again, and how to use it: texts to copy. Pure."""

import shlex
from collections.abc import Iterator
from typing import Any, Final

import yaml

from tintype_api.constants import NAME_MAX_LENGTH
from tintype_api.spec.view import ViewType
from tintype_trainer.report.document import Snippet
from tintype_trainer.report.sources import Sources

AGAIN: Final = "-again"
OF_ITS_PLACE: Final = ("runPolicy", "podTemplate", "storage")
"""Parts of the spec that say where a version runs, not what is trained."""
ONNX_OF_SCORES: Final = """\
import json, numpy as np, onnxruntime
from PIL import Image

card = json.load(open("model.json"))
size = card["input"]["width"], card["input"]["height"]
image = Image.open("picture.png").convert("RGB").resize(size, Image.BILINEAR)  # where the resizer is Fixed
pixels = (np.asarray(image, np.float32) / 255 - card["input"]["mean"]) / card["input"]["std"]
session = onnxruntime.InferenceSession("model.onnx")
(logits,) = session.run(None, {"images": pixels.transpose(2, 0, 1)[None].astype(np.float32)})
print(dict(zip(card["concepts"], logits[0].tolist())))
"""
ONNX_OF_BOXES: Final = ONNX_OF_SCORES.replace("(logits,) =", "boxes, scores, labels =").replace(
    'print(dict(zip(card["concepts"], logits[0].tolist())))',
    'print([(card["concepts"][k], s, b) for b, s, k in zip(boxes.tolist(), scores.tolist(), labels.tolist())])',
)


def snippets_of(sources: Sources) -> tuple[Snippet, ...]:
    """Return what can be copied, in the order in which it is wanted."""
    return tuple(_snippets(sources))


def _snippets(sources: Sources) -> Iterator[Snippet]:
    place = shlex.quote(sources.uri.removeprefix("file://"))
    yield Snippet(
        title="Ask it about pictures",
        note="One JSON line for each picture, decided at the version's thresholds.",
        text=f"tintype predict {place} picture.png",
    )
    yield _onnx(sources)
    yield Snippet(
        title="Measure it on other data",
        note="Any data set that dataset.uri takes, at the version's own thresholds.",
        text=f"tintype evaluate {place} DATASET",
    )
    yield from _in_a_cluster(sources)
    name = _again(sources)["metadata"]["name"]
    yield Snippet(
        title="Train it again",
        note=f"With the file below as {name}.yaml. The same processor, number of threads and versions of the libraries "
        "give the same weights; where they differ, figures differ in the last digits, and more so on a GPU.",
        text=f"tintype run {name}.yaml --output /tmp/again\nkubectl apply -f {name}.yaml    # in a cluster",
    )
    yield Snippet(
        title=f"{name}.yaml",
        note="Every option, the defaults among them, so that it means the same to a later tintype; without runPolicy, "
        "podTemplate and storage, which belong to the place where it ran.",
        text=yaml.safe_dump(_again(sources), sort_keys=False, allow_unicode=True, width=100),
    )


def _onnx(sources: Sources) -> Snippet:
    if not sources.onnx:
        return Snippet(
            title="Have it as ONNX",
            note="This version has no model.onnx: output.formats asks for it.",
            text="spec:\n  output: {formats: [ONNX]}",
        )
    detection = sources.version.spec.view.type is ViewType.DETECTION
    return Snippet(
        title="Use it as ONNX, without tintype",
        note="In the folder that holds model.onnx and model.json.",
        text=ONNX_OF_BOXES if detection else ONNX_OF_SCORES,
    )


def _in_a_cluster(sources: Sources) -> Iterator[Snippet]:
    metadata = sources.version.metadata
    if metadata.uid is None:
        return
    yield Snippet(
        title="Find it in the cluster",
        note="Its status has the same figures, and why it ended.",
        text=f"kubectl get mv {metadata.name} --namespace {metadata.namespace} --output wide\n"
        f"kubectl describe mv {metadata.name} --namespace {metadata.namespace}",
    )


def _again(sources: Sources) -> dict[str, Any]:
    document = sources.version.to_wire()
    name = document["metadata"]["name"][: NAME_MAX_LENGTH - len(AGAIN)].rstrip("-") + AGAIN
    document["metadata"] = {"name": name, "namespace": document["metadata"]["namespace"]}
    for part in OF_ITS_PLACE:
        document["spec"].pop(part, None)
    return document
