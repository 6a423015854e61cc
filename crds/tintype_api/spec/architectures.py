"""The rules over `training.architecture`: its name and view, and what goes with its weights, size and defaults.

They are made from the catalogue. Where the spec names no architecture, they hold for the view type's own.
"""

from collections.abc import Callable
from math import lcm
from typing import TYPE_CHECKING, Final

from tintype_api.architecture import ADAM_FAMILY, COCO, IMAGENET, Architecture, Optimizer
from tintype_api.catalogue import CATALOGUE, DEFAULT_ARCHITECTURE, DEFAULT_DETECTOR, TIMM_PREFIX, architecture
from tintype_api.model import Rule
from tintype_api.spec.resizer import STEP
from tintype_api.spec.view import ViewType
from tintype_api.timm_names import TIMM_NAMES, TIMM_SIZES, TIMM_WITHOUT_WEIGHTS
from tintype_api.timm_strides import STRIDE_PATTERNS

if TYPE_CHECKING:
    from tintype_api.spec import ModelVersionSpec
    from tintype_api.spec.training import Training

_TIMM: Final = frozenset(TIMM_NAMES)
_TIMM_WITHOUT: Final = [TIMM_PREFIX + name for name in TIMM_NAMES if name in TIMM_WITHOUT_WEIGHTS]
_OF_TIMM: Final = architecture(TIMM_PREFIX + TIMM_NAMES[0])
"""Has the numbers that all of timm's have."""
_SEE_ALL: Final = "see all with `tintype architectures`"
_NAME: Final = (
    "(has(self.training.architecture) ? self.training.architecture "
    f": self.view.type == 'Detection' ? '{DEFAULT_DETECTOR}' : '{DEFAULT_ARCHITECTURE}')"
)
"""The architecture of a spec as CEL."""


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


def architecture_name(training: "Training", view_type: ViewType) -> str:
    """Return the architecture that a training names, or else the view type's own."""
    usual = DEFAULT_DETECTOR if view_type is ViewType.DETECTION else DEFAULT_ARCHITECTURE
    return training.architecture or usual


def _name(spec: "ModelVersionSpec") -> str:
    return architecture_name(spec.training, spec.view.type)


def _entry(spec: "ModelVersionSpec") -> Architecture:
    return architecture(_name(spec))


def _names(holds: Callable[[Architecture], bool]) -> list[str]:
    """Return the names of the catalogue, but not those of timm, for which something holds."""
    return [name for name, entry in CATALOGUE.items() if holds(entry)]


def _number_cel(number: Callable[[Architecture], int], usual: int) -> str:
    """Return a number of the architecture as CEL: a chain of conditions; `usual` is that of timm's."""
    names: dict[int, list[str]] = {}
    for name, entry in CATALOGUE.items():
        names.setdefault(number(entry), []).append(name)
    chain = "".join(f"{_NAME} in {names[value]} ? {value} : " for value in sorted(names.keys() - {usual}))
    return f"({chain}{usual})"


def _weights_rule(source: str, without: str, words: str) -> Rule:
    """Return the rule that a source of weights is one that the architecture has.

    Args:
        source: ImageNet or COCO.
        without: Whether the architecture has none of them, as CEL.
        words: What else to choose.
    """
    return Rule(
        cel="!has(self.training.initialWeights) || !has(self.training.initialWeights.source) "
        f"|| self.training.initialWeights.source != '{source}' || !({without})",
        holds=lambda spec: (
            spec.training.initial_weights is None
            or spec.training.initial_weights.source != source
            or source in _entry(spec).weights
        ),
        message=f"training.initialWeights.source: the architecture has no weights of {source}; {words}",
    )


def _sides(spec: "ModelVersionSpec") -> list[int]:
    resizer = spec.image_resizer
    sides = (resizer.width, resizer.height, resizer.max_dimension) if resizer else ()
    return [side for side in sides if side is not None]


def _each_side(rule: Callable[[str], str]) -> str:
    fields = ("width", "height", "maxDimension")
    checks = [f"(!has(self.imageResizer.{field}) || {rule(f'self.imageResizer.{field}')})" for field in fields]
    return f"!has(self.imageResizer) || ({' && '.join(checks)})"


def _own_size_cel(side: str) -> str:
    """Return whether a side is the own size of an architecture whose size is no multiple of 16, as CEL."""
    sizes = {name: entry.input_size for name, entry in CATALOGUE.items()}
    sizes |= {TIMM_PREFIX + name: size for name, size in TIMM_SIZES.items()}
    odd = sorted({size for size in sizes.values() if size % STEP})
    checks = (f"{side} == {size} && {_NAME} in {[name for name, own in sizes.items() if own == size]}" for size in odd)
    return " || ".join(f"({check})" for check in checks)


