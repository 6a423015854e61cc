"""Fits tensors to a network: all of them, all but the head, the head by concepts, or a detector's body alone."""

from collections.abc import Mapping, Sequence
from typing import Final

from torch import Tensor, nn

from tintype_api.errors import UserError, invalid_spec
from tintype_trainer.networks import Detector, head_layers
from tintype_trainer.networks.naming import COUNTER, as_built

NAMED_KEYS: Final = 5


def fit(network: nn.Module, tensors: Mapping[str, Tensor], where: str, *, other_concepts: bool = False) -> str:
    """Load tensors of the network's own names into it; a head of another shape keeps its drawn weights.

    A detector also takes the weights of the classifier that its body is of.

    Args:
        network: Changed in place.
        tensors: By the library's names.
        where: The option and the file, for sentences.
        other_concepts: Whether the head is for others, even where its shape happens to be the network's.

    Returns:
        What became of the head: "loaded" or "drawn".

    Raises:
        UserError: exit 64 naming the first five tensors that do not fit.
    """
    if isinstance(network, Detector) and _is_of_body(network, tensors):
        _fit_body(network, tensors, where)
        return "drawn"
    given = as_built(network, tensors)
    own = network.state_dict()
    prefix = tuple(f"{layer.name}." for layer in head_layers(network))
    misshapen = (key in given and given[key].shape != own[key].shape for key in own if key.startswith(prefix))
    head_drawn = other_concepts or any(misshapen)
    kept = {key: own[key] for key in given if head_drawn and key.startswith(prefix) and key in own}
    wanted = {**given, **kept}
    _check(own, wanted, where)
    network.load_state_dict(wanted)
    return "drawn" if head_drawn else "loaded"


def fit_concepts(
    network: nn.Module, tensors: Mapping[str, Tensor], own: Sequence[str], theirs: Sequence[str], where: str
) -> tuple[str, ...]:
    """Load the weights of another version, and of its head what belongs to the concepts that both have.

    Args:
        network: Changed in place.
        tensors: Of the other version.
        own: The network's concepts.
        theirs: The other version's concepts.
        where: The option and the file, for sentences.

    Returns:
        The concepts whose part of the head was kept, in the network's order.

    Raises:
        UserError: exit 64 naming the first five tensors that do not fit.
    """
    rows = {own.index(concept): theirs.index(concept) for concept in own if concept in theirs}
    state = network.state_dict()
    heads = {}
    for layer in head_layers(network):
        for key in (f"{layer.name}.weight", f"{layer.name}.bias"):
            if key in state and key in tensors:
                heads[key] = layer.keep(state[key], tensors[key], rows)
    fit(network, {**tensors, **heads}, where)
    return tuple(concept for concept in own if concept in theirs)


def _is_of_body(detector: Detector, tensors: Mapping[str, Tensor]) -> bool:
    return not any(key in tensors for key in detector.state_dict()) and any(
        _name_in(tensors, key) for key in detector.body().state_dict()
    )


def _fit_body(detector: Detector, tensors: Mapping[str, Tensor], where: str) -> None:
    own = detector.body().state_dict()
    given = {key: tensors[name] for key in own if (name := _name_in(tensors, key))}
    given |= {key: own[key] for key in own if key.endswith(COUNTER) and key not in given}
    _check(own, given, where)
    detector.body().load_state_dict(given)


def _name_in(tensors: Mapping[str, Tensor], key: str) -> str | None:
    """Return the classifier's name of a tensor of the body: torchvision's bodies are the inner of `features`."""
    return next((name for name in (key, f"features.{key}") if name in tensors), None)


def _check(own: Mapping[str, Tensor], given: Mapping[str, Tensor], where: str) -> None:
    problems = (
        [f"{key} is missing" for key in own if key not in given]
        + [f"{key} is not of this architecture" for key in given if key not in own]
        + [
            f"{key} has the shape {list(given[key].shape)}, not {list(own[key].shape)}"
            for key in own
            if key in given and own[key].shape != given[key].shape
        ]
    )
    if problems:
        raise _unfit(problems, where)


def _unfit(problems: Sequence[str], where: str) -> UserError:
    more = f" and {len(problems) - NAMED_KEYS} more" if len(problems) > NAMED_KEYS else ""
    return invalid_spec(
        f"{where} does not fit: {', '.join(problems[:NAMED_KEYS])}{more}; give weights of the same architecture with "
        "its library's names"
    )
