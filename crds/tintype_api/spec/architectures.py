"""The rules over `training.architecture`: its name, its view, its weights and its sizes, made from the catalogue."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from tintype_api.architecture import COCO, IMAGENET
from tintype_api.catalogue import CATALOGUE, DEFAULT_ARCHITECTURE, DEFAULT_DETECTOR, TIMM_PREFIX
from tintype_api.model import Rule
from tintype_api.spec.resizer import STEP
from tintype_api.spec.view import ViewType
from tintype_api.timm_names import TIMM_NAMES

if TYPE_CHECKING:
    from tintype_api.spec import ModelVersionSpec
    from tintype_api.spec.training import Training

_DETECTORS: Final = [name for name, entry in CATALOGUE.items() if entry.detector]
_TIMM: Final = frozenset(TIMM_NAMES)
_SMALLEST: Final = 32
_SEE_ALL: Final = "see all with `tintype architectures`"


def _families() -> dict[str, str]:
    """Return the catalogue's names by their first three letters, as the hint that a refusal gives."""
    prefixes = dict.fromkeys(name[:3] for name in CATALOGUE)
    return {
        prefix: f"nearest are {', '.join(name for name in CATALOGUE if name.startswith(prefix))}; "
        for prefix in prefixes
    }


def _unknown_cel() -> str:
    """Return the message as CEL; a chain of conditions, since the API server counts a filter's cost as too high."""
    chain = "".join(f"self.architecture.startsWith('{prefix}') ? '{hint}' : " for prefix, hint in _families().items())
    lead = '"training.architecture \'" + self.architecture + "\' is not in the catalogue; "'
    return f"{lead} + ({chain}'') + '{_SEE_ALL}'"


def _unknown(training: "Training") -> str:
    name = training.architecture or ""
    return f"training.architecture '{name}' is not in the catalogue; {_families().get(name[:3], '')}{_SEE_ALL}"


def _is_known(name: str | None) -> bool:
    return name is None or name in CATALOGUE or (name.startswith(TIMM_PREFIX) and name[len(TIMM_PREFIX) :] in _TIMM)


NAME_RULE: Final = Rule(
    cel=f"!has(self.architecture) || self.architecture in {list(CATALOGUE)} "
    f"|| (self.architecture.startsWith('{TIMM_PREFIX}') "
    f"&& self.architecture.substring({len(TIMM_PREFIX)}) in {list(TIMM_NAMES)})",
    holds=lambda training: _is_known(training.architecture),
    message=f"training.architecture is not in the catalogue; {_SEE_ALL}",
    message_cel=_unknown_cel(),
    explain=_unknown,
)


def _of_view(spec: "ModelVersionSpec") -> bool:
    name = spec.training.architecture
    return name is None or (name in _DETECTORS) == (spec.view.type == ViewType.DETECTION)


def _weights_rule(source: str, words: str) -> Rule:
    """Return the rule that a source of weights is one that the architecture has."""
    without = [name for name, entry in CATALOGUE.items() if source not in entry.weights]
    usual_has = f"self.view.type == 'Detection' || '{source}' != '{COCO}'"
    return Rule(
        cel="!has(self.training.initialWeights) || !has(self.training.initialWeights.source) "
        f"|| self.training.initialWeights.source != '{source}' "
        f"|| (has(self.training.architecture) ? !(self.training.architecture in {without}) : {usual_has})",
        holds=lambda spec: (
            spec.training.initial_weights is None
            or spec.training.initial_weights.source != source
            or _name(spec) not in without
        ),
        message=f"training.initialWeights.source: the architecture has no weights of {source}; {words}",
    )


def _name(spec: "ModelVersionSpec") -> str:
    usual = DEFAULT_DETECTOR if spec.view.type == ViewType.DETECTION else DEFAULT_ARCHITECTURE
    return spec.training.architecture or usual


def _smallest_cel() -> str:
    """Return the smallest size of the architecture as CEL."""
    name = (
        "(has(self.training.architecture) ? self.training.architecture "
        f": self.view.type == 'Detection' ? '{DEFAULT_DETECTOR}' : '{DEFAULT_ARCHITECTURE}')"
    )
    sizes = sorted({entry.minimum_size for entry in CATALOGUE.values()} - {_SMALLEST}, reverse=True)
    chain = "".join(f"{name} in {_with_smallest(size)} ? {size} : " for size in sizes)
    return f"({chain}{_SMALLEST})"


def _with_smallest(size: int) -> list[str]:
    return [name for name, entry in CATALOGUE.items() if entry.minimum_size == size]


def _smallest(spec: "ModelVersionSpec") -> int:
    entry = CATALOGUE.get(_name(spec))
    return entry.minimum_size if entry else _SMALLEST


def _sides(spec: "ModelVersionSpec") -> list[int]:
    resizer = spec.image_resizer
    sides = (resizer.width, resizer.height, resizer.max_dimension) if resizer else ()
    return [side for side in sides if side is not None]


def _each_side(rule: Callable[[str], str]) -> str:
    fields = ("width", "height", "maxDimension")
    checks = [f"(!has(self.imageResizer.{field}) || {rule(f'self.imageResizer.{field}')})" for field in fields]
    return f"!has(self.imageResizer) || ({' && '.join(checks)})"


def _own_sizes_cel(side: str) -> str:
    """Return whether a side is the own size of an architecture whose size is no multiple of 16, as CEL."""
    odd = {entry.input_size for entry in CATALOGUE.values() if entry.input_size % STEP}
    checks = [f"({side} == {size} && self.training.architecture in {_of_size(size)})" for size in sorted(odd)]
    named = " || ".join([*checks, f"self.training.architecture.startsWith('{TIMM_PREFIX}')"])
    return f"has(self.training.architecture) && ({named})"


def _of_size(size: int) -> list[str]:
    return [name for name, entry in CATALOGUE.items() if entry.input_size == size]


def _in_steps(spec: "ModelVersionSpec") -> bool:
    entry = CATALOGUE.get(_name(spec))
    return all(side % STEP == 0 or entry is None or side == entry.input_size for side in _sides(spec))


RULES: Final = (
    Rule(
        cel="!has(self.training.architecture) "
        f"|| (self.training.architecture in {_DETECTORS}) == (self.view.type == 'Detection')",
        holds=_of_view,
        message="training.architecture: detectors are for Detection, and the others for Classification and Tagging; "
        "choose one for this view with `tintype architectures`",
    ),
    _weights_rule(COCO, "choose ImageNet, Random, a uri or a modelVersion"),
    _weights_rule(IMAGENET, "choose COCO, Random, a uri or a modelVersion"),
    Rule(
        cel=_each_side(lambda side: f"{side} >= {_smallest_cel()}"),
        holds=lambda spec: all(side >= _smallest(spec) for side in _sides(spec)),
        message="imageResizer: the size is too small for the architecture; make it larger, "
        "`tintype architectures --json` says how large it must be",
        explain=lambda spec: (
            f"imageResizer: {min(_sides(spec))} pixels are too few for {_name(spec)}; "
            f"give it at least {_smallest(spec)}"
        ),
    ),
    Rule(
        cel=_each_side(lambda side: f"{side} % {STEP} == 0 || ({_own_sizes_cel(side)})"),
        holds=_in_steps,
        message=f"imageResizer: sizes come in steps of {STEP} pixels, or are exactly the architecture's own; "
        "choose one of these",
    ),
)