def _stride_cel() -> str:
    """Return the number that sides must be multiples of as CEL; timm's by patterns, which are shorter than names."""
    chain = "".join(f"{_NAME}.matches('{pattern}') ? {stride} : " for stride, pattern in STRIDE_PATTERNS.items())
    return f"({chain}{_number_cel(lambda entry: entry.stride, 1)})"


def _is_one_cycle(spec: "ModelVersionSpec") -> bool:
    """Return whether the schedule is Auto, and so a one-cycle."""
    optimizer = spec.training.optimizer.type or _entry(spec).optimizer
    return spec.training.schedule.type == "Auto" and optimizer in ADAM_FAMILY


def _optimizer_in_adam_family_cel() -> str:
    """Return whether the optimizer, or the architecture's own where none is named, is of the Adam family, as CEL."""
    own = _names(lambda entry: entry.optimizer in ADAM_FAMILY)
    named = [optimizer.value for optimizer in Optimizer if optimizer in ADAM_FAMILY]
    return f"(has(self.training.optimizer.type) ? self.training.optimizer.type in {named} : {_NAME} in {own})"


def _accumulation_fits(spec: "ModelVersionSpec") -> bool:
    return isinstance(spec.training.batch_size, int) or spec.training.accumulation <= _entry(spec).batch_size


RULES: Final = (
    Rule(
        cel="!has(self.training.architecture) || (self.training.architecture "
        f"in {_names(lambda entry: entry.detector)}) == (self.view.type == 'Detection')",
        holds=lambda spec: _entry(spec).detector == (spec.view.type == ViewType.DETECTION),
        message="training.architecture: detectors are for Detection, and the others for Classification and Tagging; "
        "choose one for this view with `tintype architectures`",
    ),
    _weights_rule(
        COCO,
        f"!({_NAME} in {_names(lambda entry: COCO in entry.weights)})",
        "choose ImageNet, Random, a uri or a modelVersion",
    ),
    _weights_rule(
        IMAGENET,
        f"{_NAME} in {_names(lambda entry: IMAGENET not in entry.weights) + _TIMM_WITHOUT}",
        "choose COCO, Random, a uri or a modelVersion",
    ),
    Rule(
        cel=_each_side(
            lambda side: f"{side} >= {_number_cel(lambda entry: entry.minimum_size, _OF_TIMM.minimum_size)}"
        ),
        holds=lambda spec: all(side >= _entry(spec).minimum_size for side in _sides(spec)),
        message="imageResizer: the size is too small for the architecture; make it larger, "
        "`tintype architectures --json` says how large it must be",
        explain=lambda spec: (
            f"imageResizer: {min(_sides(spec))} pixels are too few for {_name(spec)}; "
            f"give it at least {_entry(spec).minimum_size}"
        ),
    ),
    Rule(
        cel=_each_side(lambda side: f"{side} % {STEP} == 0 || {_own_size_cel(side)}"),
        holds=lambda spec: all(side % STEP == 0 or side == _entry(spec).input_size for side in _sides(spec)),
        message=f"imageResizer: sizes come in steps of {STEP} pixels, or are exactly the architecture's own; "
        "choose one of these",
    ),
    Rule(
        cel=_each_side(lambda side: f"{side} % {_stride_cel()} == 0"),
        holds=lambda spec: all(side % _entry(spec).stride == 0 for side in _sides(spec)),
        message="imageResizer: the architecture sees pictures in larger steps; choose its own size, or multiples of 32 "
        f"pixels, of {lcm(STEP, 14)} where its name says 14 or deepseek",
        explain=lambda spec: (
            f"imageResizer: sizes for {_name(spec)} must be multiples of {lcm(STEP, _entry(spec).stride)} pixels, or "
            f"its own {_entry(spec).input_size}; choose one"
        ),
    ),
    Rule(
        cel="self.training.accumulation == 1 || (has(self.training.batchSize) && type(self.training.batchSize) == int) "
        f"|| self.training.accumulation <= {_number_cel(lambda entry: entry.batch_size, _OF_TIMM.batch_size)}",
        holds=_accumulation_fits,
        message="training.accumulation: the architecture's own batch cannot be cut into more parts than it has "
        "examples; lower it, or give training.batchSize",
    ),
    Rule(
        cel="self.training.schedule.warmupSteps == 0 || self.training.schedule.type != 'Auto' "
        f"|| !{_optimizer_in_adam_family_cel()}",
        holds=lambda spec: not _is_one_cycle(spec) or spec.training.schedule.warmup_steps == 0,
        message="training.schedule: Auto is a one-cycle for the Adam family, which has a rise of its own; "
        "remove warmupSteps or choose another type",
    ),
)
